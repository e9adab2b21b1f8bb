from __future__ import annotations

from datetime import datetime

import pytest

from gateway.access.timestamps import iso


@pytest.mark.parametrize(
    ("instant", "text"),
    [(0.0, "1970-01-01T00:00:00.000Z"), (1_790_000_000.1239, "2026-09-21T14:13:20.123Z")],
)
def test_instants_read_the_same_everywhere(instant: float, text: str) -> None:
    assert iso(instant) == text
    assert datetime.fromisoformat(text).timestamp() == pytest.approx(instant, abs=0.001)

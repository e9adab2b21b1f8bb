from __future__ import annotations

import pytest

from gateway.errors import Unacceptable
from gateway.protocol.description import SignalledSsrc
from gateway.protocol.sdp import parse
from gateway.protocol.sdp.source_matching import announced_sources
from tests.unit.protocol.sdp.offers import session, video


def sources(*lines: str) -> list[SignalledSsrc]:
    return list(announced_sources(parse(session(video(*(f"a={line}" for line in lines)))).media[0]))


@pytest.mark.parametrize(
    ("lines", "ssrcs"),
    [
        pytest.param(["ssrc:1 cname:x"], [SignalledSsrc(1, None, "x")], id="one"),
        pytest.param(
            ["ssrc-group:FID 1 2", "ssrc:1 cname:x", "ssrc:2 cname:x"],
            [SignalledSsrc(1, 2, "x")],
            id="with RTX",
        ),
        pytest.param(["ssrc-group:FID 1 2", "ssrc:1 cname:x"], [SignalledSsrc(1, 2, "x")], id="FFmpeg's FID"),
        pytest.param(
            [
                "ssrc:5 cname:x",
                "ssrc-group:FID 5 6",
                "ssrc-group:FID 3 4",
                "ssrc-group:SIM 3 5 7",
                "ssrc:6 cname:x",
            ],
            [SignalledSsrc(3, 4, None), SignalledSsrc(5, 6, "x"), SignalledSsrc(7, None, None)],
            id="SIM gives the order",
        ),
        pytest.param(
            ["ssrc:1 cname:x", "ssrc:2 cname:x", "ssrc-group:FEC-FR 1 2"],
            [SignalledSsrc(1, None, "x")],
            id="FEC",
        ),
        pytest.param(["ssrc-group:FID 1"], [], id="half a group"),
        pytest.param([], [], id="none"),
    ],
)
def test_sources(lines: list[str], ssrcs: list[SignalledSsrc]) -> None:
    assert sources(*lines) == ssrcs


def test_more_sources_than_anybody_needs_are_refused() -> None:
    assert len(sources(*(f"ssrc:{n}" for n in range(32)))) == 32
    with pytest.raises(Unacceptable, match="more than 32 ssrcs for video"):
        sources(*(f"ssrc:{n}" for n in range(33)))

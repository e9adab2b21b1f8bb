"""The protocol and the SFU are covered by their own unit tests, not by chance through others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIRED = 95


@pytest.mark.timeout(600)
@pytest.mark.parametrize("layer", ["protocol", "sfu"])
def test_the_pure_layers_are_covered_by_their_own_tests(layer: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/unit/{layer}"]
    coverage = [f"--cov=gateway.{layer}", f"--cov-fail-under={REQUIRED}", "--cov-report=term:skip-covered"]
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage")}
    run = subprocess.run(
        [*command, *coverage], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=580
    )
    assert run.returncode == 0, run.stdout[-6_000:]

"""The benchmarks still run against a real gateway: what nobody runs for months must not have rotted."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.gateway_server import ROOT


def test_latency_is_told_for_each_layer() -> None:
    command = [sys.executable, "-m", "loadtest.bench", "latency", "--json"]
    options = ["--layers", "3", "--viewers", "6", "--seconds", "1"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for height in (180, 360, 720):
        assert told[f"{height}p_viewers"] == 2, done.stderr
        assert 0 < told[f"{height}p_p50_ms"] <= told[f"{height}p_p99_ms"] <= told["max_ms"]
    # 1, 3 and 8 packets a frame and 50 of sound, for a second; a busy machine may be late with some.
    assert told["packets"] > 2 * (25 * (1 + 3 + 8) + 3 * 50) * 0.5

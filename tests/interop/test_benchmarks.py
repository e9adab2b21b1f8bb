"""The benchmarks run, and forwarding keeps its ratios: to sends without any work, and to fewer viewers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.gateway_server import ROOT


def run(*command: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.bench", *command, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_forwarding_keeps_its_ratios() -> None:
    told, _ = run("fanout", "--viewers", "400", "--rounds", "12", "--seconds", "0.1")
    assert told["ratio_percent"] >= 25, "of what the kernel sends without any work; 38 to 40 seen"
    assert told["growth_percent"] <= 30, "over what a packet costs at 100 viewers"
    assert told["drops"] == {}


def test_latency_is_told_for_each_layer() -> None:
    told, log = run("latency", "--layers", "3", "--viewers", "6", "--seconds", "1")
    for height in (180, 360, 720):
        assert told[f"{height}p_viewers"] == 2, log
        assert 0 < told[f"{height}p_p50_ms"] <= told[f"{height}p_p99_ms"] <= told["max_ms"]
    # 1, 3 and 8 packets a frame and 50 of sound, for a second; a busy machine may be late with some.
    assert told["packets"] > 2 * (25 * (1 + 3 + 8) + 3 * 50) * 0.5

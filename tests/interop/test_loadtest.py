"""The release gate's smoke version, as ops run it: the console script, a gateway of its own, real media."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("loadtest")

CANNOT_HOLD = """
title = "no packet is that fast"
duration = 2
warmup = 0.5

[watch]
viewers = 4
checked = 0

[generator]
max_lag_ms = 5000
max_cpu = 2

[thresholds]
latency_p99_ms = 0.001
failed_sessions = 0
"""


def loadtest(folder: Path, scenario: str, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run it; its status, what it wrote and what it said."""
    written = folder / "result.json"
    done = subprocess.run(
        [str(PROGRAM), "run", scenario, "--local", "--json", str(written), *options],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("LOADTEST_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    told = done.stdout + done.stderr
    assert written.exists(), told
    return done.returncode, json.loads(written.read_text()), told


def test_the_smoke_scenario_passes(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    status, result, told = loadtest(tmp_path, "smoke", "--report", str(page))
    assert status == 0, told
    assert result["outcome"] == "pass"
    assert all(check["holds"] for check in result["checks"])
    figures = result["figures"]
    assert figures["viewers"] >= 19.8
    assert figures["opened"] == 20
    # 600 kbit/s and sound for each, less what a busy machine sends late.
    assert figures["mbit_per_second"] > 20 * 0.6 * 0.7
    assert figures["pictures"] > 10 * 25 * 0.5
    assert figures["wrong_pictures"] == 0
    assert 0 < figures["latency_p50_ms"] <= figures["latency_p99_ms"]
    assert 0 < figures["join_p50_ms"] <= figures["join_p95_ms"]
    assert figures["glass_p95_ms"] > 0
    assert figures["requests_p95_ms"] > 0  # five pages came and somebody logged in each second
    assert 0 < figures["server_cpu"] <= 1.1
    assert figures["server_kb_per_viewer"] is not None
    assert result["failures"] == {}
    assert max(sample["sessions"] for sample in result["series"]) == 20
    assert {load["name"] for load in result["generator"]} >= {"publisher", "viewers 1", "pages", "logins"}
    assert "eyJ" not in json.dumps(result) + told  # how every token begins
    assert "<svg" in page.read_text()


def test_a_threshold_that_cannot_hold_is_status_1(tmp_path: Path) -> None:
    scenario = tmp_path / "mine.toml"
    scenario.write_text(CANNOT_HOLD)
    status, result, told = loadtest(tmp_path, str(scenario))
    assert status == 1
    assert result["outcome"] == "fail"
    assert [check["name"] for check in result["checks"] if not check["holds"]] == ["latency_p99_ms"]
    assert "FAILED" in told

#!/usr/bin/env python3
"""Repeat the measurements of docs/performance.md: `tools/performance.py [STEP …] [--folder FOLDER]`.

Needs `make develop` and a machine that does nothing else; takes about half an hour in all. Each step leaves
its JSON, and a report where there is one, in the folder; the figures of all steps are printed at the end.
Janus is compared where Debian's package is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = str(ROOT / ".venv" / "bin" / "python")
LOADTEST = str(ROOT / ".venv" / "bin" / "loadtest")
JANUS_PORT = 18_188
JANUS_ORDER = "1234"

SEARCH = ["--stage", "10", "--precision", "0.05", "--within", "210"]
STEPS: dict[str, list[str]] = {
    "fan-out": ["bench", "fanout", "--viewers", "400"],
    "memory": ["bench", "memory"],
    "latency": ["bench", "latency", "--layers", "3", "--viewers", "20"],
    "600-kbit": ["capacity", "one-stream-600", "--local", "--from", "1200", *SEARCH],
    "2-mbit": ["capacity", "one-stream-2000", "--local", "--from", "700", *SEARCH],
    "browser-600": ["capacity", "browser-600", "--local", "--from", "1200", *SEARCH],
    "browser-2000": ["capacity", "browser-2000", "--local", "--from", "700", *SEARCH],
    "many-orders": ["run", "many-orders", "--local", "--duration", "20"],
    "cost-100": ["run", "one-stream-600", "--local", "--viewers", "100", "--duration", "15"],
    "cost-300": ["run", "one-stream-600", "--local", "--viewers", "300", "--duration", "15"],
    "cost-1000": ["run", "one-stream-600", "--local", "--viewers", "1000", "--duration", "15"],
    "opening": ["run", "opening", "--local", "--duration", "20"],
    "vp8": ["capacity", "one-stream-vp8", "--local", "--from", "350", *SEARCH],
    "janus": ["capacity", "one-stream-vp8", "--from", "100", *SEARCH],
}
FIGURES = {
    "viewers": "viewers",
    "packets_per_second": "packets/s",
    "server_cpu": "server, cores",
    "server_packets_per_core": "packets/s a core",
    "server_us_per_packet": "µs a packet",
    "server_kb_per_viewer": "kB a viewer",
    "latency_p99": "p99 ms",
    "join_p95": "join p95 ms",
    "lost": "lost",
}


@contextlib.contextmanager
def janus() -> Iterator[int]:
    """Debian's Janus with one event loop, ICE-lite on loopback, pinned to the first core; its process id."""
    library = next(Path("/usr/lib").glob("*/janus"))
    with tempfile.TemporaryDirectory(prefix="janus-") as folder:
        write = Path(folder)
        (write / "janus.jcfg").write_text(
            f'general: {{ configs_folder = "{folder}"; debug_level = 3; event_loops = 1; '
            f'plugins_folder = "{library}/plugins"; transports_folder = "{library}/transports"; '
            f'events_folder = "{library}/events"; loggers_folder = "{library}/loggers" }}\n'
            'nat: { ice_lite = true; ice_enforce_list = "127.0.0.1" }\n'
            'media: { rtp_port_range = "30000-39000" }\n',
            encoding="ascii",
        )
        (write / "janus.transport.websockets.jcfg").write_text(
            f'general: {{ ws = true; ws_port = {JANUS_PORT}; ws_ip = "127.0.0.1" }}\n', encoding="ascii"
        )
        (write / "janus.plugin.videoroom.jcfg").write_text("general: {}\n", encoding="ascii")
        with (write / "log").open("wb") as log:
            process = subprocess.Popen(["janus", "-F", folder], stdout=log, stderr=log)
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        try:
            time.sleep(3)
            if process.poll() is not None:
                raise SystemExit(
                    "Janus does not start:\n" + (write / "log").read_text(errors="replace")[-2000:]
                )
            yield process.pid
        finally:
            process.terminate()
            process.wait(15)


def measure(step: str, folder: Path) -> None:
    """Run one step; a threshold that does not hold is a figure too."""
    command, *options = STEPS[step]
    target = folder / f"{step}.json"
    print(f"== {step}", flush=True)
    if command == "bench":
        with target.open("wb") as out:
            subprocess.run(
                [PYTHON, "-m", "loadtest.bench", *options, "--json"], cwd=ROOT, stdout=out, check=True
            )
        return
    told = ["--json", str(target), "--report", str(folder / f"{step}.html")]
    with contextlib.ExitStack() as stack:
        if step == "janus":
            if shutil.which("janus") is None:
                print("Janus is not installed: not compared")
                return
            url = f"http://127.0.0.1:{JANUS_PORT}"
            told += ["--adapter", "janus", "--url", url, "--order", JANUS_ORDER]
            told += ["--gateway-pid", str(stack.enter_context(janus()))]
        subprocess.run([LOADTEST, command, *options, *told], cwd=ROOT, check=False)


def table(folder: Path) -> str:
    """What the folder has, as Markdown."""
    lines = [f"| step | outcome | {' | '.join(FIGURES.values())} |", "| --- " * (len(FIGURES) + 2) + "|"]
    for step in STEPS:
        path = folder / f"{step}.json"
        if not path.exists():
            continue
        told = json.loads(path.read_text(encoding="utf-8"))
        if "figures" not in told:
            shown = [f"{name} {value:,.1f}" for name, value in told.items() if isinstance(value, float)]
            lines.append(f"| {step} | {', '.join(shown)} |" + " |" * len(FIGURES))
            continue
        cells = [figure(told["figures"].get(name)) for name in FIGURES]
        lines.append(f"| {step} | {told['outcome']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def figure(value: float | None) -> str:
    """A cell."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}; all if none is named"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "performance")
    options = parser.parse_args()
    unknown = set(options.steps) - set(STEPS)
    if unknown:
        parser.error(f"no step is called {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    for step in options.steps or STEPS:
        measure(step, options.folder)
    print(table(options.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())

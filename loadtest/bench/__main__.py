"""`python -m loadtest.bench fanout|latency|memory|join`."""

from __future__ import annotations

import argparse
import importlib
import os

from loadtest.bench.figures import show

BENCHMARKS = {
    "fanout": "the forwarding loop alone, against the same bursts sent without any work",
    "latency": "latency that the gateway adds, one publisher and ten viewers; --layers: by simulcast layer",
    "memory": "resident memory a viewer, and what remains after they left",
    "join": "first frame decoded in Chromium after the WHEP POST",
}


def main() -> None:
    """Parse the command line, run one benchmark, print its figures."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description=__doc__)
    commands = parser.add_subparsers(dest="benchmark", required=True)
    for name, text in BENCHMARKS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--realtime",
            action="store_true",
            help="run measured and measuring processes before all others (needs root): on a machine that "
            "does something else beside, figures are otherwise those of its scheduler",
        )
        command.add_argument("--json", action="store_true", help="print one JSON object")
        importlib.import_module(f"loadtest.bench.{name}").add_arguments(command)
    options = parser.parse_args()
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # children inherit it
    benchmark = importlib.import_module(f"loadtest.bench.{options.benchmark}")
    result = benchmark.run(options)
    result["realtime"] = options.realtime
    show(result, as_json=options.json)


if __name__ == "__main__":
    main()

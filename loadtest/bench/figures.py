"""Figures of a benchmark: percentiles, progress on standard error, the result on standard output."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, `share` in 0..1; NaN without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def progress(text: str) -> None:
    """Tell the person who waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def show(result: Mapping[str, object], *, as_json: bool) -> None:
    """Print the result: one JSON object, or a line a figure."""
    if as_json:
        print(json.dumps(result))
        return
    width = max(map(len, result))
    for name, value in result.items():
        print(f"{name:<{width}}  {f'{value:,.3f}' if isinstance(value, float) else value}")


def pin(core: int) -> bool:
    """Keep this process on one core, so that the measured and the measuring do not share one."""
    if core not in os.sched_getaffinity(0):
        return False
    os.sched_setaffinity(0, {core})
    return True


def cores() -> tuple[int, int]:
    """One core for what is measured and another for the rest; the same twice on a single-core machine."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]

"""A result in words, for the terminal."""

from __future__ import annotations

from loadtest.judge import written
from loadtest.result import Result

OUTCOMES = {
    "pass": "PASSED: every threshold holds",
    "fail": "FAILED",
    "refused": "REFUSED: the generator was the limit, so that nothing is said about the server",
    "stopped": "STOPPED",
}
FIGURES = {
    "viewers": ("viewers", ""),
    "packets_per_second": ("packets a second", ""),
    "mbit_per_second": ("to viewers", "Mbit/s"),
    "missing": ("packets missing at first", "%"),
    "loss": ("packets lost after repair", "%"),
    "latency_p50_ms": ("latency, half", "ms"),
    "latency_p99_ms": ("latency, 99 of 100", "ms"),
    "join_p50_ms": ("join, half", "ms"),
    "join_p95_ms": ("join, 95 of 100", "ms"),
    "glass_p95_ms": ("glass to glass, 95 of 100", "ms"),
    "freezes_per_viewer_minute": ("freezes a viewer and minute", ""),
    "failed_share": ("sessions failed", "%"),
    "requests_p95_ms": ("logins and pages, 95 of 100", "ms"),
    "server_cpu": ("server's processor", "%"),
    "server_mb": ("server's memory", "MB"),
    "server_packets_per_core": ("packets a second and core", ""),
    "server_us_per_packet": ("processor a packet", "µs"),
    "server_kb_per_viewer": ("memory a viewer", "kB"),
    "others_cpu": ("other processes' processor", "%"),
    "capacity": ("capacity in viewers", ""),
}
"""The figures that people read, in order: text and unit. Shares have the unit %."""


def headline(result: Result) -> str:
    """The outcome in a line."""
    if result.kind == "capacity" and result.outcome in ("pass", "refused"):
        viewers = f"{result.figures['capacity']:,.0f} viewers"
        return (
            f"CAPACITY: {viewers}"
            if result.outcome == "pass"
            else f"REFUSED: at least {viewers}, no more known"
        )
    return OUTCOMES[result.outcome]


def told(result: Result) -> str:
    """The figures, each threshold, and the outcome last."""
    lines = []
    for name, (text, unit) in FIGURES.items():
        value = result.figures.get(name)
        if value is not None:
            lines.append(f"  {text:<30} {written(value, unit)}")
    if result.checks:
        lines.append("")
    for check in result.checks:
        sign = "ok  " if check["holds"] else "FAIL"
        word = "at least" if check["at_least"] else "at most"
        limit, measured = (written(check[name], check["unit"]) for name in ("limit", "value"))
        lines.append(f"  {sign} {check['text']:<34} {measured:>12}   {word} {limit}")
    lines += [f"  failed: {reason} ({count})" for reason, count in result.failures.items()]
    lines += ["", headline(result), *(f"  {reason}" for reason in result.reasons)]
    return "\n".join(lines)

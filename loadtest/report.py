"""One run, or two side by side, as a page that needs nothing else: no script, no font, no address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from loadtest.judge import written
from loadtest.plot import Line, Plot, Points, draw
from loadtest.result import Result
from loadtest.verdict import FIGURES, headline

_STYLE = Path(__file__).with_name("report.css")
_BETTER_HIGH = frozenset(("server_packets_per_core", "capacity"))
_NEUTRAL = frozenset(("viewers", "packets_per_second", "mbit_per_second", "server_mb", "server_cpu"))
"""What was asked for differs, not how well it was done."""
_NOTEWORTHY = 0.05
"""Relative difference between two runs from which on it is marked."""
_TIMES = 2.0
"""Relative difference from which on it is told as a multiple."""

_PLOTS: tuple[tuple[str, str, tuple[tuple[str, str, float], ...]], ...] = (
    ("Viewers", "", (("connected", "sessions", 1.0), ("opening", "opening", 1.0))),
    ("Packets to viewers", "a second", (("packets", "packets", 1.0),)),
    ("Packets missing", "%", (("at first", "missing", 100.0), ("after repair", "lost", 100.0))),
    ("Latency", "ms", (("half", "latency_p50", 1.0), ("99 of 100", "latency_p99", 1.0))),
    ("Processor", "% of a core", (("server", "server_cpu", 100.0), ("generator", "generator_cpu", 100.0))),
    ("Join, 95 of 100", "ms", (("join", "join_p95", 1.0),)),
    ("Freezes and failed sessions", "", (("freezes", "freezes", 1.0), ("failed", "failed", 1.0))),
    ("Server's memory", "MB", (("resident", "server_mb", 1.0),)),
    ("Generator's longest wait", "ms", (("a socket waited", "lag", 1.0),)),
)
"""Title, unit, and lines: label, field of a sample, factor."""


def write_report(path: Path, results: Sequence[Result]) -> None:
    """Write the page of one or two results. Raises OSError."""
    path.write_text(page(results), encoding="utf-8")


def page(results: Sequence[Result]) -> str:
    """The page of one or two results."""
    title = " against ".join(result.title for result in results)
    sections = [
        f"<h1>{escape(title)}</h1>",
        f'<div class="runs">{"".join(_headline(*each) for each in _named(results))}</div>',
        _section("Thresholds", *(_checks(name, result) for name, result in _named(results))),
        _section("Figures", _figures(results)),
        _section("Capacity", *(_stages(name, result) for name, result in _named(results))),
        _section("Over time", _legend(results), f'<div class="plots">{"".join(_plots(results))}</div>'),
        _section("Generator", *(_generator(name, result) for name, result in _named(results))),
        _section("What failed", *(_failures(name, result) for name, result in _named(results))),
        _section("Machine and scenario", _machines(results)),
    ]
    style = _STYLE.read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _named(results: Sequence[Result]) -> Iterator[tuple[str, Result]]:
    """Two results have names, one needs none."""
    return zip("AB" if len(results) == 2 else ("",), results, strict=True)


def _section(heading: str, *parts: str) -> str:
    body = "".join(parts)
    return f"<section><h2>{escape(heading)}</h2>{body}</section>" if body else ""


def _headline(name: str, result: Result) -> str:
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in result.reasons)
    target = result.target
    label = f'<span class="run">{name}</span> ' if name else ""
    about = f"{target.get('url', '')}, {target.get('orders', 0)} order(s), {result.started}"
    return (
        f'<article class="{escape(result.outcome)}"><h2>{label}'
        f"{escape(headline(result))}</h2><p>{escape(result.title)}: {escape(about)}</p>"
        f"{f'<ul>{reasons}</ul>' if reasons else ''}</article>"
    )


def _table(head: Sequence[str], rows: Sequence[str], caption: str = "") -> str:
    if not rows:
        return ""
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{told}<thead><tr>{cells}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _caption(name: str, text: str = "") -> str:
    return ", ".join(part for part in (f"Run {name}" if name else "", text) if part)


def _row(head: str, *cells: tuple[str, str]) -> str:
    """A row; each cell is its text and a class."""
    rest = "".join(f'<td class="{style}">{escape(text)}</td>' for text, style in cells)
    return f'<tr><th scope="row">{escape(head)}</th>{rest}</tr>'


def _checks(name: str, result: Result) -> str:
    rows = [
        _row(
            check["text"],
            ("holds" if check["holds"] else "FAILS", "good" if check["holds"] else "bad"),
            (written(check["value"], check["unit"]), "number"),
            (
                f"{'at least' if check['at_least'] else 'at most'} {written(check['limit'], check['unit'])}",
                "number",
            ),
        )
        for check in result.checks
    ]
    return _table(("threshold", "", "measured", "wanted"), rows, _caption(name))


def _figures(results: Sequence[Result]) -> str:
    rows = []
    for name, (text, unit) in FIGURES.items():
        values = [result.figures.get(name) for result in results]
        if all(value is None for value in values):
            continue
        cells = [(written(value, unit), "number") for value in values]
        if len(values) == 2:
            cells.append(_difference(name, values[0], values[1]))
        rows.append(_row(text, *cells))
    head = ["", *(name for name, _ in _named(results)), *(["B against A"] if len(results) == 2 else [])]
    return _table(head if len(results) == 2 else ("figure", "measured"), rows)


def _difference(name: str, first: float | None, second: float | None) -> tuple[str, str]:
    """How the second differs, and whether that is better or worse."""
    if first is None or second is None:
        return "–", "number"
    if first == second:
        return "same", "number"
    change = second / first - 1 if first else float("inf")
    text = f"{change:+.1%}" if change < _TIMES else f"{change + 1:.3g} times" if first else "from nothing"
    if abs(change) < _NOTEWORTHY or name in _NEUTRAL:
        return text, "number"
    better = (second > first) == (name in _BETTER_HIGH)
    return f"{text} {'better' if better else 'worse'}", f"number {'good' if better else 'bad'}"


def _stages(name: str, result: Result) -> str:
    rows = []
    for stage in result.stages:
        found, outcome = stage["figures"], stage["outcome"]
        cells = [
            (written(found.get(key), FIGURES[key][1]), "number")
            for key in ("packets_per_second", "loss", "latency_p99_ms", "join_p95_ms", "server_cpu")
        ]
        style = {"pass": "good", "fail": "bad"}.get(outcome, "")
        rows.append(
            _row(str(stage["viewers"]), *cells, (outcome, style), ("; ".join(stage["reasons"]), "why"))
        )
    head = ("viewers", "packets/s", "lost", "latency p99", "join p95", "server", "", "")
    return _table(head, rows, _caption(name, "in the order in which it was tried"))


def _legend(results: Sequence[Result]) -> str:
    shaded = '<span class="swatch"></span> the judged time'
    runs = ", where both begin at once; A has whole lines, B broken ones" if len(results) == 2 else ""
    return f"<p>{shaded}{runs}</p>" if any(result.series for result in results) else ""


def _plots(results: Sequence[Result]) -> Iterator[str]:
    latest = max((_judged_from(result) for result in results), default=0.0)
    shifts = [latest - _judged_from(result) for result in results]
    shaded = [
        (since + shift, until + shift)
        for result, shift in zip(results, shifts, strict=True)
        for since, until in _judged(result.series)
    ]
    if len(results) == 2:
        shaded = sorted(shaded, key=lambda span: span[1])[-1:]
    right = max(
        (r.series[-1]["at"] + shift for r, shift in zip(results, shifts, strict=True) if r.series),
        default=0.0,
    )
    for title, unit, kinds in _PLOTS:
        lines = []
        for (run, result), shift in zip(_named(results), shifts, strict=True):
            for place, (label, name, factor) in enumerate(kinds):
                points = _points(result.series, name, factor, shift)
                if name in ("freezes", "failed", "opening") and not any(y for _, y in points):
                    continue
                text = f"{run}: {label}" if run else label
                lines.append(Line(text, points, f"line{place + 1} {run.lower()}".strip()))
        yield draw(Plot(title, unit, lines, shaded, right))


def _judged_from(result: Result) -> float:
    """When the first judged time began: there two runs are laid over each other."""
    return next((since for since, _ in _judged(result.series)), 0.0)


def _points(series: Sequence[dict[str, Any]], name: str, factor: float, shift: float) -> Points:
    return [
        (sample["at"] + shift, sample[name] * factor) for sample in series if sample.get(name) is not None
    ]


def _judged(series: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    """Times at which something was measured, from the samples' phases."""
    spans: list[tuple[float, float]] = []
    since: float | None = None
    for sample in series:
        judged = sample["phase"] == "measure"
        if judged and since is None:
            since = sample["at"]
        elif not judged and since is not None:
            spans.append((since, sample["at"]))
            since = None
    if since is not None:
        spans.append((since, series[-1]["at"]))
    return spans


def _generator(name: str, result: Result) -> str:
    rows = [
        _row(
            load["name"],
            (written(load["cpu"], "%"), "number"),
            (written(load["lag_p95_ms"], "ms"), "number"),
            (str(load["kernel_drops"]), "number"),
        )
        for load in result.generator
    ]
    head = ("process", "of a core", "sockets waited, 95 of 100 s", "dropped by the kernel")
    return _table(head, rows, _caption(name))


def _failures(name: str, result: Result) -> str:
    rows = [_row(reason, (str(count), "number")) for reason, count in result.failures.items()]
    return _table(("reason", "sessions"), rows, _caption(name))


def _machines(results: Sequence[Result]) -> str:
    """Both machines and both scenarios, what differs marked."""
    read: tuple[Callable[[Result], dict[str, str]], ...] = (lambda result: result.machine, _settings)
    rows = []
    for values in ([each(result) for result in results] for each in read):
        for name in dict.fromkeys(name for each in values for name in each):
            texts = [each.get(name, "–") for each in values]
            style = "differs" if len(set(texts)) > 1 else ""
            rows.append(_row(name, *((text, style) for text in texts)))
    return _table(("", *(name for name, _ in _named(results))) if len(results) == 2 else ("", ""), rows)


def _settings(result: Result) -> dict[str, str]:
    """The scenario's values as text by dotted name; thresholds stand elsewhere."""
    found: dict[str, str] = {}

    def walk(values: dict[str, Any], where: str) -> None:
        for name, value in values.items():
            if isinstance(value, dict):
                if name != "thresholds":
                    walk(value, f"{where}{name}.")
            elif isinstance(value, list | tuple):
                found[where + name] = ", ".join(
                    f"{layer['rid'] or 'one'} {layer['width']}×{layer['height']} {layer['kbit']} kbit/s"
                    for layer in value
                )
            else:
                found[where + name] = str(value)

    walk(result.scenario, "")
    found.pop("title", None)
    return found

"""Lines over time as SVG, which a browser draws without anything else; the page names the colours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 10, 26
_POINTS = 600
"""More are thinned out, the highest of each group kept, so that an hour's run stays a small page."""

_DOTS = 12

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `style` is a class of the style sheet."""

    label: str
    points: Points
    style: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one scale. `shaded` are the judged times, in the x axis's unit."""

    title: str
    unit: str
    lines: Sequence[Line]
    shaded: Sequence[tuple[float, float]] = ()
    right: float = 0.0
    """Where the x axis ends at least, so that plots beside each other have the same."""
    x_unit: str = "s"


def draw(plot: Plot) -> str:
    """A figure with its legend; an empty string when no line has a point."""
    lines = [line for line in plot.lines if line.points]
    if not lines:
        return ""
    right = max(plot.right, *(x for line in lines for x, _ in line.points)) or 1.0
    top = max(max(y for line in lines for _, y in line.points), 0.0)
    marks = ticks(top)
    scale = _Scale(right, marks[-1])
    svg = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(plot.title)}">',
        *(_shade(scale, since, until) for since, until in plot.shaded),
        *_grid(scale, marks, plot),
        *(_curve(scale, line) for line in lines),
        "</svg>",
    ]
    legend = "".join(_legend(line, plot.unit) for line in lines)
    unit = f" <small>{escape(plot.unit)}</small>" if plot.unit else ""
    heading = f"<figcaption>{escape(plot.title)}{unit}</figcaption>"
    return f'<figure>{heading}{"".join(svg)}<ul class="legend">{legend}</ul></figure>'


@dataclass(frozen=True, slots=True)
class _Scale:
    right: float
    top: float

    def x(self, value: float) -> float:
        return round(_LEFT + value / self.right * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - max(0.0, value) / self.top * (HEIGHT - _TOP - _BOTTOM), 1)

    def path(self, points: Points) -> str:
        return " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)


def ticks(top: float, count: int = 4) -> list[float]:
    """Round values from 0 to at least `top`: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if top <= 0 or not math.isfinite(top):
        return [0.0, 1.0]
    rough = top / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    number = math.ceil(top / step * (1 - 1e-9))
    return [step * place for place in range(number + 1)]


def thinned(points: Points, most: int = _POINTS) -> Points:
    """At most about `most` points, of each group the highest: peaks are what matters."""
    if len(points) <= most:
        return points
    size = math.ceil(len(points) / most)
    groups = (points[place : place + size] for place in range(0, len(points), size))
    return [max(group, key=lambda point: point[1]) for group in groups]


def short(value: float) -> str:
    """A figure for an axis."""
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * limit or (abs(value) >= limit and letter == "M"):
            return f"{value / limit:.4g}{letter}"
    return f"{value:.4g}"


def _grid(scale: _Scale, marks: Sequence[float], plot: Plot) -> Iterator[str]:
    for mark in marks:
        y = scale.y(mark)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{short(mark)}</text>'
    for mark in ticks(scale.right, 5):
        if mark <= scale.right:
            anchor = "start" if mark == 0 else "end" if scale.x(mark) > WIDTH - 40 else "middle"
            label = short(mark) + (f" {plot.x_unit}" if mark == 0 else "")
            yield f'<text x="{scale.x(mark)}" y="{HEIGHT - 8}" text-anchor="{anchor}">{escape(label)}</text>'


def _curve(scale: _Scale, line: Line) -> str:
    """The line, with dots where there are so few points that they may stand alone."""
    dots = ""
    if len(line.points) < _DOTS:
        dots = "".join(f'<circle cx="{scale.x(x)}" cy="{scale.y(y)}" r="3"/>' for x, y in line.points)
    path = scale.path(thinned(line.points))
    return f'<g class="{line.style}"><polyline points="{path}"/>{dots}</g>'


def _shade(scale: _Scale, since: float, until: float) -> str:
    x, width = scale.x(since), scale.x(until) - scale.x(since)
    height = HEIGHT - _TOP - _BOTTOM
    return f'<rect class="judged" x="{x}" y="{_TOP}" width="{width:.1f}" height="{height}"/>'


def _legend(line: Line, unit: str) -> str:
    values = [y for _, y in line.points]
    mean = sum(values) / len(values)
    told = f"mean {short(mean)}, most {short(max(values))} {unit}".rstrip()
    return f'<li class="{line.style}"><i></i>{escape(line.label)} <small>{escape(told)}</small></li>'

"""The page: everything in it, nothing outside it, differences marked."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from loadtest.plot import Line, Plot, draw, short, thinned, ticks
from loadtest.report import page
from loadtest.result import NotAResult, Result, read

PHASES = ["ramp"] * 3 + ["measure"] * 5 + ["stop"]


def sample(at: float, phase: str) -> dict[str, Any]:
    return {
        "at": at,
        "phase": phase,
        "sessions": 20,
        "opening": 0,
        "packets": 2000.0,
        "lost": 0.001,
        "missing": 0.002,
        "latency_p50": 3.0,
        "latency_p99": None if at < 2 else 9.0,
        "join_p95": 100.0 if at == 1 else None,
        "freezes": 0,
        "failed": 0,
        "generator_cpu": 0.2,
        "lag": 2.0,
        "server_cpu": 0.4,
        "server_mb": 90.0,
    }


def result(**changes: Any) -> Result:
    values: dict[str, Any] = {
        "kind": "run",
        "title": "smoke <script>alert(1)</script>",
        "started": "2026-01-01T00:00:00+00:00",
        "outcome": "pass",
        "target": {"url": "http://gateway.example", "orders": 1},
        "machine": {"processor": "one", "cores": "2"},
        "scenario": {
            "duration": 5.0,
            "publish": {"layers": [{"rid": None, "kbit": 6, "width": 1, "height": 2}]},
        },
        "checks": [
            {"name": "loss", "text": "lost", "unit": "%", "limit": 0.1, "value": None, "at_least": False}
            | {"holds": False}
        ],
        "figures": {"viewers": 20.0, "loss": 0.001, "latency_p99_ms": 10.0, "server_packets_per_core": 1000},
        "failures": {"HTTP 503 & more": 3},
        "generator": [{"name": "viewers 1", "cpu": 0.3, "lag_p95_ms": 2.0, "kernel_drops": 0}],
        "series": [sample(float(at), phase) for at, phase in enumerate(PHASES)],
    }
    return Result(**(values | changes))


class Tags(HTMLParser):
    """Every tag closed, none that loads something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not {"src", "href", "onload", "onclick"} & {name for name, _ in attributes}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in ("line", "rect", "circle", "polyline")
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@pytest.mark.parametrize("count", [1, 2])
def test_the_page_needs_nothing_else_and_runs_nothing(count: int) -> None:
    text = page([result()] * count)
    tags = Tags(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(tags.seen)
    assert "url(" not in text
    assert "@import" not in text
    assert "alert(1)" in tags.text  # as text
    assert (
        tags.seen.count("svg") == 8
    )  # all plots but the one of freezes and failures, of which there are none


def test_the_page_tells_the_outcome_and_why() -> None:
    text = Tags(page([result(outcome="refused", reasons=["viewers 1 let sockets wait 50 ms"])])).text
    assert "REFUSED" in text
    assert "viewers 1 let sockets wait 50 ms" in text
    assert "FAILS" in text
    assert "HTTP 503 & more" in text
    assert "one 1×2 6 kbit/s" in text


def row(text: str, head: str) -> str:
    match = re.search(rf'<tr><th scope="row">{head}</th>(.*?)</tr>', text)
    assert match, head
    return match[1]


def test_two_runs_are_compared() -> None:
    second = result(
        machine={"processor": "other", "cores": "2"},
        figures={"viewers": 20.0, "loss": 0.0005, "latency_p99_ms": 45.0, "server_packets_per_core": 900},
    )
    text = page([result(), second])
    assert "good" in row(text, "packets lost after repair")
    assert "-50.0% better" in row(text, "packets lost after repair")
    assert "4.5 times worse" in row(text, "latency, 99 of 100")
    assert "-10.0% worse" in row(text, "packets a second and core")
    assert "same" in row(text, "viewers")
    assert "differs" in row(text, "processor")
    assert "differs" not in row(text, "cores")
    assert 'class="line1 b"' in text


def test_a_small_difference_is_not_marked() -> None:
    second = result(figures={"latency_p99_ms": 10.3})
    cells = row(page([result(), second]), "latency, 99 of 100")
    assert "+3.0%" in cells
    assert "bad" not in cells


def test_a_search_shows_what_was_tried() -> None:
    stage = {"viewers": 400, "outcome": "fail", "reasons": ["too late"], "figures": {"latency_p99_ms": 99.0}}
    text = page([result(kind="capacity", stages=[stage], figures={"capacity": 300})])
    assert "CAPACITY: 300 viewers" in text
    assert "too late" in row(text, "400")


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    result().save(path)
    assert read(path) == result()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(NotAResult, match="not written by this version"):
        read(path)
    path.write_text("[1")
    with pytest.raises(NotAResult, match=r"a\.json"):
        read(path)
    with pytest.raises(NotAResult, match="No such file"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        (0.0, [0, 1]),
        (1.0, [0, 0.25, 0.5, 0.75, 1.0]),
        (4.0, [0, 1, 2, 3, 4]),
        (17.0, [0, 5, 10, 15, 20]),
        (38_000.0, [0, 10_000, 20_000, 30_000, 40_000]),
    ],
)
def test_axes_have_round_marks(top: float, expected: list[float]) -> None:
    assert ticks(top) == pytest.approx(expected)


def test_long_runs_keep_their_peaks() -> None:
    points = [(float(x), 1000.0 if x == 1234 else 1.0) for x in range(5000)]
    few = thinned(points)
    assert len(few) <= 600
    assert (1234.0, 1000.0) in few


def test_a_plot_without_points_is_none() -> None:
    assert draw(Plot("nothing", "ms", [Line("a", [], "line1")])) == ""


def test_figures_of_an_axis_are_short() -> None:
    assert [short(value) for value in (0.0, 950.0, 2500.0, 41_250.0, 2_000_000.0)] == [
        "0",
        "950",
        "2500",
        "41.25k",
        "2M",
    ]

"""The search for the capacity, on a server whose capacity is known."""

from __future__ import annotations

import pytest

from loadtest.capacity import Search


def hunt(search: Search, capacity: int) -> list[int]:
    tried = []
    while (viewers := search.next()) is not None:
        tried.append(viewers)
        assert len(tried) < 50
        search.tell(viewers, viewers <= capacity)
    return tried


def test_it_doubles_then_halves() -> None:
    search = Search(start=50, most=5000)
    assert hunt(search, 430) == [50, 100, 200, 400, 800, 600, 500, 450, 425, 437]
    assert (search.passed, search.failed) == (425, 437)


@pytest.mark.parametrize("capacity", [1, 2, 3, 17, 99, 100, 101, 1234])
def test_it_finds_every_capacity_exactly_when_asked_to(capacity: int) -> None:
    search = Search(start=100, most=10_000, precision=1e-9)
    hunt(search, capacity)
    assert search.passed == capacity


def test_it_ends_at_the_most() -> None:
    search = Search(start=50, most=300)
    assert hunt(search, 1000) == [50, 100, 200, 300]
    assert (search.passed, search.failed) == (300, None)


def test_nothing_passes() -> None:
    search = Search(start=8, most=100)
    assert hunt(search, 0) == [8, 4, 2, 1]
    assert search.passed == 0


def test_the_precision_saves_tries() -> None:
    few, many = Search(100, 10_000, 0.25), Search(100, 10_000, 0.01)
    assert len(hunt(few, 777)) < len(hunt(many, 777))
    assert few.passed <= 777 <= (few.failed or 0)

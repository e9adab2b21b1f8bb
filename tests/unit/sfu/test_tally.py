"""What a line has sent, however often it changed what it plays."""

from __future__ import annotations

from gateway.sfu.sublayer import Whole
from gateway.sfu.tally import Tally
from tests.unit.sfu.fakes import media_packet


def send(sublayer: Whole, *indices: int) -> None:
    for index in indices:
        sublayer.take(media_packet(index, size=100))


def test_only_what_came_between_joining_and_leaving_counts() -> None:
    tally, first, second = Tally(), Whole(), Whole()
    send(first, 1, 2)
    tally.join(first)
    assert tally.total(first) == (0, 0)
    send(first, 3, 4)
    assert tally.total(first) == (2, 200)
    tally.leave(first)
    send(first, 5)
    assert tally.total(None) == (2, 200)
    send(second, 1)
    tally.join(second)
    send(second, 2)
    assert tally.total(second) == (3, 300)


def test_what_was_sent_beside_it_counts_as_well() -> None:
    tally, sublayer = Tally(), Whole()
    tally.join(sublayer)
    tally.add(5, 500)
    send(sublayer, 1)
    assert tally.total(sublayer) == (6, 600)
    assert tally.total(None) == (5, 500)

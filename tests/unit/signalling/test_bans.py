"""Who was sent out stays out, for as long as it should and no longer."""

from __future__ import annotations

import pytest

from gateway.clock import ManualClock
from gateway.errors import Kicked
from gateway.signalling import bans as module
from gateway.signalling.bans import BAN, Bans


def test_a_ban_is_for_one_person_in_one_order_and_ends() -> None:
    clock = ManualClock()
    bans = Bans(clock)
    bans.add("order", "anna")
    bans.check("order", "boris")
    bans.check("other", "anna")
    clock.advance(BAN - 1)
    with pytest.raises(Kicked) as caught:
        bans.check("order", "anna")
    assert caught.value.retry_after == pytest.approx(1)
    clock.advance(1)
    bans.check("order", "anna")
    assert len(bans) == 0


def test_a_second_ban_begins_anew() -> None:
    clock = ManualClock()
    bans = Bans(clock)
    bans.add("order", "anna")
    clock.advance(BAN / 2)
    bans.add("order", "anna")
    clock.advance(BAN * 0.75)
    with pytest.raises(Kicked):
        bans.check("order", "anna")


def test_bans_that_are_over_or_too_many_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    clock = ManualClock()
    bans = Bans(clock)
    for number in range(5):
        bans.add("order", f"viewer-{number}")
    assert len(bans) == 3
    bans.check("order", "viewer-0")
    with pytest.raises(Kicked):
        bans.check("order", "viewer-4")
    clock.advance(BAN)
    bans.add("order", "anna")
    assert len(bans) == 1

"""Floors on which something has happened already."""

from __future__ import annotations

from gateway.sfu.talk.floor import Floor, TalkMode


def waiting(*talkers: str) -> Floor:
    """A floor in REQUEST mode on which these have asked, at 0."""
    floor = Floor(TalkMode.REQUEST)
    for talker in talkers:
        floor.ask(talker, 0.0)
    return floor


def granted(talker: str = "a") -> Floor:
    """A floor in REQUEST mode on which the talker got the floor, at 0."""
    floor = waiting(talker)
    floor.grant(talker, 0.0)
    return floor

"""What a person is told of their own sessions, and how often, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.api.live_feed import Message, person_room
from gateway.api.quality_feed import (
    LAYER_INTERVAL,
    SNAPSHOT_SESSIONS,
    UPLINK_INTERVAL,
    QualityFeed,
)
from gateway.signalling.sessions import Session
from tests.signalling_rig import LAYERS, ORDER, OTHER_ORDER, FakeSession, make_rig, publish, watch
from tests.waiting import eventually

LOW, MIDDLE, HIGH = LAYERS
ANNA = person_room(ORDER, "anna")
NOTHING_PLAYS = dict.fromkeys(("rid", "width", "height", "fps", "bitrate"))


class Stage:
    """A technician on the air, a viewer, and the feed on a clock that a test turns."""

    def __init__(self) -> None:
        self.rig = make_rig()
        self.feed = QualityFeed(self.rig.sessions)
        self.rig.plane.on_layer_change(self.feed.changed)

    def media(self, session: Session) -> FakeSession:
        return self.rig.plane.open_sessions[session.session_id]

    def layers(self, now: float) -> list[Message]:
        return [m for m in self.feed.due(now) if m.event == "layer:state"]

    def uplinks(self, now: float) -> list[Message]:
        return [m for m in self.feed.due(now) if m.event == "uplink:state"]


@pytest.fixture
async def stage() -> Stage:
    stage = Stage()
    await publish(stage.rig)
    return stage


@pytest.fixture
async def anna(stage: Stage) -> Session:
    stage.feed.join(ORDER, "anna")
    return await watch(stage.rig)


async def test_a_change_is_told_with_all_that_a_page_shows(stage: Stage, anna: Session) -> None:
    stage.media(anna).select_layer("h", 720)
    assert stage.layers(10.0) == [
        Message(
            "layer:state",
            {
                "sessionId": anna.session_id,
                "camera": "main",
                "wantedCamera": "main",
                "lines": (),
                "rid": "h",
                "width": 640,
                "height": 360,
                "fps": 30.0,
                "bitrate": 500_000,
                "wanted": "h",
                "maxHeight": 720,
            },
            ANNA,
        )
    ]


async def test_while_nothing_plays_there_is_no_layer(stage: Stage, anna: Session) -> None:
    stage.media(anna).play(None)
    told = stage.layers(10.0)[0].data
    assert {name: told[name] for name in NOTHING_PLAYS} == NOTHING_PLAYS
    assert told["wanted"] == "auto"
    assert told["maxHeight"] is None


async def test_changes_are_coalesced_and_the_last_one_is_told(stage: Stage, anna: Session) -> None:
    """Three changes each hundredth of a second, for a second."""
    told: list[Any] = []
    for step in range(101):
        for layer in (LOW, HIGH, MIDDLE if step % 2 else LOW):
            stage.media(anna).play(layer)
        told += [m.data["rid"] for m in stage.layers(10.0 + step * 0.01)]
    assert 4 <= len(told) <= 1 + 1.0 / LAYER_INTERVAL
    stage.media(anna).play(HIGH)
    stage.layers(20.0)
    stage.media(anna).play(MIDDLE)
    stage.media(anna).play(LOW)
    assert stage.layers(20.0 + LAYER_INTERVAL / 2) == []
    assert stage.feed.next_due() == 20.0 + LAYER_INTERVAL
    assert [m.data["rid"] for m in stage.layers(20.0 + LAYER_INTERVAL)] == ["l"]


async def test_nothing_is_said_twice_and_rates_are_no_change(stage: Stage, anna: Session) -> None:
    stage.media(anna).play(LOW)
    assert len(stage.layers(10.0)) == 1
    stage.media(anna).play(replace(LOW, fps=14.0, bitrate=99_000))
    assert stage.layers(20.0) == []
    stage.media(anna).play(replace(LOW, width=160, height=90))
    assert len(stage.layers(30.0)) == 1


async def test_a_wish_that_changes_nothing_yet_is_told(stage: Stage, anna: Session) -> None:
    stage.media(anna).play(LOW)
    stage.layers(10.0)
    stage.media(anna).select_layer(None, 360)
    assert [(m.data["rid"], m.data["maxHeight"]) for m in stage.layers(20.0)] == [("l", 360)]


async def test_what_nobody_listens_to_costs_nothing(stage: Stage) -> None:
    session = await watch(stage.rig)
    assert stage.feed.changed(session.session_id) is False
    stage.feed.join(ORDER, "boris")
    stage.feed.join(OTHER_ORDER, "anna")
    assert stage.feed.changed(session.session_id) is False
    assert stage.feed.changed("a session that has just ended") is False
    assert stage.feed.due(10.0) == []


async def test_a_session_that_ended_meanwhile_is_not_told_of(stage: Stage, anna: Session) -> None:
    stage.media(anna).play(LOW)
    stage.rig.sessions.close(anna.session_id)
    assert stage.layers(10.0) == []


async def test_an_ended_session_is_forgotten(stage: Stage, anna: Session) -> None:
    stage.media(anna).play(LOW)
    stage.layers(10.0)
    assert set(stage.feed._told) == {anna.session_id}
    stage.rig.sessions.close(anna.session_id)

    async def kept() -> int:
        return len(stage.feed._told)

    await eventually(kept, lambda count: count == 0, every=0.005)


async def test_a_page_that_left_meanwhile_is_not_told(stage: Stage, anna: Session) -> None:
    stage.media(anna).play(LOW)
    stage.feed.leave(ORDER, "anna")
    assert stage.feed.due(10.0) == []
    assert stage.feed.next_due() is None


async def test_a_page_that_comes_back_is_told_anew(stage: Stage, anna: Session) -> None:
    stage.media(anna).play(LOW)
    stage.layers(10.0)
    stage.feed.leave(ORDER, "anna")
    stage.media(anna).play(HIGH)
    stage.feed.join(ORDER, "anna")
    assert [m.data["rid"] for m in stage.feed.snapshot(ORDER, "anna", "page-2")] == ["f"]
    stage.media(anna).play(LOW)
    assert [m.data["rid"] for m in stage.layers(20.0)] == ["l"]


async def test_a_snapshot_between_two_changes_is_set_right(stage: Stage, anna: Session) -> None:
    """A second page comes while the first is not yet told: back is a change for one of them."""
    stage.media(anna).play(LOW)
    stage.layers(10.0)
    stage.media(anna).play(HIGH)
    stage.feed.join(ORDER, "anna")
    stage.feed.snapshot(ORDER, "anna", "page-2")
    stage.media(anna).play(LOW)
    assert [m.data["rid"] for m in stage.layers(20.0)] == ["l"]


async def test_a_snapshot_has_ones_own_sessions_only(stage: Stage, anna: Session) -> None:
    boris = await watch(stage.rig, subject="boris")
    mine = stage.feed.snapshot(ORDER, "anna", "page")
    assert [(m.event, m.data["sessionId"], m.room) for m in mine] == [
        ("layer:state", anna.session_id, "page")
    ]
    theirs = stage.feed.snapshot(ORDER, "boris", "page")
    assert [m.data["sessionId"] for m in theirs] == [boris.session_id]
    assert [m.event for m in stage.feed.snapshot(ORDER, "technician", "page")] == ["uplink:state"]
    assert stage.feed.snapshot(OTHER_ORDER, "anna", "page") == []


async def test_a_snapshot_is_bounded_and_of_the_newest(stage: Stage) -> None:
    sessions = [await watch(stage.rig) for _ in range(SNAPSHOT_SESSIONS + 3)]
    told = [m.data["sessionId"] for m in stage.feed.snapshot(ORDER, "anna", "page")]
    assert told == [s.session_id for s in sessions[3:]]


async def test_when_a_layer_of_many_ends_they_are_told_in_portions(stage: Stage) -> None:
    stage.feed.join(ORDER, "anna")
    sessions = [await watch(stage.rig) for _ in range(70)]
    for session in sessions:
        stage.media(session).play(LOW)
    portions = [len(stage.layers(10.0)) for _ in range(3)]
    assert sum(portions) == 70
    assert max(portions) <= 50
    assert portions[-1] == 0


async def test_one_viewers_change_asks_one_viewer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.feed.join(ORDER, "anna")
    sessions = [await watch(stage.rig) for _ in range(40)]
    stage.feed.due(1.0)
    asked: list[str] = []
    state = FakeSession.state
    monkeypatch.setattr(FakeSession, "state", lambda self: asked.append(self.spec.session_id) or state(self))
    stage.media(sessions[7]).play(LOW)
    assert len(stage.layers(1.5)) == 1
    assert set(asked) == {sessions[7].session_id}


async def test_a_publisher_hears_what_arrives_every_two_seconds(stage: Stage) -> None:
    stage.feed.join(ORDER, "technician")
    session = stage.rig.sessions.publishers()[0]
    told = stage.uplinks(10.0)
    assert [(m.room, m.data["sessionId"], m.data["camera"]) for m in told] == [
        (person_room(ORDER, "technician"), session.session_id, "main")
    ]
    assert told[0].data["bitrate"] == 1_200_000
    assert told[0].data["loss"] == 0.01
    assert told[0].data["layers"][2] == {
        "rid": "f",
        "width": 1280,
        "height": 720,
        "fps": 30.0,
        "bitrate": 1_700_000,
        "live": True,
    }
    assert stage.feed.next_due() == 10.0 + UPLINK_INTERVAL
    assert stage.uplinks(10.0 + UPLINK_INTERVAL - 0.01) == []
    assert len(stage.uplinks(10.0 + UPLINK_INTERVAL)) == 1
    stage.rig.sessions.close(session.session_id)
    assert stage.uplinks(20.0) == []


async def test_nobody_but_the_publisher_hears_of_the_uplink(stage: Stage, anna: Session) -> None:
    await publish(stage.rig, subject="boris", camera="second")
    stage.feed.join(ORDER, "boris")
    assert [m.room for m in stage.uplinks(10.0)] == [person_room(ORDER, "boris")]

"""What listeners are told and how often, in virtual time."""

from __future__ import annotations

from dataclasses import replace

from gateway.access.grants import Scope
from gateway.api.live_feed import (
    LOOK_INTERVAL,
    STATE_INTERVAL,
    VIEWERS_INTERVAL,
    LiveFeed,
    order_room,
    person_room,
)
from gateway.signalling.messages import OfferRequest
from tests.signalling_rig import (
    LAYERS,
    ORDER,
    OTHER_ORDER,
    PUBLISH_OFFER,
    FakePlane,
    grant,
    make_rig,
    publish,
)


class CountingPlane(FakePlane):
    watching = 0

    def viewers(self, order_id: str) -> int:
        return self.watching


def test_an_order_that_nobody_listens_to_costs_nothing() -> None:
    feed = LiveFeed(FakePlane())
    feed.changed(ORDER)
    assert feed.next_due() is None
    assert feed.due(10.0) == []


def test_nothing_is_said_twice() -> None:
    feed = LiveFeed(FakePlane())
    feed.join(ORDER)
    feed.changed(ORDER)
    assert [m.event for m in feed.due(10.0)] == ["stream:state", "viewers"]
    feed.changed(ORDER)
    assert feed.due(20.0) == []


def test_viewers_are_told_at_most_once_a_second_and_then_the_latest() -> None:
    plane = CountingPlane()
    feed = LiveFeed(plane)
    feed.join(ORDER)
    feed.changed(ORDER)
    feed.due(10.0)
    told = []
    for step in range(1, 200):
        plane.watching = step
        feed.changed(ORDER)
        told += [m.data["count"] for m in feed.due(10.0 + step * 0.01) if m.event == "viewers"]
    assert told == [int(VIEWERS_INTERVAL * 100)]
    assert feed.next_due() == 10.0 + 2 * VIEWERS_INTERVAL
    assert [m.data for m in feed.due(12.0)] == [{"count": 199}]
    assert feed.next_due() is None


async def test_states_are_coalesced_and_the_last_one_is_told() -> None:
    rig = make_rig()
    feed = LiveFeed(rig.plane)
    feed.join(ORDER)
    rig.plane.on_change(feed.changed)
    feed.changed(ORDER)
    feed.due(10.0)
    who = grant(Scope.PUBLISH)
    request = OfferRequest(grant=who, order_id=ORDER, sdp=PUBLISH_OFFER)
    session_id = (await rig.services.whip.publish(request)).session_id
    assert feed.due(10.0 + STATE_INTERVAL / 2) == []
    assert [m.data["cameras"][0]["live"] for m in feed.due(10.2)] == [True]
    rig.sessions.close(session_id)
    await rig.services.whip.publish(request)
    assert feed.due(10.9) == []  # gone and back within one interval: nothing to say
    await rig.sessions.stop()


async def test_layers_that_came_unannounced_are_noticed_but_not_their_rates() -> None:
    rig = make_rig()
    await publish(rig)
    feed = LiveFeed(rig.plane)
    feed.join(ORDER)
    assert feed.due(10.0) == []
    rig.plane.layers = LAYERS
    assert feed.due(10.0 + LOOK_INTERVAL / 2) == []
    told = feed.due(10.0 + LOOK_INTERVAL)
    assert [layer["rid"] for layer in told[0].data["cameras"][0]["layers"]] == ["l", "h", "f"]
    rig.plane.layers = tuple(replace(layer, bitrate=1, fps=1.0) for layer in LAYERS)
    assert feed.due(20.0) == []
    rig.plane.layers = LAYERS[:2]
    assert [message.event for message in feed.due(30.0)] == ["stream:state"]
    await rig.sessions.stop()


def test_the_last_listener_takes_the_orders_memory_along() -> None:
    feed = LiveFeed(FakePlane())
    feed.join(ORDER)
    feed.join(ORDER)
    feed.leave(ORDER)
    feed.changed(ORDER)
    assert feed.due(10.0)
    feed.leave(ORDER)
    feed.changed(ORDER)
    assert feed.next_due() is None


def test_pushed_messages_go_out_first_and_once() -> None:
    feed = LiveFeed(FakePlane())
    feed.push("session:closed", {"reason": "x"}, person_room(ORDER, "anna"))
    assert feed.next_due() == 0.0
    assert [m.room for m in feed.due(10.0)] == [person_room(ORDER, "anna")]
    assert feed.due(10.0) == []


def test_rooms_of_orders_and_persons_are_apart() -> None:
    rooms = {
        order_room(ORDER),
        order_room(OTHER_ORDER),
        person_room(ORDER, "a"),
        person_room(OTHER_ORDER, "a"),
    }
    assert len(rooms) == 4

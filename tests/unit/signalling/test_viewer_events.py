"""What the readers of event streams are told and how often, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.access.grants import Scope
from gateway.clock import ManualClock
from gateway.errors import NotFound, RateLimited
from gateway.signalling.messages import OfferRequest
from gateway.signalling.sessions import Session
from gateway.signalling.viewer_events import (
    CHANGE_INTERVAL,
    COUNT_INTERVAL,
    LOOK_INTERVAL,
    MAX_STREAMS,
    SWEEP_INTERVAL,
    UNREAD,
    Event,
    Message,
    Reader,
    ViewerEvents,
)
from tests.signalling_rig import LAYERS, ORDER, OTHER_ORDER, PLAY_OFFER, PUBLISH_OFFER, Rig, grant, make_rig

EVERYTHING = frozenset(Event)


class Stage:
    """An order with a broadcast and one player, a clock, and the streams."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.rig: Rig = make_rig(clock=self.clock)
        self.rig.plane.layers = LAYERS
        self.looked = 0
        cameras = self.rig.plane.cameras

        def counted(order_id: str) -> object:
            self.looked += 1
            return cameras(order_id)

        self.rig.plane.cameras = counted  # type: ignore[assignment,method-assign]
        services = self.rig.services
        self.events = ViewerEvents(media=services.media, sessions=services.sessions, clock=self.clock)

    async def publish(self, order_id: str = ORDER, camera: str = "main") -> str:
        who = grant(Scope.PUBLISH, subject="technician", order_id=order_id)
        request = OfferRequest(grant=who, order_id=order_id, camera=camera, sdp=PUBLISH_OFFER)
        return (await self.rig.services.whip.publish(request)).session_id

    async def play(self, order_id: str = ORDER) -> Session:
        who = grant(Scope.WATCH, order_id=order_id)
        request = OfferRequest(grant=who, order_id=order_id, sdp=PLAY_OFFER)
        return self.rig.sessions.get((await self.rig.services.whep.play(request)).session_id)

    def read(self, session: Session, *wanted: Event) -> Reader:
        return self.events.read(self.events.open(session, frozenset(wanted) or EVERYTHING))

    def names(self, reader: Reader) -> list[str]:
        return [message.event.value for message in self.events.take(reader)]

    def later(self, seconds: float) -> list[Reader]:
        """Those who have news after so long."""
        self.clock.advance(seconds)
        return self.events.look(self.clock.monotonic())


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    await stage.publish()
    yield stage
    await stage.rig.sessions.stop(deadline=1.0)


async def test_the_state_comes_first_and_nothing_is_said_twice(stage: Stage) -> None:
    reader = stage.read(await stage.play())
    assert stage.names(reader) == ["active", "layers", "viewercount"]
    assert stage.names(reader) == []
    assert stage.later(100.0) == []
    assert stage.names(reader) == []


async def test_every_reader_of_an_order_costs_one_look_together(stage: Stage) -> None:
    readers = [stage.read(await stage.play()) for _ in range(10)]
    for reader in readers:
        stage.events.take(reader)
    stage.looked = 0
    stage.rig.plane.layers = LAYERS[:1]
    assert set(stage.later(SWEEP_INTERVAL)) == set(readers)
    assert all("layers" in stage.names(reader) for reader in readers)
    assert stage.looked == 1


async def test_an_order_without_streams_costs_nothing(stage: Stage) -> None:
    session = await stage.play()
    stage.looked = 0
    stage.rig.plane.announce(ORDER)
    assert stage.later(10.0) == []
    assert stage.looked == 0
    stream = stage.events.open(session, EVERYTHING)
    stage.events.close(stream)
    stage.looked = 0
    stage.rig.plane.announce(ORDER)
    assert stage.later(10.0) == []
    assert stage.looked == 0


async def test_a_quiet_order_is_looked_at_once_a_second(stage: Stage) -> None:
    stage.read(await stage.play())
    stage.looked = 0
    for _ in range(160):
        stage.later(1 / 16)
    assert stage.looked == 10 / SWEEP_INTERVAL


async def test_changes_are_told_at_once_and_then_twice_a_second(stage: Stage) -> None:
    reader = stage.read(await stage.play())
    stage.events.take(reader)
    stage.later(10.0)
    told, step = [], 0.01
    for number in range(300):
        stage.rig.plane.layers = LAYERS[: number % 2 + 1]
        stage.rig.plane.announce(ORDER)
        if stage.later(step):
            assert stage.names(reader) == ["layers"]
            told.append(number * step)
    assert told[0] <= LOOK_INTERVAL
    assert 1.5 / CHANGE_INTERVAL <= len(told) <= 3 / CHANGE_INTERVAL + 1
    assert min(b - a for a, b in itertools.pairwise(told)) >= CHANGE_INTERVAL - step / 2


async def test_viewers_are_counted_once_a_second_and_the_last_count_is_told(stage: Stage) -> None:
    reader = stage.read(await stage.play(), Event.VIEWERCOUNT)
    counts, at = [], []
    for number in range(40):
        counts += [message.data["viewercount"] for message in stage.events.take(reader)]
        at += [number * 0.1] * (len(counts) - len(at))
        await stage.play()
        stage.later(0.1)
    stage.later(COUNT_INTERVAL)
    counts += [message.data["viewercount"] for message in stage.events.take(reader)]
    assert counts[0] == 1
    assert counts[-1] == 41
    assert len(counts) <= 6
    assert min(b - a for a, b in itertools.pairwise(at)) >= COUNT_INTERVAL - 0.05


async def test_one_who_reads_slowly_skips_to_the_newest_state(stage: Stage) -> None:
    reader = stage.read(await stage.play())
    stage.events.take(reader)
    for number in range(1, 50):
        stage.rig.plane.layers = tuple(replace(x, bitrate=x.bitrate << number % 7) for x in LAYERS)
        stage.later(SWEEP_INTERVAL)
    stage.rig.plane.layers = LAYERS[:1]
    stage.later(SWEEP_INTERVAL)
    (message,) = stage.events.take(reader)
    assert message.event is Event.LAYERS
    assert [layer["rid"] for layer in message.data["1"]] == ["l"]


@pytest.mark.parametrize(
    ("changed", "news"),
    [
        (replace(LAYERS[2], fps=7.0), False),
        (replace(LAYERS[2], bitrate=LAYERS[2].bitrate * 5 // 4), False),
        (replace(LAYERS[2], bitrate=LAYERS[2].bitrate * 4 // 5), False),
        (replace(LAYERS[2], bitrate=LAYERS[2].bitrate * 13 // 10), True),
        (replace(LAYERS[2], bitrate=LAYERS[2].bitrate * 7 // 10), True),
        (replace(LAYERS[2], bitrate=0), True),
        (replace(LAYERS[2], live=False), True),
        (replace(LAYERS[2], width=1920, height=1080), True),
        (replace(LAYERS[2], rid="best"), True),
    ],
)
async def test_only_what_matters_is_news(stage: Stage, changed: object, news: bool) -> None:
    reader = stage.read(await stage.play())
    stage.events.take(reader)
    stage.rig.plane.layers = (*LAYERS[:2], changed)  # type: ignore[assignment]
    assert bool(stage.later(SWEEP_INTERVAL)) is news
    assert stage.names(reader) == ["layers"] * news


async def test_of_a_silent_layer_nobody_needs_the_bitrate(stage: Stage) -> None:
    stage.rig.plane.layers = (replace(LAYERS[0], live=False),)
    reader = stage.read(await stage.play())
    stage.events.take(reader)
    stage.rig.plane.layers = (replace(LAYERS[0], live=False, bitrate=7),)
    assert stage.later(SWEEP_INTERVAL) == []


async def test_a_bitrate_that_creeps_is_told_in_the_end(stage: Stage) -> None:
    reader = stage.read(await stage.play())
    stage.events.take(reader)
    told = 0
    for _ in range(20):
        stage.rig.plane.layers = tuple(
            replace(x, bitrate=x.bitrate * 11 // 10) for x in stage.rig.plane.layers
        )
        told += bool(stage.later(SWEEP_INTERVAL))
    assert 5 <= told <= 10


async def test_a_stream_that_begins_in_the_dark_says_so(stage: Stage) -> None:
    session = await stage.play()
    for publisher in stage.rig.plane.open_sessions.copy().values():
        if publisher.spec.session_id != session.session_id:
            stage.rig.sessions.close(publisher.spec.session_id)
    reader = stage.read(session)
    assert stage.names(reader) == ["inactive", "layers", "viewercount"]


async def test_orders_are_apart(stage: Stage) -> None:
    await stage.publish(OTHER_ORDER)
    ours, theirs = stage.read(await stage.play()), stage.read(await stage.play(OTHER_ORDER))
    for reader in (ours, theirs):
        stage.events.take(reader)
    await stage.play(OTHER_ORDER)
    assert stage.later(CHANGE_INTERVAL + COUNT_INTERVAL) == [theirs]


async def test_a_session_may_have_so_many_streams_and_the_forgotten_ones_give_way(stage: Stage) -> None:
    session, other = await stage.play(), await stage.play()
    reader = stage.read(session)
    unread = [stage.events.open(session, EVERYTHING) for _ in range(MAX_STREAMS - 1)]
    with pytest.raises(RateLimited):
        stage.events.open(session, EVERYTHING)
    stage.events.open(other, EVERYTHING)
    stage.clock.advance(UNREAD - 1)
    with pytest.raises(RateLimited):
        stage.events.open(session, EVERYTHING)
    stage.clock.advance(1)
    stage.events.open(session, EVERYTHING)
    assert all(stream.ended for stream in unread)
    assert not reader.over
    with pytest.raises(NotFound):
        stage.events.find(unread[0].stream_id)


async def test_a_stream_that_was_read_keeps_its_place_for_a_while(stage: Stage) -> None:
    session = await stage.play()
    reader = stage.read(session)
    stage.clock.advance(10 * UNREAD)
    stage.events.leave(reader)
    stage.events.leave(reader)
    for _ in range(MAX_STREAMS - 1):
        stage.events.open(session, EVERYTHING)
    with pytest.raises(RateLimited):
        stage.events.open(session, EVERYTHING)


async def test_the_latest_reader_wins_and_the_former_cannot_hurt_it(stage: Stage) -> None:
    stream = stage.events.open(await stage.play(), EVERYTHING)
    former = stage.events.read(stream)
    latter = stage.events.read(stream)
    assert former.over
    assert former.wake.is_set()
    stage.events.leave(former)
    assert not latter.over
    assert stream.reader is latter


async def test_an_ended_session_has_no_streams_and_leaves_nothing(stage: Stage) -> None:
    session = await stage.play()
    reader = stage.read(session)
    stage.rig.sessions.close(session.session_id)
    with pytest.raises(NotFound):
        stage.events.open(session, EVERYTHING)
    with pytest.raises(NotFound):
        stage.events.early(session)
    async with asyncio.timeout(5):
        await reader.wake.wait()
    assert reader.over
    assert stage.names(reader) == []
    assert not stage.events._streams
    assert not stage.events._by_session
    assert not stage.events._orders


async def test_all_streams_end_together(stage: Stage) -> None:
    readers = [stage.read(await stage.play()) for _ in range(3)]
    stage.events.stop()
    stage.events.stop()
    assert all(reader.over and reader.wake.is_set() for reader in readers)
    stage.events.close(readers[0].stream)


async def test_draining_sends_every_reader_away_once(stage: Stage) -> None:
    everything = stage.read(await stage.play())
    nothing = stage.read(await stage.play(), Event.LAYERS)
    for reader in (everything, nothing):
        stage.events.take(reader)
    stage.rig.sessions.drain()
    assert everything.wake.is_set()
    assert stage.events.take(everything) == [Message(Event.RECONNECT, {"retryAfter": 5.0})]
    assert stage.events.take(everything) == []
    assert stage.events.take(nothing) == []


async def test_early_players_share_one_stream_a_session(stage: Stage) -> None:
    session = await stage.play()
    stream = stage.events.early(session)
    assert stage.events.early(session) is stream
    assert stage.events.open(session, EVERYTHING) is not stream
    messages = dict(stage.events.take(stage.events.read(stream)))
    assert set(messages[Event.LAYERS]["1"]) == {"active", "inactive", "layers"}


async def test_the_looking_task_wakes_readers_and_sleeps_while_there_are_none(stage: Stage) -> None:
    task = asyncio.create_task(stage.events.run())
    reader = stage.read(await stage.play())
    stage.events.take(reader)
    reader.wake.clear()
    stage.clock.advance(10.0)
    stage.rig.plane.layers = LAYERS[:1]
    stage.rig.plane.announce(ORDER)
    async with asyncio.timeout(5):
        await reader.wake.wait()
    assert stage.names(reader) == ["layers"]
    stage.events.close(reader.stream)
    stage.clock.advance(1_000.0)
    stage.looked = 0
    for _ in range(20):
        await asyncio.sleep(0)
    assert stage.looked == 0
    task.cancel()
    await asyncio.wait((task,))


async def test_neither_stream_nor_reader_shows_its_capabilities(stage: Stage) -> None:
    reader = stage.read(await stage.play())
    for secret in (reader.stream.stream_id, reader.stream.session.session_id):
        assert secret not in repr(reader)
        assert secret not in repr(reader.stream)

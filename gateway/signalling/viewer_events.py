"""Event streams of WHEP players: who reads, what each was told, what is news.

Source: webrtc-http-egress-events of the WISH working group, once part of draft-ietf-wish-whep. What may be
told is gathered once for all streams of an order, at most every `CHANGE_INTERVAL`; a reader takes what is
new to it whenever it can. Nothing queues: one that reads slowly skips to the newest state.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.clock import Clock
from gateway.errors import NotFound, RateLimited
from gateway.sfu.state import LayerState
from gateway.signalling.layer_selection import early_layers_document, layers_document, video_line
from gateway.signalling.ports import MediaPlane
from gateway.signalling.sessions import RETRY_DRAINING, Session, SessionRegistry

CHANGE_INTERVAL = 0.5
"""Seconds between two changes that the streams of an order are told."""
COUNT_INTERVAL = 1.0
"""Seconds between two viewer counts."""
LOOK_INTERVAL = 0.1
"""Seconds between two looks at an order that changes."""
SWEEP_INTERVAL = 1.0
"""Seconds between looks at an order that says nothing: nobody announces sizes and bitrates of layers."""
WORTH_TELLING = 1.25
"""How many times more, or less, than told a bitrate must be for that alone to be news."""
MAX_STREAMS = 4
"""Streams of one session."""
UNREAD = 60.0
"""Seconds that a stream without a reader keeps its place."""
_WOKEN_AT_ONCE = 50
"""Readers that write before packets get their turn."""


class Event(StrEnum):
    """What a stream may tell; the values are the names on the wire."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    LAYERS = "layers"
    RECONNECT = "reconnect"
    VIEWERCOUNT = "viewercount"


class Message(NamedTuple):
    """One event and its JSON object."""

    event: Event
    data: dict[str, Any]


@dataclass(slots=True, eq=False)
class Reader:
    """One connection that reads a stream, and what it was told; it begins with the whole state."""

    stream: EventStream
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be news, and when it is over."""
    live: bool | None = None
    layers: Sequence[LayerState] | None = None
    viewers: int | None = None
    sent_away: bool = False

    @property
    def over(self) -> bool:
        """Whether the stream has ended or is read by a later connection."""
        return self.stream.ended or self.stream.reader is not self


@dataclass(slots=True, eq=False)
class EventStream:
    """What a player asked to be told. The id is a capability: it lets one read, and nothing else."""

    stream_id: str = field(repr=False)
    session: Session = field(repr=False)
    wanted: frozenset[Event]
    early: bool
    """Whether `layers` has the form of the early drafts."""
    idle_since: float
    """Monotonic seconds when the last reader went, or when it was made."""
    reader: Reader | None = field(default=None, repr=False)
    ended: bool = False


class OrderFacts:
    """What the streams of one order may tell. Instants are monotonic seconds."""

    def __init__(self) -> None:
        self.streams: set[EventStream] = set()
        self.viewers = 0
        self.live: dict[str, bool] = {}
        self.layers: dict[str, Sequence[LayerState]] = {}
        """By camera. The same object until there is something worth telling."""
        self.stale = False
        self._looked_at = self._changed_at = self._counted_at = float("-inf")

    def due(self) -> float:
        """When to look again."""
        if not self.stale:
            return self._looked_at + SWEEP_INTERVAL
        return max(self._looked_at + LOOK_INTERVAL, self._changed_at + CHANGE_INTERVAL)

    def look(self, media: MediaPlane, order_id: str, now: float) -> bool:
        """Gather the facts anew; whether there is something to tell."""
        self.stale, self._looked_at = False, now
        before = self.viewers, self.live, self.layers
        cameras = media.cameras(order_id)
        self.live = {camera.name: camera.live for camera in cameras}
        self.layers = {x.name: _kept(self.layers.get(x.name, ()), x.layers) for x in cameras}
        viewers = media.viewers(order_id)
        if viewers != self.viewers and now >= self._counted_at + COUNT_INTERVAL:
            self.viewers, self._counted_at = viewers, now
        if (self.viewers, self.live, self.layers) == before:
            return False
        self._changed_at = now
        return True


class ViewerEvents:
    """All event streams of the process. Every method is to be called on the event loop's thread."""

    def __init__(self, *, media: MediaPlane, sessions: SessionRegistry, clock: Clock) -> None:
        self._media = media
        self._sessions = sessions
        self._clock = clock
        self._streams: dict[str, EventStream] = {}
        self._by_session: dict[str, list[EventStream]] = {}
        self._orders: dict[str, OrderFacts] = {}
        self._wake = asyncio.Event()
        media.on_change(self._changed)
        sessions.on_closed(lambda session, _: self._session_closed(session.session_id))
        sessions.on_draining(self._wake_everybody)

    def open(self, session: Session, wanted: frozenset[Event]) -> EventStream:
        """A new stream, which nobody reads yet.

        Raises:
            NotFound: the session has ended.
            RateLimited: it has as many as one may have.
        """
        return self._open(session, wanted, early=False)

    def early(self, session: Session) -> EventStream:
        """The one stream of a session that early players read without a POST; raises as `open` does."""
        streams = self._by_session.get(session.session_id, ())
        found = next((stream for stream in streams if stream.early), None)
        return found or self._open(session, frozenset(Event), early=True)

    def find(self, stream_id: str) -> EventStream:
        """The stream; raises NotFound when it never existed or has ended."""
        stream = self._streams.get(stream_id)
        if stream is None:
            raise NotFound("no such event stream")
        return stream

    def close(self, stream: EventStream) -> None:
        """End a stream and send its reader away. Idempotent."""
        if stream.ended:
            return
        stream.ended = True
        session_id, order_id = stream.session.session_id, stream.session.order_id
        del self._streams[stream.stream_id]
        self._by_session[session_id].remove(stream)
        if not self._by_session[session_id]:
            del self._by_session[session_id]
        facts = self._orders[order_id]
        facts.streams.discard(stream)
        if not facts.streams:
            del self._orders[order_id]
        if stream.reader is not None:
            stream.reader.wake.set()

    def stop(self) -> None:
        """End every stream. Idempotent."""
        for stream in list(self._streams.values()):
            self.close(stream)

    def read(self, stream: EventStream) -> Reader:
        """Begin to read. The latest reader wins: a lost connection is noticed later than its successor."""
        former, stream.reader = stream.reader, Reader(stream)
        if former is not None:
            former.wake.set()
        return stream.reader

    def leave(self, reader: Reader) -> None:
        """A reader has gone. Idempotent."""
        if reader.stream.reader is reader:
            reader.stream.reader = None
            reader.stream.idle_since = self._clock.monotonic()

    def take(self, reader: Reader) -> list[Message]:
        """What the reader was not told yet, in the order of `Event`; it counts as told now."""
        stream = reader.stream
        facts = self._orders.get(stream.session.order_id)
        messages = list(_state(reader, facts)) if facts is not None and not stream.ended else []
        if self._sessions.draining and not reader.sent_away:
            reader.sent_away = True
            messages.append(Message(Event.RECONNECT, {"retryAfter": RETRY_DRAINING}))
        return [message for message in messages if message.event in stream.wanted]

    async def run(self) -> None:
        """Look at the orders that somebody reads about, and wake their readers. Runs until cancelled."""
        while True:
            due = min((facts.due() for facts in self._orders.values()), default=None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - self._clock.monotonic()):
                    await self._wake.wait()
            self._wake.clear()
            for woken, reader in enumerate(self.look(self._clock.monotonic()), 1):
                reader.wake.set()
                if woken % _WOKEN_AT_ONCE == 0:
                    await asyncio.sleep(0)

    def look(self, now: float) -> list[Reader]:
        """Look at every order whose time has come; the readers who have something to take."""
        readers = []
        for order_id, facts in self._orders.items():
            if now >= facts.due() and facts.look(self._media, order_id, now):
                readers += [stream.reader for stream in facts.streams if stream.reader is not None]
        return readers

    def _open(self, session: Session, wanted: frozenset[Event], *, early: bool) -> EventStream:
        session = self._sessions.get(session.session_id)
        now = self._clock.monotonic()
        streams = self._by_session.get(session.session_id, [])
        for forgotten in [x for x in streams if x.reader is None and now - x.idle_since >= UNREAD]:
            self.close(forgotten)
        if len(streams) >= MAX_STREAMS:
            raise RateLimited(f"at most {MAX_STREAMS} event streams a session: DELETE one first")
        stream = EventStream(secrets.token_urlsafe(24), session, wanted, early, now)
        self._streams[stream.stream_id] = stream
        self._by_session.setdefault(session.session_id, []).append(stream)
        if (facts := self._orders.get(session.order_id)) is None:
            facts = self._orders[session.order_id] = OrderFacts()
            facts.look(self._media, session.order_id, now)
            self._wake.set()
        facts.streams.add(stream)
        return stream

    def _changed(self, order_id: str) -> None:
        if (facts := self._orders.get(order_id)) is not None:
            facts.stale = True
            self._wake.set()

    def _session_closed(self, session_id: str) -> None:
        for stream in list(self._by_session.get(session_id, ())):
            self.close(stream)

    def _wake_everybody(self) -> None:
        for stream in self._streams.values():
            if stream.reader is not None:
                stream.reader.wake.set()


def _state(reader: Reader, facts: OrderFacts) -> Iterator[Message]:
    """What of the facts is new to the reader."""
    session = reader.stream.session
    camera = session.media.state().camera
    live = facts.live.get(camera, False)
    if live is not reader.live:
        reader.live = live
        yield Message(Event.ACTIVE if live else Event.INACTIVE, {})
    layers = facts.layers.get(camera, ())
    if layers is not reader.layers:
        reader.layers = layers
        document = early_layers_document if reader.stream.early else layers_document
        yield Message(Event.LAYERS, document(video_line(session.spec.negotiated), layers))
    if facts.viewers != reader.viewers:
        reader.viewers = facts.viewers
        yield Message(Event.VIEWERCOUNT, {"viewercount": facts.viewers})


def _kept(told: Sequence[LayerState], seen: Sequence[LayerState]) -> Sequence[LayerState]:
    """`told` as long as a player would do nothing else for knowing `seen`."""
    if len(told) == len(seen) and all(map(_alike, told, seen)):
        return told
    return seen


def _alike(told: LayerState, seen: LayerState) -> bool:
    if (told.rid, told.width, told.height, told.live) != (seen.rid, seen.width, seen.height, seen.live):
        return False
    low, high = sorted((told.bitrate, seen.bitrate))
    return not told.live or high <= low * WORTH_TELLING

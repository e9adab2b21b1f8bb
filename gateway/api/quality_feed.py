"""What a person is told of their own sessions: which layer plays, what of an uplink arrives.

Knows no Socket.IO: `due` gives the messages whose time has come, `events` sends them. A change of one
viewer costs the same however many there are.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass

from gateway.api import event_schemas as schemas
from gateway.api.live_feed import Message, person_room
from gateway.sfu.state import PublisherState, ViewerState
from gateway.signalling.sessions import Session, SessionRegistry

LAYER_INTERVAL = 0.2
"""Seconds between two `layer:state` of one session."""
UPLINK_INTERVAL = 2.0
"""Seconds between two `uplink:state` of one session."""
SNAPSHOT_SESSIONS = 16
"""Sessions, newest first, of which a page is told when it comes: nobody watches more by oneself."""
_AT_ONCE = 50
"""Layer states of one call: when a layer of a thousand viewers ends, packets must not wait for words."""

_Shape = tuple[object, ...]


@dataclass(slots=True)
class _Told:
    """The last `layer:state` of a session. `again_at` is in monotonic seconds."""

    shape: _Shape | None
    again_at: float


class QualityFeed:
    """The messages of all persons who have a page open."""

    def __init__(self, sessions: SessionRegistry) -> None:
        self._sessions = sessions
        self._pages: Counter[tuple[str, str]] = Counter()
        self._told: dict[str, _Told] = {}
        self._queue: list[tuple[float, str]] = []
        self._queued: set[str] = set()
        self._uplinks_at = 0.0
        sessions.on_closed(lambda session, _: self._forget(session))

    def join(self, order_id: str, subject: str) -> None:
        """One more page of this person, which needs a snapshot."""
        self._pages[order_id, subject] += 1

    def leave(self, order_id: str, subject: str) -> None:
        """One page fewer."""
        self._pages[order_id, subject] -= 1
        if not self._pages[order_id, subject]:
            del self._pages[order_id, subject]

    def changed(self, session_id: str) -> bool:
        """What a viewer's session plays or asks for changed; whether somebody is to be told."""
        session = self._sessions.find(session_id)
        if session is None or not self._listened(session):
            return False
        if session_id not in self._queued:
            told = self._told.get(session_id)
            heapq.heappush(self._queue, (told.again_at if told else 0.0, session_id))
            self._queued.add(session_id)
        return True

    def snapshot(self, order_id: str, subject: str, room: str) -> list[Message]:
        """The state of a person's sessions, for a page that just came."""
        messages = []
        for session in self._sessions.index.of_person(order_id, subject)[-SNAPSHOT_SESSIONS:]:
            state = session.media.state()
            messages.append(_message(session, state, room))
            told = self._told.get(session.session_id)
            if told is not None and isinstance(state, ViewerState) and told.shape != _shape(state):
                told.shape = None  # should it change back before the others hear of it, this page must
        return messages

    def due(self, now: float) -> list[Message]:
        """What is to be sent now."""
        messages: list[Message] = []
        while self._queue and self._queue[0][0] <= now and len(messages) < _AT_ONCE:
            session_id = heapq.heappop(self._queue)[1]
            self._queued.discard(session_id)
            messages += self._layer_state(session_id, now)
        if now >= self._uplinks_at:
            self._uplinks_at = now + UPLINK_INTERVAL
            for session in self._sessions.publishers():
                if self._listened(session):
                    messages.append(_message(session, session.media.state(), _room(session)))
        return messages

    def next_due(self) -> float | None:
        """The monotonic instant at which `due` may have something again; None while nobody listens."""
        if not self._pages:
            return None
        return min(self._uplinks_at, self._queue[0][0]) if self._queue else self._uplinks_at

    def _forget(self, session: Session) -> None:
        self._told.pop(session.session_id, None)

    def _listened(self, session: Session) -> bool:
        return (session.order_id, session.subject) in self._pages

    def _layer_state(self, session_id: str, now: float) -> list[Message]:
        """Say it unless it is what was said last; rates change all the time and are no change."""
        session = self._sessions.find(session_id)
        if session is None or not self._listened(session):
            return []
        state = session.media.state()
        told = self._told.get(session_id)
        if not isinstance(state, ViewerState) or (told is not None and told.shape == _shape(state)):
            return []
        self._told[session_id] = _Told(_shape(state), now + LAYER_INTERVAL)
        return [_message(session, state, _room(session))]


def _room(session: Session) -> str:
    return person_room(session.order_id, session.subject)


def _shape(state: ViewerState) -> _Shape:
    layer = state.layer
    size = (layer.rid, layer.width, layer.height) if layer is not None else ()
    return (state.rid, state.max_height, state.camera, state.wanted_camera, state.lines, *size)


def _message(session: Session, state: ViewerState | PublisherState, room: str) -> Message:
    if isinstance(state, PublisherState):
        uplink = schemas.UplinkState(
            session_id=session.session_id,
            camera=state.camera,
            bitrate=state.bitrate,
            loss=state.loss,
            layers=tuple(map(schemas.Layer.model_validate, state.layers)),
        )
        return Message("uplink:state", uplink.wire(), room)
    layer = state.layer
    playing = schemas.LayerState(
        session_id=session.session_id,
        camera=state.camera,
        wanted_camera=state.wanted_camera or state.camera,
        lines=tuple(map(schemas.Line.model_validate, state.lines)),
        rid=layer.rid if layer else None,
        width=layer.width if layer else None,
        height=layer.height if layer else None,
        fps=layer.fps if layer else None,
        bitrate=layer.bitrate if layer else None,
        wanted="auto" if state.rid is None else state.rid,
        max_height=state.max_height,
    )
    return Message("layer:state", playing.wire(), room)

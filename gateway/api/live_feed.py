"""What listeners of an order are told and how often: changes coalesced, nothing said twice.

Knows no Socket.IO: `due` gives the messages whose time has come, `events` sends them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.api import event_schemas as schemas
from gateway.sfu.state import CameraState
from gateway.signalling.ports import MediaPlane

STATE_INTERVAL = 0.1
"""Seconds between two `stream:state` of one order."""
VIEWERS_INTERVAL = 1.0
"""Seconds between two `viewers` of one order."""
LOOK_INTERVAL = 2.0
"""Seconds between looks for what nobody announces: a layer that came, went or changed its size."""
_LONGEST_OUTBOX = 10_000

_Shape = list[tuple[object, ...]]


class Message(NamedTuple):
    """One event for everybody in `room`."""

    event: str
    data: dict[str, Any]
    room: str


def order_room(order_id: str) -> str:
    """Everybody who listens to an order."""
    return f"order:{order_id}"


def staff_room(order_id: str) -> str:
    """Those of the workshop who listen to an order."""
    return f"staff:{order_id}"


def customers_room(order_id: str) -> str:
    """All others who listen to an order."""
    return f"customers:{order_id}"


def person_room(order_id: str, subject: str) -> str:
    """The pages of one person."""
    return f"person:{order_id}:{subject}"


@dataclass(slots=True)
class _Audience:
    """Listeners of one order and what they were told last. Instants are monotonic seconds."""

    shape: _Shape
    listeners: int = 0
    state: dict[str, Any] | None = None
    viewers: int | None = None
    state_from: float = 0.0
    viewers_from: float = 0.0
    state_dirty: bool = False
    viewers_dirty: bool = False


class LiveFeed:
    """The messages of all orders that somebody listens to."""

    def __init__(self, media: MediaPlane) -> None:
        self._media = media
        self._audiences: dict[str, _Audience] = {}
        self._outbox: deque[Message] = deque(maxlen=_LONGEST_OUTBOX)
        self._look_at = 0.0

    def join(self, order_id: str) -> None:
        """One more listener."""
        if order_id not in self._audiences:
            self._audiences[order_id] = _Audience(_shape(self._media.cameras(order_id)))
        self._audiences[order_id].listeners += 1

    def leave(self, order_id: str) -> None:
        """One listener fewer; with the last the order is forgotten."""
        audience = self._audiences[order_id]
        audience.listeners -= 1
        if not audience.listeners:
            del self._audiences[order_id]

    def push(self, event: str, data: dict[str, Any], room: str) -> None:
        """Say something once, without waiting."""
        self._outbox.append(Message(event, data, room))

    def changed(self, order_id: str) -> None:
        """The order's cameras or viewers may have changed."""
        if (audience := self._audiences.get(order_id)) is not None:
            audience.state_dirty = audience.viewers_dirty = True

    def snapshot(self, order_id: str, room: str) -> list[Message]:
        """The whole state for one who just came."""
        return [
            Message("stream:state", self._state(order_id), room),
            Message("viewers", schemas.Viewers(count=self._media.viewers(order_id)).wire(), room),
        ]

    def due(self, now: float) -> list[Message]:
        """What is to be sent now."""
        messages = list(self._outbox)
        self._outbox.clear()
        self._look(now)
        for order_id, audience in self._audiences.items():
            if audience.state_dirty and now >= audience.state_from:
                audience.state_dirty = False
                state = self._state(order_id)
                if state != audience.state:
                    audience.state, audience.state_from = state, now + STATE_INTERVAL
                    messages.append(Message("stream:state", state, order_room(order_id)))
            if audience.viewers_dirty and now >= audience.viewers_from:
                audience.viewers_dirty = False
                viewers = self._media.viewers(order_id)
                if viewers != audience.viewers:
                    audience.viewers, audience.viewers_from = viewers, now + VIEWERS_INTERVAL
                    count = schemas.Viewers(count=viewers).wire()
                    messages.append(Message("viewers", count, order_room(order_id)))
        return messages

    def next_due(self) -> float | None:
        """The monotonic instant at which `due` has something again; None while all is said."""
        times = [a.state_from for a in self._audiences.values() if a.state_dirty]
        times += [a.viewers_from for a in self._audiences.values() if a.viewers_dirty]
        return 0.0 if self._outbox else min(times, default=None)

    def _look(self, now: float) -> None:
        """Pages offer the layers by size. Their rates change all the time and are no news."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_INTERVAL
        for order_id, audience in self._audiences.items():
            shape = _shape(self._media.cameras(order_id))
            if shape != audience.shape:
                audience.shape, audience.state_dirty = shape, True

    def _state(self, order_id: str) -> dict[str, Any]:
        cameras = tuple(map(schemas.Camera.model_validate, self._media.cameras(order_id)))
        return schemas.StreamState(order_id=order_id, cameras=cameras).wire()


def _shape(cameras: Sequence[CameraState]) -> _Shape:
    return [(x.name, x.codec, *((y.rid, y.width, y.height, y.live) for y in x.layers)) for x in cameras]

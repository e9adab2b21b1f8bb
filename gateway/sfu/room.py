"""Rooms and cameras: who publishes where, who watches, and what outlives whom.

A room is one order. Its cameras outlive their publishers: a viewer stays with the camera while the
technician restarts OBS, and plays whoever publishes there next.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.protocol.description import MediaKind
from gateway.sfu.layer import Layer
from gateway.sfu.ports import Egress
from gateway.sfu.publisher import Publisher
from gateway.sfu.state import CameraState
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.talk.channel import TalkChannel


class Camera:
    """One place to publish in a room."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.publisher: Publisher | None = None
        self.subscribers: list[Subscriber] = []
        self.since: float | None = None
        """Unix seconds since when media flows."""
        self.gone_at: float | None = None
        """Monotonic seconds when the last publisher went; None while there is one."""

    @property
    def live(self) -> bool:
        """Whether media flows."""
        return self.since is not None

    @property
    def empty(self) -> bool:
        """Nobody is here."""
        return self.publisher is None and not self.subscribers

    def publish(self, publisher: Publisher, now: float) -> None:
        """A publisher begins; viewers go over to it, whoever was here before."""
        self.publisher = publisher
        self.since = self.gone_at = None
        for subscriber in self.subscribers:
            subscriber.play(publisher, now)

    def unpublish(self, publisher: Publisher, now: float) -> bool:
        """A publisher ends. False when another has taken the camera over: then nothing changes."""
        if self.publisher is not publisher:
            return False
        self.publisher = self.since = None
        self.gone_at = now
        for subscriber in self.subscribers:
            subscriber.play(None, now)
        return True

    def subscribe(self, subscriber: Subscriber, now: float) -> None:
        """A viewer comes."""
        self.subscribers.append(subscriber)
        subscriber.play(self.publisher, now)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """A viewer goes."""
        self.subscribers.remove(subscriber)
        subscriber.leave()

    def state(self, now: float) -> CameraState:
        """A snapshot for pages and operators."""
        video = self.publisher.tracks.get(MediaKind.VIDEO) if self.publisher else None
        layers = tuple(layer.state(now) for layer in video.layers.values()) if video else ()
        codec = video.codec.name if video and self.live else None
        return CameraState(self.name, self.live, self.since, codec, layers)


class Room:
    """One order's cameras and return audio.

    It lives as long as it has a publisher, a viewer, a talker, a listener or an attendant: so do the mode of
    its floor and who is muted.
    """

    def __init__(self, order_id: str, talk_changed: Callable[[], None]) -> None:
        self.order_id = order_id
        self.cameras: dict[str, Camera] = {}
        self.talk = TalkChannel(talk_changed)
        self.attendants = 0
        """Who wants it kept without any media of their own."""

    @property
    def empty(self) -> bool:
        """Nobody is here."""
        return not self.cameras and self.talk.idle and not self.attendants

    def camera(self, name: str) -> Camera:
        """The camera of that name, made when it is new."""
        return self.cameras.setdefault(name, Camera(name))

    def viewers(self) -> int:
        """Connected viewers of all cameras."""
        return sum(s.connected for camera in self.cameras.values() for s in camera.subscribers)


class Rooms:
    """All rooms, and the layers that have packets to forward.

    After each batch of datagrams the shell calls `flush`. `changed(order_id)` is called when an order's
    cameras or viewers changed, `talk_changed` when its return audio did;
    neither must come back into the rooms.
    """

    def __init__(
        self,
        egress: Egress,
        changed: Callable[[str], None],
        talk_changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._egress = egress
        self.changed = changed
        self._talk_changed = talk_changed
        self._rooms: dict[str, Room] = {}
        self._dirty: dict[Layer, None] = {}

    def get(self, order_id: str) -> Room | None:
        """The order's room, when somebody is in it."""
        return self._rooms.get(order_id)

    def all(self) -> list[Room]:
        """Every room with somebody in it."""
        return list(self._rooms.values())

    def enter(self, order_id: str, camera: str) -> Camera:
        """The camera, in a room that is made when it is new."""
        return self.room(order_id).camera(camera)

    def room(self, order_id: str) -> Room:
        """The order's room, made when it is new."""
        room = self._rooms.get(order_id)
        if room is None:
            room = self._rooms[order_id] = Room(order_id, partial(self._talk_changed, order_id))
        return room

    def attend(self, order_id: str) -> Room:
        """The order's room, which stays until the same number of calls of `leave`."""
        room = self.room(order_id)
        room.attendants += 1
        return room

    def leave(self, order_id: str) -> None:
        """End one attendance."""
        self._rooms[order_id].attendants -= 1
        self.tidy(order_id)

    def tidy(self, order_id: str) -> None:
        """Forget what is empty, and note that the order changed."""
        self.changed(order_id)
        room = self._rooms.get(order_id)
        if room is None:
            return
        for camera in [c for c in room.cameras.values() if c.empty]:
            del room.cameras[camera.name]
        if room.empty:
            del self._rooms[order_id]

    def mark_dirty(self, layer: Layer) -> None:
        """This layer has packets to forward."""
        self._dirty[layer] = None

    def flush(self, now: float) -> None:
        """Forward everything that waits."""
        if self._dirty:
            dirty, self._dirty = self._dirty, {}
            for layer in dirty:
                layer.flush(self._egress, now)

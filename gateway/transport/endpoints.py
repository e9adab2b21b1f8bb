"""What a peer's media belongs to: a camera that is published, or one that is watched."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from gateway.clock import Clock
from gateway.protocol.description import Address
from gateway.sfu.ports import MediaLink, OutboundMedia
from gateway.sfu.publisher import TICK, Publisher
from gateway.sfu.room import Camera, Rooms
from gateway.sfu.state import PublisherState, ViewerState
from gateway.sfu.subscriber import Subscriber

WATCH_TICK = 1.0


class Endpoint(Protocol):
    """The SFU's side of a peer, as the driver drives it."""

    def connected(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None: ...

    def moved(self, address: Address) -> None: ...

    def lost(self) -> None: ...

    def found(self) -> None: ...

    def on_rtp(self, packet: bytes, now: float) -> None: ...

    def on_rtcp(self, packet: bytes, now: float) -> None: ...

    def on_timer(self, now: float) -> float:
        """Do what is due; the time of the next call."""
        ...

    def select_layer(self, rid: str | None, max_height: int | None, now: float) -> None: ...

    def state(self, now: float) -> ViewerState | PublisherState: ...

    def next_timer(self) -> float | None:
        """When it wants `on_timer` next, if it can tell; asked after RTCP."""
        ...

    def ended(self, now: float) -> None: ...


class PublishingEndpoint:
    """A technician's session: its media goes into a camera."""

    def __init__(
        self, order_id: str, camera: Camera, rooms: Rooms, publisher: Publisher, clock: Clock
    ) -> None:
        self._order_id = order_id
        self._camera = camera
        self._rooms = rooms
        self._publisher = publisher
        self._wall = clock.time
        self._outline: tuple[object, ...] | None = None
        camera.publish(publisher, clock.monotonic())

    def connected(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        self._publisher.connect(link)

    def moved(self, address: Address) -> None:
        """Feedback follows the peer's address by itself."""

    def lost(self) -> None:
        """Its layers fall silent, which is what viewers are told by."""

    def found(self) -> None:
        """Its layers speak again."""

    def on_rtp(self, packet: bytes, now: float) -> None:
        self._publisher.on_rtp(packet, now, self._wall())

    def on_rtcp(self, packet: bytes, now: float) -> None:
        self._publisher.on_rtcp(packet, now, self._wall())

    def on_timer(self, now: float) -> float:
        self._publisher.on_timer(now)
        self._rooms.flush(now)
        if self._publisher.live and self._camera.publisher is self._publisher:
            self._show(now)
        return now + TICK

    def _show(self, now: float) -> None:
        """Let the order know that the camera is live, and what its pictures are."""
        if not self._camera.live:
            self._camera.since = self._wall()
        outline = self._publisher.outline(now)
        if outline != self._outline:
            self._outline = outline
            self._rooms.changed(self._order_id)

    def select_layer(self, rid: str | None, max_height: int | None, now: float) -> None:
        """It plays nothing; signalling does not ask."""

    def state(self, now: float) -> PublisherState:
        return self._publisher.state(self._camera.name, now)

    def next_timer(self) -> float | None:
        """It has a steady beat."""
        return None

    def ended(self, now: float) -> None:
        """Give the camera back, unless somebody has taken it over."""
        self._camera.unpublish(self._publisher, now)
        self._publisher.end()
        self._rooms.tidy(self._order_id)


class WatchingEndpoint:
    """A customer's session: a camera's media goes out to it."""

    def __init__(
        self,
        order_id: str,
        camera: Camera,
        rooms: Rooms,
        subscriber: Subscriber,
        clock: Clock,
        patience: float,
        drops: Counter[str],
    ) -> None:
        self._order_id = order_id
        self._camera = camera
        self._rooms = rooms
        self._subscriber = subscriber
        self._wall, self._now = clock.time, clock.monotonic
        self._patience = patience
        self._drops = drops
        self._link: MediaLink | None = None
        camera.subscribe(subscriber, clock.monotonic())

    def connected(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        self._link = link
        self._subscriber.connect(link, outbound, address, now)
        self._rooms.changed(self._order_id)

    def moved(self, address: Address) -> None:
        self._subscriber.move(address)

    def lost(self) -> None:
        self._subscriber.pause()
        self._rooms.changed(self._order_id)

    def found(self) -> None:
        self._subscriber.resume(self._now())
        self._rooms.changed(self._order_id)

    def on_rtp(self, packet: bytes, now: float) -> None:
        """A viewer was given no right to send."""
        self._drops["rtp_from_viewer"] += 1

    def on_rtcp(self, packet: bytes, now: float) -> None:
        self._subscriber.on_rtcp(packet, now, self._wall())

    def on_timer(self, now: float) -> float:
        self._subscriber.on_timer(now, self._wall())
        gone_at = self._camera.gone_at
        if gone_at is not None and now - gone_at > self._patience and self._link is not None:
            self._link.close("publisher_gone")
        due = self._subscriber.next_timer()
        return max(now, min(now + WATCH_TICK, due)) if due is not None else now + WATCH_TICK

    def select_layer(self, rid: str | None, max_height: int | None, now: float) -> None:
        self._subscriber.prefer(rid, max_height, now)

    def state(self, now: float) -> ViewerState:
        return self._subscriber.state(self._camera.name, now)

    def next_timer(self) -> float | None:
        return self._subscriber.next_timer()

    def ended(self, now: float) -> None:
        self._camera.unsubscribe(self._subscriber)
        self._link = None
        self._rooms.tidy(self._order_id)

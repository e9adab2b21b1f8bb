"""What a peer's media belongs to: a camera that is published, or one that is watched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from gateway.clock import Clock
from gateway.protocol.description import Address
from gateway.sfu.ports import MediaLink, OutboundMedia
from gateway.sfu.publisher import TICK, Publisher
from gateway.sfu.room import Camera, Rooms
from gateway.sfu.state import PublisherState, ViewerState
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.viewing import Viewing
from gateway.transport.talk_parts import Listening, Talking

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

    def select_layer(self, rid: str | None, max_height: int | None, mid: str | None, now: float) -> None: ...

    def select_camera(self, camera: str | None, mid: str | None, now: float) -> None: ...

    def state(self, now: float) -> ViewerState | PublisherState: ...

    def next_timer(self) -> float | None:
        """When it wants `on_timer` next, if it can tell; asked after RTCP."""
        ...

    def ended(self, now: float) -> None: ...


class SilentEndpoint:
    """What an endpoint does of itself where nothing else is said: nothing."""

    def moved(self, address: Address) -> None:
        """Feedback follows the peer's address by itself."""

    def lost(self) -> None:
        """What it sent falls silent, which is what others are told by."""

    def found(self) -> None:
        """It is heard again."""

    def select_layer(self, rid: str | None, max_height: int | None, mid: str | None, now: float) -> None:
        """There is none to select; signalling does not ask."""

    def select_camera(self, camera: str | None, mid: str | None, now: float) -> None:
        """As above."""

    def next_timer(self) -> float | None:
        """It has a steady beat."""
        return None


class PublishingEndpoint(SilentEndpoint):
    """A technician's session: its media goes into a camera; on talk slots, if any, customers are heard."""

    def __init__(
        self,
        order_id: str,
        camera: Camera,
        rooms: Rooms,
        publisher: Publisher,
        clock: Clock,
        listener: Subscriber | None = None,
    ) -> None:
        self._order_id = order_id
        self._camera = camera
        self._rooms = rooms
        self._publisher = publisher
        self._wall, self._now = clock.time, clock.monotonic
        self._listening = Listening(rooms.room(order_id), listener) if listener is not None else None
        self._outline: tuple[object, ...] | None = None
        camera.publish(publisher, clock.monotonic())
        if self._listening is not None:
            self._listening.begin(clock.monotonic())

    def connected(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        self._publisher.connect(link)
        if self._listening is not None:
            self._listening.subscriber.connect(link, outbound, address, now)

    def moved(self, address: Address) -> None:
        """Feedback follows the peer's address by itself."""
        if self._listening is not None:
            self._listening.subscriber.move(address)

    def lost(self) -> None:
        """Its layers fall silent, which is what viewers are told by."""
        if self._listening is not None:
            self._listening.subscriber.pause()

    def found(self) -> None:
        """Its layers speak again."""
        if self._listening is not None:
            self._listening.subscriber.resume(self._now())

    def on_rtp(self, packet: bytes, now: float) -> None:
        self._publisher.on_rtp(packet, now, self._wall())

    def on_rtcp(self, packet: bytes, now: float) -> None:
        self._publisher.on_rtcp(packet, now, self._wall())
        if self._listening is not None:
            self._listening.subscriber.on_rtcp(packet, now, self._wall())

    def on_timer(self, now: float) -> float:
        self._publisher.on_timer(now)
        if self._listening is not None:
            self._listening.tick(now, self._wall())
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

    def state(self, now: float) -> PublisherState:
        return self._publisher.state(self._camera.name, now)

    def ended(self, now: float) -> None:
        """Give the camera back, unless somebody has taken it over."""
        self._camera.unpublish(self._publisher, now)
        self._publisher.end()
        if self._listening is not None:
            self._listening.end()
        self._rooms.tidy(self._order_id)


class WatchingEndpoint:
    """A customer's session: cameras go out to it; on its talk line, if any, its microphone comes in."""

    def __init__(
        self,
        order_id: str,
        rooms: Rooms,
        viewing: Viewing,
        clock: Clock,
        patience: float,
        drops: Counter[str],
        *,
        changed: Callable[[], None] = lambda: None,
        talking: Talking | None = None,
    ) -> None:
        self._order_id = order_id
        self._rooms = rooms
        self._viewing = viewing
        self._subscriber = viewing.subscriber
        self._wall, self._now = clock.time, clock.monotonic
        self._patience = patience
        self._drops = drops
        self._changed = changed
        self._talking = talking
        self._link: MediaLink | None = None

    def connected(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        self._link = link
        self._subscriber.connect(link, outbound, address, now)
        if self._talking is not None:
            self._talking.connect(link)
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
        """Its microphone; a viewer without a talk line was given no right to send."""
        if self._talking is not None:
            self._talking.on_rtp(packet, now)
        else:
            self._drops["rtp_from_viewer"] += 1

    def on_rtcp(self, packet: bytes, now: float) -> None:
        self._subscriber.on_rtcp(packet, now, self._wall())
        if self._talking is not None:
            self._talking.on_rtcp(packet, now)

    def on_timer(self, now: float) -> float:
        self._subscriber.on_timer(now, self._wall())
        if self._viewing.tick(now):
            self._changed()
            self._rooms.tidy(self._order_id)
        gone_at = self._viewing.camera.gone_at
        if gone_at is not None and now - gone_at > self._patience and self._link is not None:
            self._link.close("publisher_gone")
        wait = WATCH_TICK if self._talking is None else self._talking.tick(now)
        due = self._subscriber.next_timer()
        return max(now, min(now + wait, due)) if due is not None else now + wait

    def select_layer(self, rid: str | None, max_height: int | None, mid: str | None, now: float) -> None:
        self._subscriber.prefer(rid, max_height, now, mid)

    def select_camera(self, camera: str | None, mid: str | None, now: float) -> None:
        self._viewing.select(camera, now, mid)
        self._changed()
        self._rooms.tidy(self._order_id)

    def state(self, now: float) -> ViewerState:
        return self._viewing.state(now)

    def next_timer(self) -> float | None:
        return self._subscriber.next_timer()

    def ended(self, now: float) -> None:
        self._viewing.leave()
        if self._talking is not None:
            self._talking.end(now)
        self._link = None
        self._rooms.tidy(self._order_id)

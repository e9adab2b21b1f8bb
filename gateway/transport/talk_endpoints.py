"""Return audio by plain WHIP and WHEP: the customer publishes its microphone, the technician plays it."""

from __future__ import annotations

from collections import Counter

from gateway.clock import Clock
from gateway.protocol.description import Address
from gateway.sfu.ports import MediaLink, OutboundMedia
from gateway.sfu.room import Rooms
from gateway.sfu.state import PublisherState, ViewerState
from gateway.signalling.messages import TALK_CAMERA
from gateway.transport.endpoints import SilentEndpoint
from gateway.transport.talk_parts import TALK_TICK, Listening, Talking


class TalkingEndpoint(SilentEndpoint):
    """A customer's microphone by plain WHIP."""

    def __init__(self, order_id: str, rooms: Rooms, talking: Talking) -> None:
        self._order_id = order_id
        self._rooms = rooms
        self._talking = talking

    def connected(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        self._talking.connect(link)

    def on_rtp(self, packet: bytes, now: float) -> None:
        self._talking.on_rtp(packet, now)

    def on_rtcp(self, packet: bytes, now: float) -> None:
        self._talking.on_rtcp(packet, now)

    def on_timer(self, now: float) -> float:
        return now + self._talking.tick(now)

    def state(self, now: float) -> PublisherState:
        return self._talking.publisher.state(TALK_CAMERA, now)

    def ended(self, now: float) -> None:
        self._talking.end(now)
        self._rooms.tidy(self._order_id)


class ListeningEndpoint(SilentEndpoint):
    """A technician's ear by plain WHEP."""

    def __init__(
        self, order_id: str, rooms: Rooms, listening: Listening, clock: Clock, drops: Counter[str]
    ) -> None:
        self._order_id = order_id
        self._rooms = rooms
        self._listening = listening
        self._wall, self._now = clock.time, clock.monotonic
        self._drops = drops
        listening.begin(clock.monotonic())

    def connected(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        self._listening.subscriber.connect(link, outbound, address, now)

    def moved(self, address: Address) -> None:
        self._listening.subscriber.move(address)

    def lost(self) -> None:
        self._listening.subscriber.pause()

    def found(self) -> None:
        self._listening.subscriber.resume(self._now())

    def on_rtp(self, packet: bytes, now: float) -> None:
        """A listener was given no right to send."""
        self._drops["rtp_from_viewer"] += 1

    def on_rtcp(self, packet: bytes, now: float) -> None:
        self._listening.subscriber.on_rtcp(packet, now, self._wall())

    def on_timer(self, now: float) -> float:
        self._listening.tick(now, self._wall())
        return now + TALK_TICK

    def state(self, now: float) -> ViewerState:
        return self._listening.subscriber.state(TALK_CAMERA, now)

    def next_timer(self) -> float | None:
        return self._listening.subscriber.next_timer()

    def ended(self, now: float) -> None:
        self._listening.end()
        self._rooms.tidy(self._order_id)

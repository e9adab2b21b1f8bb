"""The parts of a session that carry return audio: a microphone that comes in, slots on which one is heard."""

from __future__ import annotations

from collections import Counter

from gateway.clock import Clock
from gateway.sfu.ports import MediaLink
from gateway.sfu.publisher import Publisher
from gateway.sfu.room import Room
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.talk.allowance import Allowance

TALK_TICK = 0.25
"""Seconds between looks at what a talker must be told, while it talks."""
IDLE_TICK = 1.0
"""And while it does not."""


class Listening:
    """The part of a session that hears the talkers of a room."""

    def __init__(self, room: Room, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self._room = room

    def begin(self, now: float) -> None:
        """Hear them from now on."""
        self._room.talk.listen(self.subscriber, now)

    def tick(self, now: float, wall: float) -> None:
        """Reports, and silence that no packet tells of."""
        self.subscriber.on_timer(now, wall)
        self._room.talk.route_when_due(now)

    def end(self) -> None:
        """The session is over."""
        self._room.talk.stop_listening(self.subscriber)
        self.subscriber.leave()


class Talking:
    """The part of a session on which a customer's microphone comes in."""

    def __init__(
        self,
        room: Room,
        viewer_id: str,
        publisher: Publisher,
        clock: Clock,
        drops: Counter[str],
        *,
        standing: bool,
    ) -> None:
        self._room = room
        self._allowance = Allowance()
        self._drops = drops
        self._viewer_id = viewer_id
        self.publisher = publisher
        self._wall = clock.time
        room.talk.join(viewer_id, publisher, clock.monotonic(), standing=standing)

    def connect(self, link: MediaLink) -> None:
        """Feedback can be sent."""
        self.publisher.connect(link)

    def on_rtp(self, packet: bytes, now: float) -> None:
        """Take a packet of the microphone; the first one after a pause does not wait for the next look."""
        if (excess := self._allowance.refuse(len(packet), now)) is not None:
            self._drops[excess] += 1
            return
        paused = not self.publisher.live_now(now)
        self.publisher.on_rtp(packet, now, self._wall())
        if not self.publisher.live_now(now):
            return
        if paused:
            self.publisher.on_timer(now)  # notices the layer, without which there is nothing to route
        self._room.talk.heard(self._viewer_id, self.publisher, now, first=paused)

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """Take what the sender reports."""
        self.publisher.on_rtcp(packet, now, self._wall())

    def tick(self, now: float) -> float:
        """Look after the microphone; seconds until the next look."""
        self.publisher.on_timer(now)
        return TALK_TICK if self.publisher.live_now(now) else IDLE_TICK

    def end(self, now: float) -> None:
        """The session is over."""
        self._room.talk.part(self._viewer_id, self.publisher, now)
        self.publisher.end()

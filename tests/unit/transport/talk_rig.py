"""Rooms in virtual time with microphones and ears, as the driver would hold them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.clock import ManualClock
from gateway.protocol import extensions
from gateway.protocol.description import NegotiatedMedia
from gateway.sfu.publisher import Publisher
from gateway.sfu.room import Rooms
from gateway.sfu.talk.channel import TalkChannel
from gateway.transport.talk_parts import Listening, Talking
from tests.unit.sfu.fakes import LEVEL_ID, MID_ID, FakeEgress, Viewer, audio_media, opus, session


def microphone(mid: str = "a") -> NegotiatedMedia:
    """An audio line on which a customer sends."""
    return audio_media(mid, extensions={extensions.AUDIO_LEVEL: LEVEL_ID, extensions.MID: MID_ID})


@dataclass(frozen=True)
class Ear:
    """A listener's session."""

    viewer: Viewer
    part: Listening


class TalkRig:
    """One order."""

    def __init__(self) -> None:
        self.changes: list[str] = []
        self.talk_changes: list[str] = []
        self.drops: Counter[str] = Counter()
        self.egress = FakeEgress()
        self.clock = ManualClock()
        self.rooms = Rooms(self.egress, self.changes.append, self.talk_changes.append)

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    @property
    def channel(self) -> TalkChannel:
        return self.rooms.room("order").talk

    def publisher(self, *media: NegotiatedMedia) -> Publisher:
        return Publisher(session(*media), self.rooms.mark_dirty, self.drops)

    def talking(self, name: str, *, standing: bool) -> Talking:
        room = self.rooms.room("order")
        publisher = self.publisher(microphone())
        return Talking(room, name, publisher, self.clock, self.drops, standing=standing)

    def listening(self, slots: int = 1) -> Ear:
        viewer = Viewer()
        subscriber = viewer.subscriber(*[audio_media(str(n)) for n in range(slots)])
        subscriber.connect(viewer.link, viewer.outbound, viewer.address, self.now)
        part = Listening(self.rooms.room("order"), subscriber)
        part.begin(self.now)
        return Ear(viewer, part)

    def speak(self, talker: Talking, sequence: int, *, level: bytes = b"\xa0") -> None:
        """One packet, forwarded."""
        talker.on_rtp(opus(sequence, tags={LEVEL_ID: level}), self.now)
        self.rooms.flush(self.now)

    def heard(self, ear: Ear) -> int:
        """Packets that the listener got since the last call."""
        return len(ear.viewer.received(self.egress))

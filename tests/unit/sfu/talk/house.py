"""An order's return audio in virtual time: talkers with a voice, and listeners who note what they hear."""

from __future__ import annotations

from gateway.protocol import extensions
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.talk.channel import TalkChannel
from tests.unit.sfu.fakes import LEVEL_ID, Studio, Viewer, audio_media, opus

PTIME, TICKS = 0.02, 960
VOICE, LOW, SILENT = 20, 40, 127
"""Levels in -dBov; the louder is clearly louder."""


class Talker:
    """A customer's session."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.studio = Studio(audio_media(extensions={extensions.AUDIO_LEVEL: LEVEL_ID}))
        self._sequence = 0
        self.skipped = 0
        """Ticks by which its clock ran on while it sent nothing."""

    def send(self, level: int | None, now: float) -> None:
        """The next packet; without a level for None."""
        self.take(level, now)
        self.studio.flush()

    def take(self, level: int | None, now: float) -> bool:
        """As `send`, not forwarded yet; whether it is the first after a pause."""
        paused = not self.studio.publisher.live_now(now)
        self._sequence += 1
        self.studio.now = now
        tags = {} if level is None else {LEVEL_ID: bytes([level | (0x80 if level < SILENT else 0)])}
        self.studio.publisher.on_rtp(
            opus(self._sequence, self._sequence * TICKS + self.skipped, tags=tags), now, self.studio.wall
        )
        self.studio.publisher.on_timer(now)
        return paused


class Listener:
    """A technician's session with so many slots, of mids "0", "1", ..."""

    def __init__(self, slots: int) -> None:
        self.viewer = Viewer()
        self.subscriber: Subscriber = self.viewer.subscriber(*[audio_media(str(n)) for n in range(slots)])
        self.subscriber.connect(self.viewer.link, self.viewer.outbound, self.viewer.address, 0.0)

    def heard(self, *talkers: Talker) -> dict[str, set[str]]:
        """On which mids each talker was heard since the last call."""
        return {talker.name: set(self.packets(talker)) for talker in talkers}

    def packets(self, talker: Talker) -> list[str]:
        """The mid of each packet of one session that was heard since the last call."""
        return [str(packet.ssrc - 0x1000) for packet in self.viewer.received(talker.studio.egress)]


class House:
    """A channel and its time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.changes = 0
        self.channel = TalkChannel(self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def talker(self, name: str, *, standing: bool = False) -> Talker:
        talker = Talker(name)
        self.channel.join(name, talker.studio.publisher, self.now, standing=standing)
        return talker

    def listener(self, slots: int = 1) -> Listener:
        listener = Listener(slots)
        self.channel.listen(listener.subscriber, self.now)
        return listener

    def press(self, *talkers: Talker, button: str = "") -> None:
        for talker in talkers:
            self.channel.floor.press(talker.name, self.now, button)
        self.channel.route(self.now)

    def release(self, talker: Talker, button: str = "") -> None:
        self.channel.floor.release(talker.name, button)
        self.channel.route(self.now)

    def part(self, talker: Talker) -> None:
        self.channel.part(talker.name, talker.studio.publisher, self.now)

    def say(self, voices: dict[Talker, int | None], seconds: float = PTIME) -> None:
        """Everybody named sends packets of its level for so long."""
        for _ in range(round(seconds / PTIME)):
            self.now += PTIME
            for talker, level in voices.items():
                first = talker.take(level, self.now)
                self.channel.heard(talker.name, talker.studio.publisher, self.now, first=first)
                talker.studio.flush()

    @property
    def speakers(self) -> tuple[str, ...]:
        return self.channel.state(self.now).speakers

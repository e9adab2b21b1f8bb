"""Return audio of one room: who talks, who listens, and which talker is in which of a listener's slots.

Nothing is decoded or mixed. A slot is an outgoing audio line; it plays one talker's track at a time. The
floor decides who may speak, loudness who of those is heard where there are fewer slots than speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.protocol.description import MediaKind
from gateway.sfu.publisher import Publisher
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.talk.floor import Floor, FloorState, TalkMode
from gateway.sfu.talk.loudness import Loudness, assign
from gateway.sfu.track import PublishedTrack

ROUTE_INTERVAL = 0.02
"""Seconds between two looks at who is loudest: packets come that often."""


@dataclass(frozen=True, slots=True)
class TalkState:
    """The floor, and who is speaking on it; people by viewer id."""

    floor: FloorState
    speakers: tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Talker:
    publisher: Publisher
    loudness: Loudness = field(default_factory=Loudness)

    @property
    def track(self) -> PublishedTrack:
        return self.publisher.tracks[MediaKind.AUDIO]


class TalkChannel:
    """The return audio of one room.

    `changed` is called when `state` has changed. `idle` tells that nobody talks or listens.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.floor = Floor(TalkMode.OPEN)
        self._changed = changed
        self._talkers: dict[str, _Talker] = {}
        self._listeners: dict[Subscriber, dict[str, str | None]] = {}
        self._routed_at = float("-inf")
        self._told: TalkState | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody is here."""
        return not self._talkers and not self._listeners

    def join(self, talker: str, publisher: Publisher, now: float, *, standing: bool) -> None:
        """Somebody's return audio may come in; `standing` without a page that presses a button.

        A newer session of the same person takes the place of the former one, whose button or open
        microphone is not this one's. Raises TalkFull.
        """
        if talker in self._talkers:
            self._silence(talker, now)
            self.floor.leave(talker, now)
        if standing:
            self.floor.stand(talker, now)
        else:
            self.floor.back(talker, now)
        self._talkers[talker] = _Talker(publisher)
        self.route(now)

    def part(self, talker: str, publisher: Publisher, now: float) -> None:
        """A session with return audio ends, unless a newer one has taken its place."""
        current = self._talkers.get(talker)
        if current is None or current.publisher is not publisher:
            return
        self._silence(talker, now)
        del self._talkers[talker]
        self.floor.leave(talker, now)
        self.route(now)

    def listen(self, subscriber: Subscriber, now: float) -> None:
        """Somebody is to hear the talkers on the audio lines of this session."""
        audio = [media.mid for media in subscriber.lines if media.kind is MediaKind.AUDIO]
        self._listeners[subscriber] = dict.fromkeys(audio)
        self.route(now)

    def stop_listening(self, subscriber: Subscriber) -> None:
        """That session ends."""
        self._listeners.pop(subscriber, None)

    def heard(self, talker: str, publisher: Publisher, now: float) -> None:
        """A packet of this talker came; of a session whose place a newer one has taken it means nothing."""
        current = self._talkers.get(talker)
        if current is None or current.publisher is not publisher:
            return
        level = current.track.audio_level
        if level is None:
            current.loudness.note_unlevelled(now)
        else:
            current.loudness.note(level & 0x7F, level & 0x80 != 0, now)
        self.route_when_due(now)

    def route_when_due(self, now: float) -> None:
        """As `route`, for whoever keeps time: who stopped sending is noticed by no packet."""
        if now - self._routed_at >= ROUTE_INTERVAL:
            self.route(now)

    def route(self, now: float) -> None:
        """Put who may speak into the listeners' slots, and tell when that changed something to be seen."""
        self._routed_at = now
        self.floor.tick(now)
        speakers = self._allowed()
        for subscriber, slots in self._listeners.items():
            chosen = assign(speakers, list(slots.values()), now)
            for mid, talker in zip(list(slots), chosen, strict=True):
                if slots[mid] != talker:
                    self._fill(subscriber, slots, mid, talker, now)
        state = self.state(now)
        if state != self._told:
            self._told = state
            self._changed()

    def _allowed(self) -> Mapping[str, Loudness]:
        return {name: x.loudness for name, x in self._talkers.items() if self.floor.may_speak(name)}

    def _silence(self, talker: str, now: float) -> None:
        """Take somebody out of every slot at once."""
        for subscriber, slots in self._listeners.items():
            for mid in [mid for mid, name in slots.items() if name == talker]:
                self._fill(subscriber, slots, mid, None, now)

    def _fill(
        self, subscriber: Subscriber, slots: dict[str, str | None], mid: str, talker: str | None, now: float
    ) -> None:
        """Let a slot play this talker; the former one is cut off now, not when the first packet comes."""
        slots[mid] = talker
        subscriber.show(mid, None, now)
        if talker is not None:
            subscriber.show(mid, self._talkers[talker].track, now)

    def state(self, now: float) -> TalkState:
        """What everybody in the order may see."""
        speaking = [name for name, loudness in self._allowed().items() if loudness.speaking(now)]
        return TalkState(self.floor.state(), tuple(sorted(speaking)))

"""Return audio of one room: who talks, who listens, and which microphone is in which of a listener's slots.

Nothing is decoded or mixed. A slot is an outgoing audio line; it plays one microphone's track at a time. The
floor decides who may speak, loudness what of that is heard where there are fewer slots than microphones. A
person, one talker on the floor, may have several: pages of one login, on one table or in two towns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.protocol.description import MediaKind
from gateway.sfu.publisher import Publisher
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.talk.floor import Floor, FloorState, TalkMode
from gateway.sfu.talk.loudness import Loudness, assign
from gateway.sfu.track import PublishedTrack

ROUTE_INTERVAL: Final = 0.02
"""Seconds between two looks at who is loudest: packets come that often."""
MAX_MICROPHONES: Final = 16
"""Of one person: a further one takes the place of the oldest that is silent, mostly a lost connection's."""


@dataclass(frozen=True, slots=True)
class TalkState:
    """The floor, and who is speaking on it; people by viewer id."""

    floor: FloorState
    speakers: tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Microphone:
    """One session's; `standing` without a page that presses a button."""

    talker: str
    publisher: Publisher
    standing: bool
    loudness: Loudness = field(default_factory=Loudness)

    @property
    def track(self) -> PublishedTrack:
        return self.publisher.tracks[MediaKind.AUDIO]


_Slots = dict[str, _Microphone | None]


class TalkChannel:
    """The return audio of one room.

    `changed` is called when `state` has changed. `idle` tells that nobody talks or listens.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.floor = Floor(TalkMode.OPEN)
        self._changed = changed
        self._talkers: dict[str, dict[Publisher, _Microphone]] = {}
        self._listeners: dict[Subscriber, _Slots] = {}
        self._routed_at = float("-inf")
        self._told: TalkState | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody is here."""
        return not self._talkers and not self._listeners

    def join(self, talker: str, publisher: Publisher, now: float, *, standing: bool) -> None:
        """One more microphone of somebody; `standing` without a page that presses a button.

        Raises TalkFull.
        """
        if standing:
            self.floor.stand(talker, now)
        else:
            self.floor.back(talker, now)
        mine = self._talkers.setdefault(talker, {})
        mine[publisher] = _Microphone(talker, publisher, standing)
        if len(mine) > MAX_MICROPHONES:
            silent = (each for each in mine if not each.live_now(now))
            self._remove(mine, next(silent, publisher), now)
        self.route(now)

    def part(self, talker: str, publisher: Publisher, now: float) -> None:
        """The session of a microphone ends. With the last one its person leaves the floor."""
        mine = self._talkers.get(talker, {})
        if publisher not in mine:
            return
        self._remove(mine, publisher, now)
        if not mine:
            del self._talkers[talker]
            self.floor.leave(talker, now)
        self.route(now)

    def _remove(self, mine: dict[Publisher, _Microphone], publisher: Publisher, now: float) -> None:
        gone = mine.pop(publisher)
        for subscriber, slots in self._listeners.items():
            for mid in [mid for mid, played in slots.items() if played is gone]:
                self._fill(subscriber, slots, mid, None, now)
        if gone.standing and not any(other.standing for other in mine.values()):
            self.floor.stand(gone.talker, now, standing=False)

    def listen(self, subscriber: Subscriber, now: float) -> None:
        """Somebody is to hear the talkers on the audio lines of this session."""
        audio = [media.mid for media in subscriber.lines if media.kind is MediaKind.AUDIO]
        self._listeners[subscriber] = dict.fromkeys(audio)
        self.route(now)

    def stop_listening(self, subscriber: Subscriber) -> None:
        """That session ends."""
        self._listeners.pop(subscriber, None)

    def heard(self, talker: str, publisher: Publisher, now: float, *, first: bool = False) -> None:
        """A packet of this microphone came; the `first` after a pause is not to wait for the next look."""
        microphone = self._talkers.get(talker, {}).get(publisher)
        if microphone is None:
            return
        level = microphone.track.audio_level
        if level is None:
            microphone.loudness.note_unlevelled(now)
        else:
            microphone.loudness.note(level & 0x7F, level & 0x80 != 0, now)
        if first:
            self.route(now)
        else:
            self.route_when_due(now)

    def route_when_due(self, now: float) -> None:
        """As `route`, for whoever keeps time: who stopped sending is noticed by no packet."""
        if now - self._routed_at >= ROUTE_INTERVAL:
            self.route(now)

    def route(self, now: float) -> None:
        """Put who may speak into the listeners' slots, and tell when that changed something to be seen."""
        self._routed_at = now
        self.floor.tick(now)
        open_now = self._open(now)
        for subscriber, slots in self._listeners.items():
            chosen = assign(open_now, list(slots.values()), now)
            for mid, microphone in zip(list(slots), chosen, strict=True):
                if slots[mid] is not microphone:
                    self._fill(subscriber, slots, mid, microphone, now)
        state = self.state(now)
        if state != self._told:
            self._told = state
            self._changed()

    def _open(self, now: float) -> Mapping[_Microphone, Loudness]:
        """Those that may be heard and send: of a person's pages the silent ones take no slot."""
        return {x: x.loudness for x in self._permitted() if x.publisher.live_now(now)}

    def _permitted(self) -> Iterator[_Microphone]:
        for talker in self.floor.state().pressing:
            button = bool(self.floor.held(talker))
            for microphone in self._talkers.get(talker, {}).values():
                if button or microphone.standing:
                    yield microphone

    def _fill(
        self, subscriber: Subscriber, slots: _Slots, mid: str, microphone: _Microphone | None, now: float
    ) -> None:
        """Let a slot play this; what it played is cut off now, not when the first packet comes."""
        slots[mid] = microphone
        subscriber.show(mid, None, now)
        if microphone is not None:
            subscriber.show(mid, microphone.track, now)

    def state(self, now: float) -> TalkState:
        """What everybody in the order may see."""
        speaking = {x.talker for x, loudness in self._open(now).items() if loudness.speaking(now)}
        return TalkState(self.floor.state(), tuple(sorted(speaking)))

"""The floor of an order: which of its customers may speak to the technician. Pure.

A **talker** is a customer, named by viewer id: with several pages open, or a family on one login, it is one
all the same, and holds its microphone open while any of its buttons is held. It has its **turn** while it is
*granted*; it is heard while it has its turn, holds its microphone open and is not muted. How a turn begins
depends on the mode:

* `OPEN`: by pressing the button, or by asking.
* `REQUEST`: the talker joins a queue, the technician grants. Several may have their turn at once: how many of
  them are heard is a matter of slots (`loudness.py`).
* `OFF`: never.

A turn lasts while the button is held, and `PAUSE` seconds more, so that a conversation needs no new
request for each sentence; `UNUSED` seconds if nothing is said at all; `GRACE` seconds after the page was
lost. It ends at once when the talker withdraws, or the technician denies it or switches the mode off. A
button that is held when a turn ends, the talker is muted or its page is lost must be pressed again: no
microphone comes back on by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.errors import NotFound, TalkFull, TalkMuted, TalkOff, TalkWaiting

GRACE: Final = 15.0
"""Seconds in which a lost page may come back to its turn or its place in the queue."""
PAUSE: Final = 10.0
"""Seconds that a turn outlasts what was said."""
UNUSED: Final = 60.0
"""Seconds in which somebody who has got the floor should begin to speak."""
MAX_TALKERS: Final = 200
"""Talkers remembered at once. Idle ones make room for others."""
MAX_WAITING: Final = 50
"""Places in the queue."""


class TalkMode(StrEnum):
    """How customers get to speak; the values are those of `talk:policy`."""

    OPEN = "open"
    REQUEST = "request"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class FloorState:
    """What everybody in the order may see. Talkers are viewer ids."""

    mode: TalkMode
    granted: tuple[str, ...]
    """Whose turn it is, the longest first."""
    pressing: tuple[str, ...]
    """Those of them who are forwarded now: exactly the talkers with `may_speak`."""
    queue: tuple[str, ...]
    """Who waits for its turn, the longest first."""
    muted: tuple[str, ...]
    """Also of those who are away: the technician's word outlives a reload."""
    muted_all: bool
    """Whether talkers that are yet to come will be muted."""


class Floor:
    """One order's floor. Times are monotonic seconds; `tick` is to be called about once a second.

    A talker is known from its first `ask`, `press`, `stand` or `back` on, and until it has left. What the
    technician does to one who is not known raises NotFound; what a talker itself takes back never raises.
    """

    def __init__(
        self, mode: TalkMode = TalkMode.OPEN, *, talkers: int = MAX_TALKERS, waiting: int = MAX_WAITING
    ) -> None:
        self.version = 0
        """Grows with each change of `state`."""
        self._max_talkers = talkers
        self._max_waiting = waiting
        self._mode = mode
        self._muted_all = False
        self._known: dict[str, None] = {}
        self._queue: dict[str, None] = {}
        self._granted: dict[str, float | None] = {}
        """When the turn ends; None while it is used, and until the next tick sees that it is not."""
        self._buttons: dict[str, set[str]] = {}
        """Those that each of the talkers holds who hold any."""
        self._standing: set[str] = set()
        self._muted: dict[str, None] = {}
        self._gone: dict[str, float] = {}
        """Since when those without a page are away."""
        self._state = self._look()

    def ask(self, talker: str, now: float) -> None:
        """`talk:request`: in OPEN mode its turn begins, in REQUEST mode it joins the queue once.

        Raises:
            TalkOff, TalkMuted, TalkFull: why it cannot.
        """
        with self._changes():
            self._admit(talker, now)
            if self._mode is TalkMode.OPEN:
                self._granted.setdefault(talker, now + UNUSED)
            else:
                self._wait(talker)

    def press(self, talker: str, now: float, button: str = "") -> None:
        """`talk:start`: it is heard from now on, until `release`; each of its pages has a button.

        Raises:
            TalkWaiting: REQUEST mode and not its turn; it is in the queue now.
            TalkOff, TalkMuted, TalkFull: why it cannot.
        """
        with self._changes():
            self._admit(talker, now)
            if self._mode is TalkMode.REQUEST and talker not in self._granted:
                self._wait(talker)
                raise TalkWaiting("the technician has not granted the request yet")
            self._granted[talker] = None
            self._buttons.setdefault(talker, set()).add(button)

    def release(self, talker: str, button: str = "") -> None:
        """`talk:stop`: it is silent, unless another of its buttons is held.

        Its turn stays for `PAUSE` seconds, counted from the next tick.
        """
        with self._changes():
            held = self._buttons.get(talker, set())
            held.discard(button)
            if not held:
                self._buttons.pop(talker, None)

    def stand(self, talker: str, now: float, standing: bool = True) -> None:
        """A plain WHIP session, which has no button, begins or ends: its microphone is always open.

        It is heard whenever it has its turn. As it cannot ask, it is granted or queued by itself: now, when
        it is unmuted and when the mode changes, where there is room in the queue.

        Raises:
            TalkFull: too many talkers are remembered.
        """
        with self._changes():
            if not standing:
                self._standing.discard(talker)
                return
            self._require_room(talker, now)
            self._standing.add(talker)
            self._settle(talker)

    def withdraw(self, talker: str) -> None:
        """It leaves the queue, or gives its turn back."""
        with self._changes():
            self._end(talker)

    def grant(self, talker: str, now: float) -> None:
        """The technician gives it the floor, whether it asked or not.

        Raises:
            NotFound: nobody of that id.
            TalkOff, TalkMuted: it would not be heard all the same.
        """
        self._require_known(talker)
        if self._mode is TalkMode.OFF:
            raise TalkOff("nobody may speak in this mode")
        if talker in self._muted:
            raise TalkMuted("unmute the talker first")
        with self._changes():
            self._queue.pop(talker, None)
            self._granted[talker] = None if self._in_use(talker) else now + UNUSED

    def deny(self, talker: str) -> None:
        """The technician refuses its request, or takes the floor back.

        Raises:
            NotFound: nobody of that id.
        """
        self._require_known(talker)
        with self._changes():
            self._end(talker)

    def mute(self, talker: str, muted: bool = True) -> None:
        """The technician silences it, for as long as the room lives, or lets it be heard again.

        It loses its place in the queue; its turn goes on, as if it had let the button go.

        Raises:
            NotFound: nobody of that id.
        """
        self._require_known(talker)
        with self._changes():
            self._set_muted(talker, muted)

    def mute_all(self, muted: bool = True) -> None:
        """As `mute`, for everybody, also for those who are yet to come."""
        with self._changes():
            self._muted_all = muted
            for talker in self._known:
                self._set_muted(talker, muted)

    def set_mode(self, mode: TalkMode, now: float) -> None:
        """OFF ends all turns and empties the queue; OPEN grants it; with REQUEST only who speaks goes on."""
        if mode is self._mode:
            return
        with self._changes():
            self._mode = mode
            if mode is TalkMode.OFF:
                self._granted.clear()
                self._buttons.clear()
            elif mode is TalkMode.OPEN:
                for talker in self._queue:
                    self._granted[talker] = now + UNUSED
            else:
                self._granted = {t: end for t, end in self._granted.items() if self.may_speak(t)}
            self._queue.clear()
            for talker in self._known:
                self._settle(talker)

    def leave(self, talker: str, now: float) -> None:
        """The last of its connections is lost: it is silent, and has `GRACE` seconds to come back.

        Turn and place in the queue end then; what the technician said about muting it never does.
        """
        if talker not in self._known:
            return
        with self._changes():
            self._buttons.pop(talker, None)
            self._standing.discard(talker)
            self._gone.setdefault(talker, now)
            if self._idle(talker):
                self._forget(talker)

    def back(self, talker: str, now: float) -> None:
        """It connects, for the first time or again. Where there is no room it stays unknown until it asks."""
        with self._changes():
            self._meet(talker, now)

    def tick(self, now: float) -> bool:
        """End the turns that are over, forget who does not come back; True when `state` changed by it."""
        before = self.version
        with self._changes():
            for talker in [t for t, since in self._gone.items() if now - since >= GRACE]:
                self._end(talker)
                if self._idle(talker):
                    self._forget(talker)
            for talker, end in list(self._granted.items()):
                if self._in_use(talker) or talker in self._gone:
                    continue
                if end is None:
                    self._granted[talker] = now + PAUSE
                elif end <= now:
                    del self._granted[talker]
        return self.version != before

    def may_speak(self, talker: str) -> bool:
        """Whether its audio is forwarded now."""
        return talker in self._granted and talker not in self._muted and self._in_use(talker)

    def held(self, talker: str) -> Collection[str]:
        """Which of its buttons it holds."""
        return self._buttons.get(talker, ())

    def state(self) -> FloorState:
        """A snapshot for events and pages; the same object until something changes."""
        return self._state

    def _admit(self, talker: str, now: float) -> None:
        """Raises TalkOff, TalkMuted or TalkFull when it cannot even wait."""
        if self._mode is TalkMode.OFF:
            raise TalkOff("nobody may speak in this mode")
        self._require_room(talker, now)
        if talker in self._muted:
            raise TalkMuted("muted by the technician")

    def _require_room(self, talker: str, now: float) -> None:
        if not self._meet(talker, now):
            raise TalkFull("too many talkers in this order", retry_after=GRACE)

    def _require_known(self, talker: str) -> None:
        if talker not in self._known:
            raise NotFound("no such talker")

    def _meet(self, talker: str, now: float) -> bool:
        """It is here; False when it is new and there is no room for it."""
        if talker in self._known:
            if self._gone.pop(talker, None) is not None and talker in self._granted:
                self._granted[talker] = now + UNUSED
            return True
        if len(self._known) >= self._max_talkers:
            idle = next((other for other in self._known if self._idle(other)), None)
            if idle is None:
                return False
            self._forget(idle)
        self._known[talker] = None
        if self._muted_all:
            self._muted[talker] = None
        return True

    def _wait(self, talker: str) -> None:
        if talker in self._queue or talker in self._granted:
            return
        if len(self._queue) >= self._max_waiting:
            raise TalkFull("the queue is full", retry_after=GRACE)
        self._queue[talker] = None

    def _settle(self, talker: str) -> None:
        """Ask for a talker whose microphone is always open."""
        if talker not in self._standing or talker in self._muted:
            return
        if self._mode is TalkMode.OPEN or talker in self._granted:
            self._granted[talker] = None
        elif self._mode is TalkMode.REQUEST and len(self._queue) < self._max_waiting:
            self._queue[talker] = None

    def _set_muted(self, talker: str, muted: bool) -> None:
        if muted:
            self._muted[talker] = None
            self._buttons.pop(talker, None)
            self._queue.pop(talker, None)
        else:
            self._muted.pop(talker, None)
            self._settle(talker)

    def _end(self, talker: str) -> None:
        self._queue.pop(talker, None)
        self._granted.pop(talker, None)
        self._buttons.pop(talker, None)

    def _in_use(self, talker: str) -> bool:
        return talker in self._buttons or talker in self._standing

    def _idle(self, talker: str) -> bool:
        """Whether forgetting it loses nothing: when it comes again, it is treated the same."""
        bound = talker in self._queue or talker in self._granted or talker in self._standing
        return not bound and (talker in self._muted) == self._muted_all

    def _forget(self, talker: str) -> None:
        del self._known[talker]
        self._muted.pop(talker, None)
        self._gone.pop(talker, None)

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """Whatever is done inside, and also when it ends in a refusal, is seen and counted once."""
        try:
            yield
        finally:
            state = self._look()
            if state != self._state:
                self._state = state
                self.version += 1

    def _look(self) -> FloorState:
        return FloorState(
            mode=self._mode,
            granted=tuple(self._granted),
            pressing=tuple(filter(self.may_speak, self._granted)),
            queue=tuple(self._queue),
            muted=tuple(self._muted),
            muted_all=self._muted_all,
        )

"""Who may speak, after any sequence of what people and time can do."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.errors import NotFound, TalkFull, TalkMuted, TalkOff, TalkWaiting
from gateway.sfu.talk.floor import GRACE, PAUSE, UNUSED, Floor, TalkMode

OPEN, REQUEST, OFF = TalkMode.OPEN, TalkMode.REQUEST, TalkMode.OFF
TALKERS = st.sampled_from("abcdef")
BUTTONS = st.sampled_from(["kitchen", "garden"])
ROOM, PLACES = 4, 2


class FloorMachine(RuleBasedStateMachine):
    """Anything may happen in any order; what was promised holds after each step.

    The technician's word about muting is modelled here: a default, and those it does not hold for.
    """

    @initialize(mode=st.sampled_from(TalkMode))
    def begin(self, mode: TalkMode) -> None:
        self.now = 0.0
        self.floor = Floor(mode, talkers=ROOM, waiting=PLACES)
        self.before = self.floor.state()
        self.version = self.floor.version
        self.muted_all = False
        self.exceptions: set[str] = set()
        self.standing: set[str] = set()
        self.gone: dict[str, float] = {}
        self.held: dict[str, set[str]] = {}

    def muted(self, talker: str) -> bool:
        return (talker in self.exceptions) != self.muted_all

    def here(self, talker: str) -> None:
        self.gone.pop(talker, None)

    @rule(talker=TALKERS)
    def ask(self, talker: str) -> None:
        try:
            self.floor.ask(talker, self.now)
        except TalkOff:
            assert self.before.mode is OFF
            return
        except TalkMuted:
            assert self.muted(talker)
        except TalkFull:
            pass  # a queue that is full keeps nobody from being here
        else:
            state = self.floor.state()
            assert talker in (state.queue if talker not in state.granted else state.granted)
        self.here(talker)

    @rule(talker=TALKERS, button=BUTTONS)
    def press(self, talker: str, button: str) -> None:
        try:
            self.floor.press(talker, self.now, button)
        except TalkOff:
            assert self.before.mode is OFF
            return
        except TalkMuted:
            assert self.muted(talker)
        except TalkWaiting:
            assert talker in self.floor.state().queue
            assert talker not in self.before.granted
        except TalkFull:
            pass
        else:
            assert self.floor.may_speak(talker)
            assert self.before.mode is OPEN or talker in self.before.granted
            self.held.setdefault(talker, set()).add(button)
        self.here(talker)

    @rule(talker=TALKERS)
    def stand(self, talker: str) -> None:
        try:
            self.floor.stand(talker, self.now)
        except TalkFull:
            return
        self.standing.add(talker)
        self.here(talker)

    @rule(talker=TALKERS)
    def sit_down(self, talker: str) -> None:
        self.floor.stand(talker, self.now, standing=False)
        self.standing.discard(talker)

    @rule(talker=TALKERS, button=BUTTONS)
    def release(self, talker: str, button: str) -> None:
        self.floor.release(talker, button)
        buttons = self.held.get(talker, set())
        buttons.discard(button)
        if not buttons:
            self.held.pop(talker, None)

    @rule(talker=TALKERS)
    def withdraw(self, talker: str) -> None:
        self.floor.withdraw(talker)
        self.held.pop(talker, None)

    @rule(talker=TALKERS)
    def grant(self, talker: str) -> None:
        try:
            self.floor.grant(talker, self.now)
        except TalkOff:
            assert self.before.mode is OFF
        except TalkMuted:
            assert self.muted(talker)
        except NotFound:
            assert talker not in self.before.granted + self.before.queue
        else:
            assert talker in self.floor.state().granted

    @rule(talker=TALKERS)
    def deny(self, talker: str) -> None:
        try:
            self.floor.deny(talker)
        except NotFound:
            assert talker not in self.before.granted + self.before.queue
        self.held.pop(talker, None)

    @rule(talker=TALKERS, muted=st.booleans())
    def mute(self, talker: str, muted: bool) -> None:
        try:
            self.floor.mute(talker, muted)
        except NotFound:
            assert talker not in self.before.granted + self.before.queue
            return
        (self.exceptions.add if muted != self.muted_all else self.exceptions.discard)(talker)
        if muted:
            self.held.pop(talker, None)

    @rule(muted=st.booleans())
    def mute_all(self, muted: bool) -> None:
        self.floor.mute_all(muted)
        self.muted_all = muted
        self.exceptions.clear()
        if muted:
            self.held.clear()

    @rule(mode=st.sampled_from(TalkMode))
    def set_mode(self, mode: TalkMode) -> None:
        self.floor.set_mode(mode, self.now)
        assert self.floor.state().mode is mode
        if mode is OFF:
            self.held.clear()

    @rule(talker=TALKERS)
    def leave(self, talker: str) -> None:
        self.floor.leave(talker, self.now)
        self.gone.setdefault(talker, self.now)
        self.held.pop(talker, None)
        self.standing.discard(talker)

    @rule(talker=TALKERS)
    def back(self, talker: str) -> None:
        self.floor.back(talker, self.now)
        self.here(talker)

    @rule(seconds=st.sampled_from([0.5, 1.0, PAUSE, GRACE, UNUSED]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds
        changed = self.floor.tick(self.now)
        assert changed == (self.floor.version > self.version)
        for talker, since in self.gone.items():
            if self.now - since >= GRACE:
                assert talker not in self.floor.state().granted + self.floor.state().queue

    @invariant()
    def what_is_promised_holds(self) -> None:
        self.nobody_speaks_who_must_not()
        self.a_mute_is_never_forgotten()
        self.the_queue_is_first_come_first_served()
        self.nothing_is_twice_and_all_is_bounded()
        self.the_version_grows_just_when_the_state_changes()

    def nobody_speaks_who_must_not(self) -> None:
        state = self.floor.state()
        for talker in "abcdef":
            assert set(self.floor.held(talker)) == self.held.get(talker, set())
            opened = talker in self.held or talker in self.standing
            if state.mode is OFF or self.muted(talker) or talker in self.gone or not opened:
                assert not self.floor.may_speak(talker)
            elif talker in state.granted:
                assert self.floor.may_speak(talker)
        assert state.pressing == tuple(t for t in state.granted if self.floor.may_speak(t))
        assert set(self.held) <= set(state.granted)

    def a_mute_is_never_forgotten(self) -> None:
        muted = set(self.floor.state().muted)
        assert all(self.muted(talker) for talker in muted)
        assert self.muted_all or muted == self.exceptions
        assert self.floor.state().muted_all == self.muted_all

    def the_queue_is_first_come_first_served(self) -> None:
        state = self.floor.state()
        stayed = tuple(t for t in self.before.queue if t in state.queue)
        assert state.queue[: len(stayed)] == stayed
        assert len(state.queue) - len(stayed) <= PLACES
        assert not set(state.queue) & {*state.granted, *state.muted}
        assert state.mode is REQUEST or state.queue == ()
        assert state.mode is not OFF or state.granted == ()

    def nothing_is_twice_and_all_is_bounded(self) -> None:
        state = self.floor.state()
        for names in (state.granted, state.pressing, state.queue, state.muted):
            assert len(names) == len(set(names))
        assert len({*state.granted, *state.queue, *state.muted}) <= ROOM
        assert len(state.queue) <= PLACES

    def the_version_grows_just_when_the_state_changes(self) -> None:
        state = self.floor.state()
        assert self.floor.version == self.version + (state != self.before)
        self.before, self.version = state, self.floor.version


FloorMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestFloorMachine = FloorMachine.TestCase

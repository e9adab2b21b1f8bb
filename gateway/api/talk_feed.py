"""The floor of each order that has pages: who is on it, what is told of it, and that time passes on it.

Knows no Socket.IO: `due` gives the messages whose time has come, `events` sends them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.api import event_schemas as schemas
from gateway.api.listener import Listener
from gateway.api.live_feed import Message, customers_room, staff_room
from gateway.api.presence import Presence
from gateway.clock import Clock
from gateway.sfu.talk.channel import TalkChannel, TalkState
from gateway.sfu.talk.floor import Floor
from gateway.signalling.ports import MediaPlane
from gateway.signalling.sessions import Session, SessionRegistry

TALK_INTERVAL = 0.1
"""Seconds between two `talk:state` of one order."""
TICK = 1.0
"""Seconds between looks at turns that end by themselves."""
KEPT = 60.0
"""Seconds that an order's last page is waited for: while it is away the floor stays as it was."""


@dataclass(slots=True, eq=False)
class _Floor:
    """One order's channel and what was told of it. Instants are monotonic seconds."""

    channel: TalkChannel
    listeners: int = 0
    empty_at: float = 0.0
    told: tuple[schemas.TalkState, ...] = ()
    """By the workshop and by all others."""
    speaker: str | None = None
    dirty: bool = False
    again_at: float = 0.0


class TalkFeed:
    """The messages about all floors that somebody has a page of.

    Their rooms stay, and with them the mode and who is muted. A person leaves the floor with the last of its
    pages and sessions.
    """

    def __init__(
        self, media: MediaPlane, sessions: SessionRegistry, presence: Presence, clock: Clock
    ) -> None:
        self._media = media
        self._sessions = sessions
        self._presence = presence
        self._clock = clock
        self._floors: dict[str, _Floor] = {}
        self._tick_at = 0.0

    def join(self, listener: Listener) -> None:
        """A page comes, which `presence` knows already."""
        floor = self._floors.get(listener.order_id)
        if floor is None:
            channel = self._media.attend_talk(listener.order_id)
            floor = self._floors[listener.order_id] = _Floor(channel)
        floor.listeners += 1
        if listener.talks:
            floor.channel.floor.back(listener.viewer_id, self._clock.monotonic())
            floor.dirty = True

    def leave(self, listener: Listener) -> None:
        """A page is gone, and `presence` knows; the button that it held is let go."""
        floor, now = self._floors[listener.order_id], self._clock.monotonic()
        floor.listeners -= 1
        floor.empty_at = now
        channel = floor.channel
        channel.floor.release(listener.viewer_id, listener.sid)
        if not self._sessions.index.of_person(listener.order_id, listener.grant.subject):
            self._leave_if_gone(channel.floor, listener.order_id, listener.viewer_id)
        channel.route(now)
        floor.dirty = True

    def session_closed(self, session: Session) -> None:
        """A session ended, and with it its person's place on the floor, if it had the microphone."""
        if session.order_id not in self._floors:
            return
        floor = self.channel(session.order_id).floor
        if any(page.talks for page in self._presence.of_person(session.order_id, session.viewer_id)):
            floor.back(session.viewer_id, self._clock.monotonic())
        elif not self._sessions.index.of_person(session.order_id, session.subject):
            self._leave_if_gone(floor, session.order_id, session.viewer_id)
        self.changed(session.order_id)

    def channel(self, order_id: str) -> TalkChannel:
        """The channel of an order that somebody has a page of."""
        return self._floors[order_id].channel

    def meet(self, order_id: str, viewer_id: str) -> None:
        """Let the floor know somebody again whom it forgot for others, while the page is still open."""
        if any(page.talks for page in self._presence.of_person(order_id, viewer_id)):
            self.channel(order_id).floor.back(viewer_id, self._clock.monotonic())

    def changed(self, order_id: str) -> None:
        """Who may speak or who does may have changed, or the room."""
        if (floor := self._floors.get(order_id)) is not None:
            floor.dirty = True

    def snapshot(self, listener: Listener) -> list[Message]:
        """The whole state for one who just came."""
        floor = self._floors[listener.order_id]
        state = floor.channel.state(self._clock.monotonic())
        told = self._state(listener.order_id, floor, state, staff=listener.staff)
        welcome = schemas.TalkWelcome(**dict(told), you=listener.viewer_id)
        return [Message("talk:state", welcome.wire(), listener.sid)]

    def due(self, now: float) -> list[Message]:
        """What is to be sent now."""
        if now >= self._tick_at:
            self._tick_at = now + TICK
            self._tick(now)
        messages: list[Message] = []
        for order_id, floor in self._floors.items():
            if floor.dirty and now >= floor.again_at:
                floor.dirty = False
                messages += self._tell(order_id, floor, now)
        return messages

    def next_due(self) -> float | None:
        """The monotonic instant at which `due` has something again; None while all is said."""
        return min((f.again_at for f in self._floors.values() if f.dirty), default=None)

    def _tick(self, now: float) -> None:
        for order_id, floor in list(self._floors.items()):
            if not floor.listeners and now - floor.empty_at >= KEPT:
                del self._floors[order_id]
                self._media.leave_talk(order_id)
            else:
                floor.channel.route(now)

    def _tell(self, order_id: str, floor: _Floor, now: float) -> list[Message]:
        state = floor.channel.state(now)
        if floor.speaker not in state.speakers:
            floor.speaker = next(iter(state.speakers), None)
        told = tuple(self._state(order_id, floor, state, staff=staff) for staff in (True, False))
        if told == floor.told:
            return []
        floor.told, floor.again_at = told, now + TALK_INTERVAL
        rooms = (staff_room(order_id), customers_room(order_id))
        return [
            Message("talk:state", payload.wire(), room) for payload, room in zip(told, rooms, strict=True)
        ]

    def _state(self, order_id: str, floor: _Floor, state: TalkState, *, staff: bool) -> schemas.TalkState:
        seen, held = state.floor, floor.channel.floor.held
        speaker = floor.speaker if floor.speaker in state.speakers else next(iter(state.speakers), None)
        return schemas.TalkState(
            mode=seen.mode.value,
            speaker=speaker,
            speakers=tuple(
                schemas.Speaker(viewer_id=x, name=self._name(order_id, x, held(x), staff=staff))
                for x in state.speakers
            ),
            queue=tuple(
                schemas.Waiting(viewer_id=x, name=self._name(order_id, x, (), staff=staff))
                for x in seen.queue
            ),
            granted=seen.granted,
            muted=seen.muted,
            muted_all=seen.muted_all,
        )

    def _name(self, order_id: str, viewer_id: str, held: Collection[str], *, staff: bool) -> str:
        """A family on one login is called by the page that holds its button, else by any that says a name."""
        pages = self._presence.of_person(order_id, viewer_id)
        if pages:
            page = min(pages, key=lambda page: (page.sid not in held, not page.chosen_name))
            return page.full_name if staff else page.public_name
        sessions = self._sessions.index.of_viewer(order_id, viewer_id) if staff else ()
        return sessions[0].subject[: schemas.MAX_NAME] if sessions else ""

    def _leave_if_gone(self, floor: Floor, order_id: str, viewer_id: str) -> None:
        if not self._presence.of_person(order_id, viewer_id):
            floor.leave(viewer_id, self._clock.monotonic())

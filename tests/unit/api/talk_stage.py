"""Pages of an order and its floor, on a clock that a test turns."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from gateway.access.grants import Grant, Scope
from gateway.api.listener import Listener
from gateway.api.live_feed import Message
from gateway.api.presence import Presence
from gateway.api.requests import RequestBook
from gateway.api.talk_feed import TALK_INTERVAL, TICK, TalkFeed
from gateway.api.talk_requests import TalkRequests
from gateway.clock import ManualClock
from gateway.sfu.talk.floor import Floor
from tests.signalling_rig import ORDER, Rig, grant, make_rig
from tests.unit.sfu.talk.house import PTIME, VOICE, Talker

ANNA = grant(Scope.WATCH, Scope.TALK, subject="anna")
BORIS = grant(Scope.WATCH, Scope.TALK, subject="boris")
WATCHER = grant(Scope.WATCH, subject="watcher")
TECHNICIAN = grant(Scope.PUBLISH, subject="technician")
ADMIN = grant(Scope.ADMIN, subject="chief", order_id=None)


@dataclass
class Stage:
    """Pages on a clock that a test turns."""

    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self._sids = itertools.count()
        self.rig: Rig = make_rig(clock=self.clock)
        self.presence = Presence()
        self.feed = TalkFeed(self.rig.plane, self.rig.sessions, self.presence, self.clock)
        self.book = RequestBook([TalkRequests(self.feed, self.clock)])
        self.rig.plane.on_talk_change(self.feed.changed)
        self.rig.sessions.on_closed(lambda session, _: self.feed.session_closed(session))

    def enter(self, who: Grant, order_id: str = ORDER, name: str = "") -> Listener:
        viewer_id = self.rig.services.viewer_ids.of(order_id, who.subject)
        sid = f"page-{next(self._sids)}"
        page = Listener(sid, who, order_id, "en", who.expires_at, viewer_id=viewer_id, chosen_name=name)
        self.presence.join(page)
        self.feed.join(page)
        return page

    def leave(self, page: Listener) -> None:
        self.presence.leave(page)
        self.feed.leave(page)

    async def ask(self, page: Listener, event: str, **data: Any) -> Any:
        return await self.book.answer(event, page, data)

    def told(self) -> list[Message]:
        self.clock.advance(TALK_INTERVAL)
        return self.feed.due(self.clock.monotonic())

    def state(self, page: Listener) -> dict[str, Any]:
        return self.feed.snapshot(page)[0].data

    def ruled(self, page: Listener) -> tuple[str, tuple[str, ...]]:
        state = self.state(page)
        return state["mode"], state["muted"]

    def say(self, *pages: Listener) -> None:
        """Their microphones send a voice for a while."""
        channel = self.rig.plane.rooms.room(ORDER).talk
        talkers = [Talker(page.viewer_id) for page in pages]
        for talker in talkers:
            channel.join(talker.name, talker.studio.publisher, self.clock.monotonic(), standing=False)
        for _ in range(5):
            self.clock.advance(PTIME)
            for talker in talkers:
                talker.take(VOICE, self.clock.monotonic())
                channel.heard(talker.name, talker.studio.publisher, self.clock.monotonic(), first=True)

    @property
    def floor(self) -> Floor:
        return self.rig.plane.rooms.room(ORDER).talk.floor

    def wait(self, seconds: float) -> None:
        """Time goes by and is noticed."""
        for _ in range(round(seconds / TICK)):
            self.clock.advance(TICK)
            self.feed.due(self.clock.monotonic())

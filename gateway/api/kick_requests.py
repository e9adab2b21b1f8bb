"""Sending somebody out of an order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from gateway.access.grants import Scope
from gateway.api import event_schemas as schemas
from gateway.api.listener import Listener
from gateway.api.presence import Presence
from gateway.api.requests import Answer, Handler
from gateway.api.talk_feed import TalkFeed
from gateway.clock import Clock
from gateway.errors import Forbidden, NotFound, Unacceptable
from gateway.signalling.sessions import SessionRegistry


class KickRequests:
    """The handler. `dismiss` ends the connection of a page."""

    def __init__(
        self,
        sessions: SessionRegistry,
        presence: Presence,
        talk: TalkFeed,
        clock: Clock,
        dismiss: Callable[[Listener], None],
    ) -> None:
        self._sessions = sessions
        self._presence = presence
        self._talk = talk
        self._clock = clock
        self._dismiss = dismiss
        self.handlers: Mapping[str, Handler] = {"viewer:kick": self._kick}

    async def _kick(self, listener: Listener, data: schemas.ViewerNamed) -> Answer:
        """End somebody's sessions and connections; no new ones for a while.

        A technician sends customers out, an administrator technicians as well, nobody an administrator.
        """
        order_id, viewer_id = listener.order_id, data.viewer_id
        listener.grant.require(Scope.PUBLISH, order_id)
        if viewer_id == listener.viewer_id:
            raise Unacceptable("nobody sends oneself out")
        subject = self._subject(listener, viewer_id)
        channel = self._talk.channel(order_id)
        with contextlib.suppress(NotFound):
            channel.floor.deny(viewer_id)
        channel.route(self._clock.monotonic())
        self._sessions.kick(order_id, subject)
        for page in tuple(self._presence.of_person(order_id, viewer_id)):
            self._dismiss(page)
        return None

    def _subject(self, listener: Listener, viewer_id: str) -> str:
        """Who it is. Raises NotFound; Forbidden for one of the workshop."""
        pages = self._presence.of_person(listener.order_id, viewer_id)
        sessions = self._sessions.index.of_viewer(listener.order_id, viewer_id)
        if not pages and not sessions:
            raise NotFound("no such viewer")
        admin = any(page.grant.is_admin for page in pages) or any(x.admin for x in sessions)
        staff = any(page.staff for page in pages) or any(x.staff for x in sessions)
        if admin or (staff and not listener.grant.is_admin):
            raise Forbidden("one of the workshop")
        return pages[0].grant.subject if pages else sessions[0].subject

"""Chat and markers as pages write and read them.

What a page gets when it comes is read from the database once, and again only after something was added: a
crowd that comes back at once costs one query, and so does a page that asks again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from gateway.access.conversation import Conversations
from gateway.access.grants import Scope
from gateway.access.records import Author, AuthorRole
from gateway.access.records import ChatMessage as Said
from gateway.access.records import Marker as Marked
from gateway.api import event_schemas as schemas
from gateway.api.listener import Listener
from gateway.api.live_feed import Message, order_room
from gateway.api.rate_limit import RateLimiter
from gateway.api.requests import Answer, Handler
from gateway.clock import Clock
from gateway.errors import Forbidden, GatewayError
from gateway.log import get_logger

log = get_logger("gateway.api.conversation")


class ConversationFeed:
    """The handlers, by event, and the state for who comes. `push` sends a message soon."""

    def __init__(self, conversations: Conversations, clock: Clock, push: Callable[[Message], None]) -> None:
        self._conversations = conversations
        self._push = push
        self._limit = RateLimiter(clock=clock, rate=1.0, burst=10.0)
        self._known: dict[str, tuple[schemas.ChatHistory, schemas.Markers]] = {}
        self._loading = asyncio.Lock()
        self._additions = 0
        self.handlers: Mapping[str, Handler] = {"chat:send": self._say, "marker:add": self._mark}

    async def snapshot(self, order_id: str, room: str) -> list[Message]:
        """What was said and marked; nothing while the database cannot tell."""
        try:
            history, markers = await self._read(order_id)
        except GatewayError as error:
            log.warning("cannot read a conversation", code=error.code)
            return []
        return [Message("chat:history", history.wire(), room), Message("markers", markers.wire(), room)]

    def forget(self, order_id: str) -> None:
        """Nobody listens any more."""
        self._known.pop(order_id, None)

    async def _read(self, order_id: str) -> tuple[schemas.ChatHistory, schemas.Markers]:
        async with self._loading:
            known = self._known.get(order_id)
            if known is not None:
                return known
            before = self._additions
            messages = await self._conversations.history(order_id)
            markers = await self._conversations.markers(order_id)
            known = (
                schemas.ChatHistory(messages=tuple(map(_message, messages))),
                schemas.Markers(markers=tuple(map(_marker, markers))),
            )
            if before == self._additions:  # else something may be missing
                self._known[order_id] = known
            return known

    async def _say(self, listener: Listener, data: schemas.ChatSend) -> Answer:
        """Say something to everybody in the order. Raises as `Conversations.say`."""
        if not (listener.staff or listener.talks):
            raise Forbidden("the token does not allow to speak here")
        self._limit.take(listener.viewer_id)
        author = Author(listener.viewer_id, listener.public_name, AuthorRole(listener.role))
        message = _message(await self._conversations.say(listener.order_id, author, data.text))
        self._added(listener.order_id, "chat:message", message)
        return message

    async def _mark(self, listener: Listener, data: schemas.MarkerAdd) -> Answer:
        """Note something at this moment. Raises as `Conversations.mark`."""
        listener.grant.require(Scope.PUBLISH, listener.order_id)
        self._limit.take(listener.viewer_id)
        marker = _marker(await self._conversations.mark(listener.order_id, listener.public_name, data.label))
        self._added(listener.order_id, "marker", marker)
        return marker

    def _added(self, order_id: str, event: str, what: schemas.Schema) -> None:
        self._additions += 1
        self.forget(order_id)
        self._push(Message(event, what.wire(), order_room(order_id)))


def _message(said: Said) -> schemas.ChatMessage:
    author = schemas.Author(viewer_id=said.author_id, name=said.author_name, role=said.role.value)
    return schemas.ChatMessage(id=said.id, at=said.at * 1000.0, author=author, text=said.text)


def _marker(marked: Marked) -> schemas.Marker:
    return schemas.Marker(id=marked.id, at=marked.at * 1000.0, label=marked.label, by=marked.author_name)

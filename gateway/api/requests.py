"""What a page may ask for: an event's name, the schema of its payload, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from gateway.api.event_schemas import Schema, parse
from gateway.api.event_table import CLIENT_EVENTS
from gateway.api.listener import Listener

Answer = Schema | None
"""What an acknowledgement says beside `ok`."""
Handler = Callable[[Listener, Any], Awaitable[Answer]]
"""Takes a payload of its event's schema. Raises a GatewayError where it refuses."""


class Requests(Protocol):
    """Some of the events, by name."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Who answers."""
        ...


class RequestBook:
    """All events that a page may send."""

    def __init__(self, chapters: Iterable[Requests]) -> None:
        self._handlers: dict[str, Handler] = {}
        for chapter in chapters:
            self._handlers.update(chapter.handlers)

    def __contains__(self, event: str) -> bool:
        return event in self._handlers

    def names(self) -> frozenset[str]:
        """The events that somebody answers."""
        return frozenset(self._handlers)

    async def answer(self, event: str, listener: Listener, data: object) -> dict[str, Any]:
        """What the acknowledgement says beside `ok`. Raises Malformed, and whatever the handler raises."""
        answer = await self._handlers[event](listener, parse(CLIENT_EVENTS[event][0], data))
        return answer.wire() if answer is not None else {}

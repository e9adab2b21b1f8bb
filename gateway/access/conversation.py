"""What is said and marked while a repair is shown; kept with the order.

Texts come from people's keyboards and clipboards: what would not show, or would turn the lines around it,
is taken out rather than refused, since nobody could find it in what they typed.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence

from gateway.access.orders import Orders
from gateway.access.ports import ConversationRepository
from gateway.access.records import Author, ChatMessage, Marker
from gateway.clock import Clock
from gateway.errors import ConversationFull, Malformed, TooLarge

MAX_TEXT = 1_000
MAX_LABEL = 120
MAX_NAME = 120
"""Characters (code points) of a message, of a marker's label and of a name."""
MAX_MESSAGES = 10_000
MAX_MARKERS = 1_000
"""Rows kept for one order. Several processes that write at the same moment may exceed it by one each."""
HISTORY = 50
"""Messages that a page gets when it opens."""

_REORDERING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Bidirectional classes (UAX #9) whose effect would reach beyond the text that bears them."""
_LINE_ENDS = str.maketrans({"\r": "\n", "\v": "\n", "\f": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n"})


class Conversations:
    """Keeps and tells chat messages and markers. Whether somebody may speak is decided by the caller."""

    def __init__(self, repository: ConversationRepository, orders: Orders, clock: Clock) -> None:
        self._repository = repository
        self._orders = orders
        self._clock = clock

    async def say(self, order_id: str, author: Author, text: str) -> ChatMessage:
        """Keep a message, stripped of what does not show.

        Raises NotFound for an unknown order, Malformed for a text that shows nothing, TooLarge beyond
        MAX_TEXT, ConversationFull when the order holds MAX_MESSAGES.
        """
        said = _bounded(_visible(text).strip(), MAX_TEXT)
        await self._orders.get(order_id)
        message = ChatMessage(
            id=str(uuid.uuid4()),
            order_id=order_id,
            at=self._clock.time(),
            author_id=author.id,
            author_name=_name(author.name),
            role=author.role,
            text=said,
        )
        if not await self._repository.add_message(message, MAX_MESSAGES):
            raise ConversationFull(f"an order keeps {MAX_MESSAGES} messages")
        return message

    async def mark(self, order_id: str, author_name: str, label: str) -> Marker:
        """Keep a marker at this moment; its label becomes one line. Raises as `say`."""
        line = _bounded(_line(label), MAX_LABEL)
        await self._orders.get(order_id)
        marker = Marker(str(uuid.uuid4()), order_id, self._clock.time(), line, _name(author_name))
        if not await self._repository.add_marker(marker, MAX_MARKERS):
            raise ConversationFull(f"an order keeps {MAX_MARKERS} markers")
        return marker

    async def history(
        self, order_id: str, limit: int = HISTORY, before: str | None = None
    ) -> Sequence[ChatMessage]:
        """The newest `limit` messages, or those just before the message `before`; oldest first.

        Raises NotFound for an unknown order.
        """
        await self._orders.get(order_id)
        return await self._repository.messages(order_id, limit, before)

    async def markers(self, order_id: str) -> Sequence[Marker]:
        """All markers of an order, oldest first. Raises NotFound for an unknown order."""
        await self._orders.get(order_id)
        return await self._repository.markers(order_id)


def _visible(text: str) -> str:
    """Without control characters but line ends, without halves of characters, reading one way."""
    lines = text.replace("\r\n", "\n").translate(_LINE_ENDS).replace("\t", " ")
    return "".join(char for char in lines if char == "\n" or _shows(char))


def _shows(char: str) -> bool:
    return (
        unicodedata.category(char) not in {"Cc", "Cs"} and unicodedata.bidirectional(char) not in _REORDERING
    )


def _line(text: str) -> str:
    return " ".join(_visible(text).split())


def _bounded(text: str, most: int) -> str:
    if not any(char.isprintable() and not char.isspace() for char in text):
        raise Malformed("there is nothing to be seen in the text")
    if len(text) > most:
        raise TooLarge(f"a text has {most} characters at most")
    return text


def _name(name: str) -> str:
    """A token's subject may be anything; a message is not lost for it."""
    return _line(name)[:MAX_NAME]

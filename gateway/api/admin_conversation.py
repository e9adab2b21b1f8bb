"""/api/admin/orders/{orderId}/conversation: what was said and marked in an order, for the shop's reception.

The objects are those of the live events `chat:message` and `marker`; instants are Unix milliseconds.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.access.conversation import HISTORY
from gateway.access.records import ChatMessage, Marker
from gateway.api.auth import require_admin
from gateway.api.services import Services
from gateway.errors import Malformed

MOST_AT_ONCE = 200
"""Messages in one answer: the loop that encodes it forwards packets as well."""
_PRIVATE = {"Cache-Control": "no-store"}


def routes(services: Services) -> list[web.RouteDef]:
    """The routes of this resource."""
    return [web.get("/api/admin/orders/{order_id}/conversation", AdminConversation(services).read)]


class AdminConversation:
    """The handler. Domain errors pass through to the middleware."""

    def __init__(self, services: Services) -> None:
        self._conversations = services.conversations

    async def read(self, request: web.Request) -> web.Response:
        """The newest messages, or those before the message `before`, and all markers.

        Raises NotFound for an unknown order, Malformed for an impossible `limit`.
        """
        await require_admin(request)
        order_id = request.match_info["order_id"]
        messages = await self._conversations.history(order_id, _limit(request), request.query.get("before"))
        markers = await self._conversations.markers(order_id)
        document = {
            "orderId": order_id,
            "messages": [message_document(message) for message in messages],
            "markers": [marker_document(marker) for marker in markers],
        }
        return web.json_response(document, headers=_PRIVATE)


def message_document(message: ChatMessage) -> dict[str, Any]:
    """A message as clients are told of it."""
    author = {"viewerId": message.author_id, "name": message.author_name, "role": message.role.value}
    return {"id": message.id, "at": round(message.at * 1000), "from": author, "text": message.text}


def marker_document(marker: Marker) -> dict[str, Any]:
    """A marker as clients are told of it."""
    return {
        "id": marker.id,
        "at": round(marker.at * 1000),
        "label": marker.label,
        "by": marker.author_name,
    }


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(HISTORY))
    # No more digits than the greatest limit has: a number of any length is slow to read.
    limit = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_AT_ONCE)) else 0
    if not 1 <= limit <= MOST_AT_ONCE:
        raise Malformed(f"limit is a number from 1 to {MOST_AT_ONCE}")
    return limit

"""POST /whip/{order}[/{camera}]: publish (RFC 9725)."""

from __future__ import annotations

from aiohttp import web

from gateway.api.auth import require_grant
from gateway.api.endpoint import created, empty, endpoint_of, limit_offers, options, read_offer
from gateway.api.services import SERVICES


def routes() -> list[web.RouteDef]:
    """The endpoint's routes, with and without a camera."""
    return [
        route
        for path in ("/whip/{order_id}", "/whip/{order_id}/{camera}")
        for route in (
            web.post(path, publish),
            web.options(path, options),
            web.get(path, empty),  # aiohttp adds HEAD
        )
    ]


async def publish(request: web.Request) -> web.Response:
    """Open a publisher's session."""
    whip = request.app[SERVICES].whip
    limit_offers(request)
    grant = require_grant(request)
    whip.authorize(grant, *endpoint_of(request))
    return created(await whip.publish(await read_offer(request, grant)))

"""POST /whep/{order}[/{camera}]: watch (draft-ietf-wish-whep-03)."""

from __future__ import annotations

from aiohttp import web

from gateway.api import whep_extensions
from gateway.api.auth import require_grant
from gateway.api.endpoint import SDP, created, empty, endpoint_of, limit_offers, options, read_offer
from gateway.api.services import SERVICES


def routes() -> list[web.RouteDef]:
    """The endpoint's routes, with and without a camera."""
    return [
        route
        for path in ("/whep/{order_id}", "/whep/{order_id}/{camera}")
        for route in (
            web.post(path, play),
            web.options(path, options),
            web.get(path, empty, allow_head=False),
            web.head(path, describe),
        )
    ]


async def play(request: web.Request) -> web.Response:
    """Open a viewer's session; the Link fields tell its ICE servers, then its extensions."""
    whep = request.app[SERVICES].whep
    limit_offers(request)
    grant = require_grant(request)
    whep.authorize(grant, *endpoint_of(request))
    answer = await whep.play(await read_offer(request, grant))
    response = created(answer)
    for link in whep_extensions.links(answer.session_id):
        response.headers.add("Link", link)
    return response


async def describe(request: web.Request) -> web.Response:
    """HEAD tells players that this is a WHEP endpoint."""
    return web.Response(status=200, content_type=SDP, headers={"Accept-Post": SDP})

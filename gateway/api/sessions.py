"""/sessions/{id}: the resource behind `Location`, for publishers and viewers alike."""

from __future__ import annotations

from aiohttp import web

from gateway.access.grants import Grant
from gateway.api.auth import client_address, optional_grant
from gateway.api.body import MAX_FRAGMENT, read_text, require_type
from gateway.api.endpoint import FRAGMENT, LIMITS
from gateway.api.services import SERVICES
from gateway.signalling.messages import PatchRequest

PATH = "/sessions/{session_id}"


def routes() -> list[web.RouteDef]:
    """The resource's routes."""
    return [
        web.patch(PATH, patch),
        web.delete(PATH, delete),
        web.get(PATH, exists),  # aiohttp adds HEAD
        web.options(PATH, options),
    ]


async def patch(request: web.Request) -> web.Response:
    """Trickle → 204; ICE restart → 200 with our fragment and a new ETag."""
    session_id = request.match_info["session_id"]
    grant = enter(request, session_id)
    resource = request.app[SERVICES].resource
    resource.find(session_id, grant)
    require_type(request, FRAGMENT)
    result = resource.patch(
        PatchRequest(
            session_id=session_id,
            fragment=await read_text(request, MAX_FRAGMENT),
            if_match=request.headers.get("If-Match"),
            grant=grant,
        )
    )
    if result.restart is None or result.etag is None:
        return web.Response(status=204)
    return web.Response(
        status=200,
        body=result.restart.encode(),
        content_type=FRAGMENT,
        headers={"ETag": result.etag, "Cache-Control": "no-store"},
    )


async def delete(request: web.Request) -> web.Response:
    """End the session."""
    session_id = request.match_info["session_id"]
    grant = enter(request, session_id)
    request.app[SERVICES].resource.delete(session_id, grant)
    return web.Response(status=200)


async def exists(request: web.Request) -> web.Response:
    """204 while the session lives, 404 afterwards."""
    session_id = request.match_info["session_id"]
    grant = enter(request, session_id)
    request.app[SERVICES].resource.find(session_id, grant)
    return web.Response(status=204)


async def options(request: web.Request) -> web.Response:
    """Preflights are answered whether or not the session lives."""
    return web.Response(
        status=200, headers={"Accept-Patch": FRAGMENT, "Allow": "OPTIONS, GET, HEAD, PATCH, DELETE"}
    )


def enter(request: web.Request, resource_id: str) -> Grant | None:
    """Rate limits, then the token if one was sent: the URL alone is enough to act on what it names.

    Raises:
        RateLimited: the caller's address, or this resource, is asked too often.
        Unauthenticated: a token that is invalid or has expired.
    """
    limits = request.app[LIMITS]
    limits.changes.take(client_address(request))
    limits.session.take(resource_id)
    return optional_grant(request)

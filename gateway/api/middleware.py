"""What every request passes: an id, a log line, problem documents instead of error pages, CORS.

Headers are added when a response is about to be sent, so that errors carry them as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.api.endpoint import FRAGMENT, SDP
from gateway.api.errors import http_problem, problem, problem_response
from gateway.api.services import SERVICES
from gateway.errors import GatewayError
from gateway.log import get_logger

REQUEST_ID = web.RequestKey("request_id", str)
_STARTED = web.RequestKey("started", float)

SESSION_METHODS = "OPTIONS, GET, HEAD, POST, PATCH, DELETE"
_API_METHODS = "OPTIONS, GET, HEAD, POST, PATCH, DELETE"
_SESSION_PATHS = ("/whip/", "/whep/", "/sessions/")
_QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/socket.io/"})
"""Asked by machines every few seconds; logged only when something is wrong."""

_SESSION_CORS: Mapping[str, str] = {
    # No cookie opens or ends a session, so any page may ask: the token is what counts.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": SESSION_METHODS,
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, ETag",
    "Access-Control-Expose-Headers": (
        "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After, WWW-Authenticate, "
        "Access-Control-Allow-Methods"
    ),
    "Access-Control-Max-Age": "7200",
}
_SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    # A shop's site may hand a token over in the query: it must not travel on.
    "Referrer-Policy": "no-referrer",
}

log = get_logger("gateway.api")


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into a problem document; nothing of a traceback reaches a client."""
    request[REQUEST_ID] = secrets.token_hex(8)
    request[_STARTED] = request.app[SERVICES].clock.monotonic()
    accept_language = request.headers.get(hdrs.ACCEPT_LANGUAGE)
    try:
        response = await handler(request)
    except GatewayError as error:
        response = problem_response(error, accept_language)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        response = http_problem(_missing(error), accept_language)
    except Exception:
        request.app[SERVICES].drops["api_internal_error"] += 1
        log.exception("request failed", request_id=request[REQUEST_ID], route=_route(request))
        response = problem(
            500, "internal", detail=f"request {request[REQUEST_ID]}", accept_language=accept_language
        )
    _log(request, response.status)
    return response


def _missing(error: web.HTTPException) -> web.HTTPException:
    """A 404 where only preflights are answered: they are everywhere under /api, even where nothing is."""
    if isinstance(error, web.HTTPMethodNotAllowed) and error.allowed_methods == {hdrs.METH_OPTIONS}:
        return web.HTTPNotFound()
    return error


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete a response's headers just before they are sent."""
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)
    if (request_id := request.get(REQUEST_ID)) is not None:
        response.headers["X-Request-Id"] = request_id
    if request.path.startswith(_SESSION_PATHS):
        response.headers.update(_SESSION_CORS)
        if response.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            response.headers.update(_accepted(request))
    elif request.path.startswith("/api/"):
        _add_api_cors(request, response)


def _accepted(request: web.Request) -> Mapping[str, str]:
    """What a 415 says to the method that met it (RFC 9110 section 15.5.16)."""
    if request.method == hdrs.METH_PATCH:
        return {"Accept-Patch": FRAGMENT}
    return {"Accept-Post": "application/json" if request.path.startswith("/sessions/") else SDP}


def _add_api_cors(request: web.Request, response: web.StreamResponse) -> None:
    """Pages of the configured origins may call the API; it takes tokens, never cookies, across origins."""
    response.headers.add(hdrs.VARY, hdrs.ORIGIN)
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or not origin_allowed(origin, request.app[SERVICES].settings.origins):
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Methods"] = _API_METHODS
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Accept-Language"
    response.headers["Access-Control-Expose-Headers"] = "Retry-After, WWW-Authenticate"
    response.headers["Access-Control-Max-Age"] = "7200"


def origin_allowed(origin: str, allowed: Collection[str]) -> bool:
    """Whether a page of `origin` may call us."""
    return "*" in allowed or origin.lower() in allowed


async def api_preflight(request: web.Request) -> web.Response:
    """OPTIONS on /api/*: never asks for a token (browsers send none)."""
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _log(request: web.Request, status: int) -> None:
    """One line a request; the route's pattern, since real paths hold capabilities and queries tokens."""
    if status < HTTPStatus.BAD_REQUEST and request.path in _QUIET_PATHS:
        return
    elapsed = request.app[SERVICES].clock.monotonic() - request[_STARTED]
    level = log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else log.info
    level(
        "request",
        method=request.method,
        route=_route(request),
        status=status,
        ms=round(elapsed * 1000, 1),
        request_id=request[REQUEST_ID],
    )


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"

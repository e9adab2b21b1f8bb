"""Who is asking: the Bearer token of a request, and the address behind our own proxies."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.access.grants import Grant, Scope
from gateway.api.services import SERVICES
from gateway.errors import Unauthenticated

_BEARER = re.compile(r"\s*(?:bearer\s+)+([^\s,]+)\s*", re.IGNORECASE)
"""People paste "Bearer abc" into a field that adds "Bearer" itself, hence the repetition."""
_LONGEST_TOKEN = 4_096


def bearer_token(authorization: str | None) -> str | None:
    """The token of an Authorization value; None when there is no such header.

    Raises:
        Unauthenticated: a header that bears no token.
    """
    if authorization is None:
        return None
    match = _BEARER.fullmatch(authorization) if len(authorization) <= _LONGEST_TOKEN else None
    if match is None:
        raise Unauthenticated("the Authorization header holds no bearer token")
    return match[1]


def optional_grant(request: web.Request) -> Grant | None:
    """The caller's grant, None without a token.

    Raises:
        Unauthenticated: a token that is invalid or has expired.
    """
    token = bearer_token(request.headers.get("Authorization"))
    return None if token is None else request.app[SERVICES].tokens.verify(token)


def require_grant(request: web.Request) -> Grant:
    """The caller's grant.

    Raises:
        Unauthenticated: no token, or one that is invalid or has expired.
    """
    grant = optional_grant(request)
    if grant is None:
        raise Unauthenticated("a bearer token is needed")
    return grant


async def require_admin(request: web.Request) -> None:
    """Let only those pass who may see every order.

    Raises:
        Unauthenticated: as `require_grant`, or the access behind the token has ended.
        Forbidden: a token of a lesser scope.
    """
    grant = require_grant(request)
    grant.require(Scope.ADMIN, None)
    await request.app[SERVICES].accesses.require_alive(grant)


def client_address(request: web.Request) -> str:
    """The caller's IP address; behind trusted proxies the last hop that is not one of them."""
    trusted = request.app[SERVICES].settings.trusted_proxies
    address = request.remote or ""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while address in trusted and hops:
        address = hops.pop()
    return address

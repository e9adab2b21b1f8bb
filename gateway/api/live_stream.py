"""/api/live-stream: what the shop's site and the viewer page call (the seed's routes, and renewal)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import web

from gateway.access.grants import Grant, Scope
from gateway.access.live_access import AuthenticatedAccess
from gateway.access.timestamps import iso
from gateway.api.auth import bearer_token, client_address, require_grant
from gateway.api.body import read_json
from gateway.api.errors import problem_response
from gateway.api.services import Services
from gateway.errors import Forbidden, Malformed, Unauthenticated

DEFAULT_CAMERA = "main"
TALK = "talk"
MAX_BODY = 4096
MAX_TEXT = 200
_PRIVATE = {"Cache-Control": "no-store"}


def routes(services: Services) -> list[web.RouteDef]:
    """The routes of this resource."""
    api = LiveStreamApi(services)
    return [
        web.post("/api/live-stream/authenticate", api.authenticate),
        web.get("/api/live-stream/validate-token", api.validate_token),
        web.get("/api/live-stream/url", api.url),
        web.post("/api/live-stream/renew", api.renew),
    ]


class LiveStreamApi:
    """The handlers. Domain errors pass through to the middleware."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def authenticate(self, request: web.Request) -> web.Response:
        """Login and password for a token. `expiresAt` is the access's end, as in the seed."""
        body = await read_json(request, MAX_BODY)
        access = await self._services.accesses.authenticate(
            _text(body, "login"), _text(body, "password"), client_address(request)
        )
        urls = self._urls(access.order_id, DEFAULT_CAMERA)
        if access.stream_url:
            urls["streamUrl"] = access.stream_url
        return _answer(
            {
                **_token(access),
                "expiresAt": iso(access.access_expires_at),
                "streamUrl": urls["streamUrl"],
                "whepUrl": urls["whepUrl"],
                "hlsUrl": urls["hlsUrl"],
            }
        )

    async def validate_token(self, request: web.Request) -> web.Response:
        """Whether the bearer's token would be accepted now, and what it says."""
        try:
            token = bearer_token(request.headers.get("Authorization"))
            if token is None:
                raise Unauthenticated("a bearer token is needed")
            payload = self._services.tokens.claims(token)
            await self._services.accesses.require_alive(self._services.tokens.verify(token))
        except Unauthenticated as error:
            refused = problem_response(error, request.headers.get("Accept-Language"))
            refused.text = json.dumps({**json.loads(refused.text or "{}"), "valid": False})
            return refused
        return _answer({"valid": True, "payload": payload})

    async def url(self, request: web.Request) -> web.Response:
        """Where to watch and to talk, and whether somebody broadcasts now."""
        grant = require_grant(request)
        await self._services.accesses.require_alive(grant)
        order_id = request.query.get("orderId") or grant.order_id
        if order_id is None:
            raise Malformed("orderId is missing")
        if not any(grant.allows(scope, order_id) for scope in Scope):
            raise Forbidden("the token belongs to another order")
        order = await self._services.orders.get(order_id)
        camera = grant.camera or DEFAULT_CAMERA
        return _answer(
            {
                **self._urls(order.id, camera),
                "iceServers": [s.as_dict() for s in self._services.ice_servers.issue(grant.subject)],
                "live": self._services.media.published(order.id, camera) is not None,
            }
        )

    async def renew(self, request: web.Request) -> web.Response:
        """A fresh token; the bearer's sessions live on with it. `expiresAt` is the new token's end."""
        grant: Grant = require_grant(request)
        access = await self._services.accesses.renew(grant)
        self._services.sessions.renew(
            subject=grant.subject, stream_id=grant.stream_id, expires_at=access.token_expires_at
        )
        return _answer({**_token(access), "expiresAt": iso(access.token_expires_at)})

    def _urls(self, order_id: str, camera: str) -> dict[str, str]:
        """Absolute, since the shop's site lives elsewhere. `streamUrl` is what it hands to hls.js."""
        base = self._services.settings.public_url
        order = quote(order_id, safe="")
        hls = f"{base}/hls/{order}/{quote(camera, safe='')}/index.m3u8"
        whep = f"{base}/whep/{order}"
        return {
            "streamUrl": hls,
            "whepUrl": whep if camera == DEFAULT_CAMERA else f"{whep}/{quote(camera, safe='')}",
            "hlsUrl": hls,
            "talkUrl": f"{base}/whip/{order}/{TALK}",
        }


def _token(access: AuthenticatedAccess) -> dict[str, str]:
    return {
        "token": access.token,
        "tokenExpiresAt": iso(access.token_expires_at),
        "orderId": access.order_id,
    }


def _answer(document: Mapping[str, Any]) -> web.Response:
    return web.json_response(document, headers=_PRIVATE)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value) > MAX_TEXT:
        raise Malformed(f"{name} must be a text of 1 to {MAX_TEXT} characters")
    return value

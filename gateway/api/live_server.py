"""Serves `/socket.io/`: who may connect, how large a message may be, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import socketio
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api.auth import client_address
from gateway.api.events import NAMESPACE, LiveEvents
from gateway.api.library_log import library_logger
from gateway.api.middleware import origin_allowed
from gateway.api.rate_limit import RateLimiter
from gateway.api.services import Services
from gateway.errors import TooLarge

SOCKET_PATH = "/socket.io/"
MAX_MESSAGE = 96 * 1024
"""Bytes of one message, which may be an offer of 64 KB."""
_GOODBYE = 2.0
"""Seconds that all listeners together have to be told of the end."""


def _may_connect(origin: str | None, environ: Mapping[str, Any], services: Services) -> bool:
    """Our own pages, under whatever name the gateway was reached, and those of the configured origins."""
    if origin is None:
        return False  # asked for the headers of a request that is from no page
    own = f"//{environ.get('HTTP_HOST')}"
    return origin.partition(":")[2] == own or origin_allowed(origin, services.settings.origins)


def attach(app: web.Application, services: Services) -> None:
    """Serve `/socket.io/` from `app`; the sending task lives as long as the application."""
    server = socketio.AsyncServer(
        async_mode="aiohttp",
        cors_allowed_origins=lambda origin, environ: _may_connect(origin, environ, services),
        cors_credentials=False,
        max_http_buffer_size=MAX_MESSAGE,
        namespaces=[NAMESPACE],
        logger=library_logger("gateway.socketio", services.drops, "live_malformed"),
        engineio_logger=library_logger("gateway.engineio", services.drops, "live_malformed"),
    )
    server.attach(app)
    handshakes = RateLimiter(clock=services.clock, rate=20.0, burst=200.0)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Before the library: it keeps a task for each handshake, and a request that is too large waiting."""
        if request.path == SOCKET_PATH:
            if "sid" not in request.query:
                handshakes.take(client_address(request))
            if (request.content_length or 0) > MAX_MESSAGE:
                raise TooLarge(f"at most {MAX_MESSAGE} bytes")
        return await handler(request)

    app.middlewares.append(guard)
    events = LiveEvents(server, services)

    async def sending(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(events.run(), name="live-events")
        yield
        task.cancel()
        await asyncio.wait((task,))
        await server.shutdown()

    async def hang_up(_: web.Application) -> None:
        """Before aiohttp waits for open requests: a WebSocket would keep it waiting to its deadline."""
        goodbyes = [asyncio.create_task(server.eio.disconnect(sid)) for sid in tuple(server.eio.sockets)]
        if goodbyes:
            late = (await asyncio.wait(goodbyes, timeout=_GOODBYE))[1]
            for task in late:
                task.cancel()

    app.cleanup_ctx.append(sending)
    app.on_shutdown.append(hang_up)

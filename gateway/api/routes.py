"""Composes the web application: every route, in one list."""

from __future__ import annotations

from aiohttp import web

from gateway.api import (
    admin_conversation,
    admin_streams,
    live_server,
    live_stream,
    middleware,
    ops,
    pages,
    sessions,
    whep,
    whep_extensions,
    whip,
)
from gateway.api.endpoint import LIMITS, Limits
from gateway.api.services import SERVICES, Services

_LARGEST_BODY = 128 * 1024


def create_app(services: Services) -> web.Application:
    """The HTTP and Socket.IO surface. It starts and stops nothing of `services`."""
    app = web.Application(middlewares=[middleware.answer_errors], client_max_size=_LARGEST_BODY)
    app[SERVICES] = services
    app[LIMITS] = Limits(services)
    app.on_response_prepare.append(middleware.add_headers)
    app.add_routes(
        [
            *whip.routes(),
            *whep.routes(),
            *sessions.routes(),
            *live_stream.routes(services),
            *admin_streams.routes(services),
            *admin_conversation.routes(services),
            *ops.routes(),
            *pages.routes(),
            web.options("/api/{tail:.*}", middleware.api_preflight),
        ]
    )
    live_server.attach(app, services)
    whep_extensions.attach(app, services)
    return app

"""What operators' machines ask: alive, ready, metrics."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import exposition

from gateway.api.services import SERVICES
from gateway.errors import Unavailable
from gateway.signalling.sessions import RETRY_DRAINING


def routes() -> list[web.RouteDef]:
    """Probes and metrics."""
    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]


async def healthz(request: web.Request) -> web.Response:
    """The process runs and its loop turns."""
    return web.json_response({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def readyz(request: web.Request) -> web.Response:
    """200 when new sessions are welcome, 503 while draining or not yet ready."""
    services = request.app[SERVICES]
    if services.sessions.draining:
        raise Unavailable("draining", retry_after=RETRY_DRAINING)
    if not services.ready():
        raise Unavailable("starting", retry_after=1.0)
    return web.json_response({"status": "ready"}, headers={"Cache-Control": "no-store"})


async def metrics(request: web.Request) -> web.Response:
    """Prometheus text format, or OpenMetrics where asked for."""
    try:
        encode, content_type = exposition.choose_encoder(request.headers.get("Accept", ""))
    except (TypeError, ValueError):  # a version that is no number
        encode, content_type = exposition.choose_encoder("")
    return web.Response(body=encode(request.app[SERVICES].metrics), headers={"Content-Type": content_type})

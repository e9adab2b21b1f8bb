"""/api/admin/streams: what is live now and how it arrives, for the shop's reception.

Rates are in bits per second, times in seconds, instants in Unix seconds, as in the live events. Session ids
are capabilities and stay here; a viewer is known by a public id and by the name in its token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from gateway.api.auth import require_admin
from gateway.api.services import Services
from gateway.sfu.state import CameraState, PublisherState, ViewerState
from gateway.signalling.ports import SessionKind
from gateway.signalling.sessions import Session

_AT_ONCE = 50
"""Sessions described before packets have their turn."""
_PRIVATE = {"Cache-Control": "no-store"}


def routes(services: Services) -> list[web.RouteDef]:
    """The routes of this resource."""
    api = AdminStreams(services)
    return [
        web.get("/api/admin/streams", api.every),
        web.get("/api/admin/streams/{order_id}", api.one),
    ]


class AdminStreams:
    """The handlers. Domain errors pass through to the middleware."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def every(self, request: web.Request) -> web.Response:
        """Every order with somebody in it."""
        await require_admin(request)
        streams = [await self._stream(order_id) for order_id in self._services.sessions.index.orders()]
        return web.json_response({"streams": streams}, headers=_PRIVATE)

    async def one(self, request: web.Request) -> web.Response:
        """One order, also while nobody is in it. Raises NotFound for none at all."""
        await require_admin(request)
        order_id = request.match_info["order_id"]
        await self._services.orders.get(order_id)
        return web.json_response(await self._stream(order_id), headers=_PRIVATE)

    async def _stream(self, order_id: str) -> dict[str, Any]:
        sessions = self._services.sessions.index.of_order(order_id)
        publishers = {x.camera: x for x in sessions if x.kind is SessionKind.WHIP}
        viewers = [x for x in sessions if x.kind is SessionKind.WHEP]
        cameras = self._services.media.cameras(order_id)
        return {
            "orderId": order_id,
            "cameras": [_camera(camera, publishers.get(camera.name)) for camera in cameras],
            "viewers": await self._viewers(viewers),
        }

    async def _viewers(self, sessions: Sequence[Session]) -> list[dict[str, Any]]:
        viewers = []
        for place, session in enumerate(sessions):
            if place % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            state = session.media.state()
            if isinstance(state, ViewerState) and not session.ended.done():
                viewers.append(self._viewer(session, state))
        return viewers

    def _viewer(self, session: Session, state: ViewerState) -> dict[str, Any]:
        playback = self._services.playback.of(session)
        return {
            "viewerId": session.viewer_id,
            "subject": session.subject,
            "camera": session.camera,
            "since": session.opened_at,
            "layer": asdict(state.layer) if state.layer else None,
            "wanted": "auto" if state.rid is None else state.rid,
            "maxHeight": state.max_height,
            "estimate": round(state.estimate),
            "rtt": None if state.rtt is None else round(state.rtt, 4),
            "loss": round(state.loss, 4),
            "glassToGlass": playback.glass_to_glass,
            "firstFrame": playback.first_frame,
            "freezes": playback.freezes,
            "frozen": playback.frozen,
            "stalled": playback.stalled,
        }


def _camera(camera: CameraState, publisher: Session | None) -> dict[str, Any]:
    state = publisher.media.state() if publisher is not None else None
    known = None
    if publisher is not None and isinstance(state, PublisherState):
        known = {
            "subject": publisher.subject,
            "since": publisher.opened_at,
            "bitrate": state.bitrate,
            "loss": round(state.loss, 4),
        }
    return {**asdict(camera), "publisher": known}

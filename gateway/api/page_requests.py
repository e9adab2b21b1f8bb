"""What connected pages may ask and tell: about their own sessions, and the gateway's clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.api.listener import Listener
from gateway.api.services import Services
from gateway.errors import Malformed
from gateway.signalling.playback import Playback

Data = Mapping[str, Any]
Answer = Mapping[str, object]
"""What an acknowledgement says beside `ok`."""
RequestHandler = Callable[[Listener, Data], Awaitable[Answer]]

MAX_RID = 64
MAX_HEIGHT = 10_000
MAX_GLASS_TO_GLASS = 60.0
MAX_FIRST_FRAME = 300.0
MAX_FROZEN = 1e6
"""Seconds over which a page's figure is a mistake."""
MAX_FREEZES = 1_000_000
NOTHING: Answer = {}


class PageRequests:
    """The handlers, by event. Each raises a GatewayError where it refuses."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.handlers: Mapping[str, RequestHandler] = {
            "session:close": self._close_session,
            "layer:select": self._select_layer,
            "playback:report": self._report_playback,
            "clock:read": self._read_clock,
        }

    async def _close_session(self, listener: Listener, data: Data) -> Answer:
        """End one's own session."""
        self._services.resource.delete(_session_id(data), listener.grant)
        return NOTHING

    async def _select_layer(self, listener: Listener, data: Data) -> Answer:
        """Choose by hand what one's own session plays: a layer by rid, or "auto" up to a height."""
        rid, height = data.get("rid", "auto"), data.get("maxHeight")
        if not isinstance(rid, str) or len(rid) > MAX_RID:
            raise Malformed("rid is a layer's name or auto")
        if height is not None and (type(height) is not int or not 0 < height <= MAX_HEIGHT):
            raise Malformed("maxHeight is a number of pixels")
        wanted = None if rid == "auto" else rid
        self._services.resource.select_layer(_session_id(data), listener.grant, wanted, height)
        return NOTHING

    async def _report_playback(self, listener: Listener, data: Data) -> Answer:
        """How one's own session plays."""
        stalled, freezes = data.get("stalled"), data.get("freezes")
        if stalled is not None and not isinstance(stalled, bool):
            raise Malformed("stalled is true or false")
        if freezes is not None and (type(freezes) is not int or not 0 <= freezes <= MAX_FREEZES):
            raise Malformed(f"freezes is a count up to {MAX_FREEZES}")
        report = Playback(
            glass_to_glass=_seconds(data, "glassToGlass", MAX_GLASS_TO_GLASS),
            first_frame=_seconds(data, "firstFrame", MAX_FIRST_FRAME),
            freezes=freezes,
            frozen=_seconds(data, "frozen", MAX_FROZEN),
            stalled=stalled,
        )
        session = self._services.resource.find(_session_id(data), listener.grant)
        self._services.playback.note(session, report)
        return NOTHING

    async def _read_clock(self, listener: Listener, data: Data) -> Answer:
        """Unix milliseconds: the clock that sender reports, and so capture times, are on."""
        return {"now": self._services.clock.time() * 1000.0}


def _session_id(data: Data) -> str:
    session_id = data.get("sessionId")
    if not isinstance(session_id, str):
        raise Malformed("sessionId is missing")
    return session_id


def _seconds(data: Data, name: str, most: float) -> float | None:
    """A duration; None when it is not told. No comparison holds for NaN."""
    value = data.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= most:
        raise Malformed(f"{name} is a number of seconds from 0 to {most:g}")
    return float(value)

"""What connected pages may ask and tell about their own sessions, and the gateway's clock."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api import event_schemas as schemas
from gateway.api.listener import Listener
from gateway.api.rate_limit import RateLimiter
from gateway.api.requests import Answer, Handler
from gateway.api.services import Services
from gateway.signalling.messages import OfferRequest
from gateway.signalling.playback import Playback


class PageRequests:
    """The handlers, by event."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._offers = RateLimiter(clock=services.clock, rate=1.0, burst=10.0)
        self.handlers: Mapping[str, Handler] = {
            "session:offer": self._offer,
            "session:candidate": self._take_candidate,
            "session:close": self._close_session,
            "layer:select": self._select_layer,
            "camera:select": self._select_camera,
            "playback:report": self._report_playback,
            "clock:read": self._read_clock,
        }

    async def _offer(self, listener: Listener, data: schemas.SessionOffer) -> Answer:
        """Open a session of one's own. Raises as `WhepService.play` and `WhipService.publish`."""
        self._offers.take(listener.sid)
        request = OfferRequest(
            grant=listener.grant,
            order_id=listener.order_id,
            sdp=data.sdp,
            camera=data.camera,
            both_ways=True,
        )
        publishes = data.kind == "whip"
        opened = await (
            self._services.whip.publish(request) if publishes else self._services.whep.play(request)
        )
        servers = tuple(
            schemas.IceServer(urls=(x.url,), username=x.username or "", credential=x.credential or "")
            for x in opened.ice_servers
        )
        return schemas.SessionAnswer(
            sdp=opened.sdp, session_id=opened.session_id, etag=opened.etag, ice_servers=servers
        )

    async def _take_candidate(self, listener: Listener, data: schemas.SessionCandidate) -> Answer:
        """Nothing to do: our side is ICE-lite, and learns where a page is from the page's own checks."""
        self._services.resource.find(data.session_id, listener.grant)
        return None

    async def _close_session(self, listener: Listener, data: schemas.SessionNamed) -> Answer:
        """End one's own session."""
        self._services.resource.delete(data.session_id, listener.grant)
        return None

    async def _select_layer(self, listener: Listener, data: schemas.LayerSelect) -> Answer:
        """Choose by hand what one's own session plays: a layer by rid, or "auto" up to a height."""
        wanted = None if data.rid == "auto" else data.rid
        self._services.resource.select_layer(
            data.session_id, listener.grant, wanted, data.max_height, data.mid
        )
        return None

    async def _select_camera(self, listener: Listener, data: schemas.CameraSelect) -> Answer:
        """Choose what one's own session shows."""
        self._services.resource.select_camera(data.session_id, listener.grant, data.camera, data.mid)
        return None

    async def _report_playback(self, listener: Listener, data: schemas.PlaybackReport) -> Answer:
        """How one's own session plays."""
        report = Playback(
            glass_to_glass=data.glass_to_glass,
            first_frame=data.first_frame,
            freezes=data.freezes,
            frozen=data.frozen,
            stalled=data.stalled,
        )
        session = self._services.resource.find(data.session_id, listener.grant)
        self._services.playback.note(session, report)
        return None

    async def _read_clock(self, listener: Listener, _: schemas.Nothing) -> Answer:
        """The clock that sender reports, and so capture times, are on."""
        return schemas.ClockReading(now=self._services.clock.time() * 1000.0)

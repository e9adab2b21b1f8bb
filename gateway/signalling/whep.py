"""Watching (draft-ietf-wish-whep-03): an offer becomes a viewer's session and our answer."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.access.grants import Grant, Scope
from gateway.errors import NotLive
from gateway.protocol.description import Codec, MediaKind
from gateway.protocol.sdp import PlayPolicy, negotiate_play, parse, write_answer
from gateway.signalling.ice_servers import IceServers
from gateway.signalling.messages import TALK_CAMERA, AnswerResponse, OfferRequest
from gateway.signalling.opening import Doorkeeper, local_description, sender_streams
from gateway.signalling.ports import MediaPlane, SessionKind, SessionSpec
from gateway.signalling.sessions import SessionRegistry, new_session_id

RETRY_NOT_LIVE = 2.0
"""Seconds after which a player may ask whether somebody publishes now."""


class WhepService:
    """Opens viewers' sessions."""

    def __init__(
        self, *, media: MediaPlane, sessions: SessionRegistry, doorkeeper: Doorkeeper, ice_servers: IceServers
    ) -> None:
        self._media = media
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._ice_servers = ice_servers

    @staticmethod
    def authorize(grant: Grant, order_id: str, camera: str) -> None:
        """Raise Forbidden unless the token may watch here: the technician alone hears the customer."""
        if camera == TALK_CAMERA:
            grant.require(Scope.PUBLISH, order_id)
        else:
            grant.require(Scope.WATCH, order_id, camera)

    async def play(self, request: OfferRequest) -> AnswerResponse:
        """Negotiate, open, answer. Nothing stays behind when it raises.

        Raises:
            Forbidden: see `authorize`.
            NotFound, Unauthenticated: see `Doorkeeper`.
            Unavailable: see `SessionRegistry.admit`.
            NotLive: nobody publishes on this camera.
            MalformedSdp, Unacceptable: the offer.
        """
        self.authorize(request.grant, request.order_id, request.camera)
        await self._doorkeeper.check(request.grant, request.order_id, request.camera)
        # No await from here on: what is checked still holds when the session opens.
        self._sessions.admit()
        published = self._published(request.order_id, request.camera)
        offer = parse(request.sdp)
        negotiated = negotiate_play(offer, PlayPolicy(preferred=published))
        local = local_description(self._media)
        senders = sender_streams(negotiated)
        answer = write_answer(offer, negotiated, local, senders)
        spec = SessionSpec(
            session_id=new_session_id(),
            kind=SessionKind.WHEP,
            order_id=request.order_id,
            camera=request.camera,
            subject=request.grant.subject,
            negotiated=negotiated,
            local_ice=local.ice,
            senders=senders,
        )
        session = self._sessions.open(spec, request.grant)
        servers = self._ice_servers.issue(request.grant.subject)
        return AnswerResponse(
            session_id=session.session_id, sdp=answer, etag=session.etag, ice_servers=servers
        )

    def _published(self, order_id: str, camera: str) -> Mapping[MediaKind, Codec]:
        published = self._media.published(order_id, camera)
        if published is None:
            raise NotLive("nobody publishes on this camera", retry_after=RETRY_NOT_LIVE)
        return published

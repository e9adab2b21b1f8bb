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

    async def admit(self, grant: Grant, order_id: str, camera: str) -> None:
        """Everything that can be refused before the body is read.

        Raises:
            Forbidden, NotFound, Unauthenticated, Unavailable: see `Doorkeeper` and `SessionRegistry`.
            NotLive: nobody publishes on this camera.
        """
        if camera == TALK_CAMERA:
            grant.require(Scope.PUBLISH, order_id)  # the technician listens to the customer
        else:
            grant.require(Scope.WATCH, order_id, camera)
        await self._doorkeeper.check(grant, order_id, camera)
        self._sessions.admit()
        self._published(order_id, camera)

    async def play(self, request: OfferRequest) -> AnswerResponse:
        """Negotiate, open, answer. Nothing stays behind when it raises.

        Raises:
            MalformedSdp, Unacceptable: the offer; besides everything that `admit` raises.
        """
        await self.admit(request.grant, request.order_id, request.camera)
        offer = parse(request.sdp)
        negotiated = negotiate_play(offer, PlayPolicy(preferred=self._published(request.order_id, request.camera)))
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

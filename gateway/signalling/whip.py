"""Publishing (RFC 9725): an offer becomes a publisher's session and our answer, or a domain error."""

from __future__ import annotations

from dataclasses import replace

from gateway.access.grants import Grant, Scope
from gateway.protocol.description import MediaKind
from gateway.protocol.sdp import PublishPolicy, negotiate_publish, parse, write_answer
from gateway.signalling.ice_servers import IceServers
from gateway.signalling.messages import TALK_CAMERA, AnswerResponse, OfferRequest
from gateway.signalling.opening import Doorkeeper, local_description, sender_streams
from gateway.signalling.people import ViewerIds
from gateway.signalling.ports import MediaPlane, SessionKind, SessionSpec
from gateway.signalling.sessions import SessionRegistry, new_session_id

TALK_SLOTS = 3
"""Talkers whom a technician's page may hear at once."""


class WhipService:
    """Opens publishers' sessions."""

    def __init__(
        self,
        *,
        media: MediaPlane,
        sessions: SessionRegistry,
        doorkeeper: Doorkeeper,
        ice_servers: IceServers,
        viewer_ids: ViewerIds,
        policy: PublishPolicy | None = None,
    ) -> None:
        self._media = media
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._ice_servers = ice_servers
        self._viewer_ids = viewer_ids
        self._policy = policy or PublishPolicy()
        self._talk_policy = replace(self._policy, kinds=frozenset({MediaKind.AUDIO}))
        self._studio_policy = replace(self._policy, talk_slots=TALK_SLOTS)

    @staticmethod
    def authorize(grant: Grant, order_id: str, camera: str) -> None:
        """Raise Forbidden unless the token may publish here: customers only talk, on their channel."""
        if camera == TALK_CAMERA:
            grant.require(Scope.TALK, order_id)
        else:
            grant.require(Scope.PUBLISH, order_id, camera)

    async def publish(self, request: OfferRequest) -> AnswerResponse:
        """Negotiate, open, answer. Nothing stays behind when it raises.

        Raises:
            Forbidden: see `authorize`.
            NotFound, Unauthenticated: see `Doorkeeper`.
            Unavailable, Conflict: see `SessionRegistry.admit_publisher`.
            MalformedSdp, Unacceptable: the offer.
        """
        self.authorize(request.grant, request.order_id, request.camera)
        await self._doorkeeper.check(request.grant, request.order_id, request.camera)
        # No await from here on: what is checked still holds when the session opens.
        self._sessions.admit_publisher(request.order_id, request.camera, request.grant.subject)
        offer = parse(request.sdp)
        negotiated = negotiate_publish(offer, self._policy_for(request))
        local = local_description(self._media)
        senders = sender_streams(negotiated)
        answer = write_answer(offer, negotiated, local, senders)
        spec = SessionSpec(
            session_id=new_session_id(),
            kind=SessionKind.WHIP,
            order_id=request.order_id,
            camera=request.camera,
            subject=request.grant.subject,
            viewer_id=self._viewer_ids.of(request.order_id, request.grant.subject),
            negotiated=negotiated,
            local_ice=local.ice,
            senders=senders,
        )
        session = self._sessions.open(spec, request.grant)
        servers = self._ice_servers.issue(request.grant.subject)
        return AnswerResponse(
            session_id=session.session_id, sdp=answer, etag=session.etag, ice_servers=servers
        )

    def _policy_for(self, request: OfferRequest) -> PublishPolicy:
        if request.camera == TALK_CAMERA:
            return self._talk_policy
        return self._studio_policy if request.both_ways else self._policy

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
from gateway.signalling.people import ViewerIds
from gateway.signalling.ports import MediaPlane, SessionKind, SessionSpec
from gateway.signalling.sessions import SessionRegistry, new_session_id
from gateway.signalling.whip import TALK_SLOTS

MAX_PICTURES = 7
"""Video lines of one session: a main picture and a strip of cameras."""
RETRY_NOT_LIVE = 2.0
"""Seconds after which a player may ask whether somebody publishes now."""


class WhepService:
    """Opens viewers' sessions."""

    def __init__(
        self,
        *,
        media: MediaPlane,
        sessions: SessionRegistry,
        doorkeeper: Doorkeeper,
        ice_servers: IceServers,
        viewer_ids: ViewerIds,
    ) -> None:
        self._media = media
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._ice_servers = ice_servers
        self._viewer_ids = viewer_ids

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
            Forbidden: see `authorize`; or it offers return audio that its token does not allow.
            NotFound, Unauthenticated: see `Doorkeeper`.
            Unavailable: see `SessionRegistry.admit`.
            NotLive: nobody publishes on this camera.
            MalformedSdp, Unacceptable: the offer.
        """
        self.authorize(request.grant, request.order_id, request.camera)
        await self._doorkeeper.check(request.grant, request.order_id, request.camera)
        # No await from here on: what is checked still holds when the session opens.
        self._sessions.admit()
        policy = self._policy_for(request)
        offer = parse(request.sdp)
        negotiated = negotiate_play(offer, policy)
        if any(not media.rejected and not media.outbound for media in negotiated.media):
            request.grant.require(Scope.TALK, request.order_id)
        local = local_description(self._media)
        senders = sender_streams(negotiated)
        answer = write_answer(offer, negotiated, local, senders)
        spec = SessionSpec(
            session_id=new_session_id(),
            kind=SessionKind.WHEP,
            order_id=request.order_id,
            camera=request.camera,
            only_camera=request.grant.camera is not None and not request.grant.is_admin,
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

    def _policy_for(self, request: OfferRequest) -> PlayPolicy:
        """Raises NotLive; not for return audio, which a technician waits for with an open ear."""
        if request.camera == TALK_CAMERA:
            return PlayPolicy(kinds=frozenset({MediaKind.AUDIO}), audio_lines=TALK_SLOTS)
        published = self._published(request.order_id, request.camera)
        if not request.both_ways:
            return PlayPolicy(preferred=published)
        return PlayPolicy(preferred=published, video_lines=MAX_PICTURES, talk=True)

    def _published(self, order_id: str, camera: str) -> Mapping[MediaKind, Codec]:
        published = self._media.published(order_id, camera)
        if published is None:
            raise NotLive("nobody publishes on this camera", retry_after=RETRY_NOT_LIVE)
        return published

"""Publishing (RFC 9725): an offer becomes a publisher's session and our answer, or a domain error."""

from __future__ import annotations

from dataclasses import replace

from gateway.access.grants import Grant, Scope
from gateway.protocol.description import MediaKind
from gateway.protocol.sdp import PublishPolicy, negotiate_publish, parse
from gateway.signalling.messages import TALK_CAMERA, AnswerResponse, OfferRequest
from gateway.signalling.opening import SessionOpener
from gateway.signalling.ports import SessionKind

TALK_SLOTS = 3
"""Talkers whom a technician's page may hear at once."""


class WhipService:
    """Opens publishers' sessions."""

    def __init__(self, opener: SessionOpener, policy: PublishPolicy | None = None) -> None:
        self._opener = opener
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
        await self._opener.check(request)
        # No await from here on: what is checked still holds when the session opens.
        self._opener.sessions.admit_publisher(request.order_id, request.camera, request.grant.subject)
        offer = parse(request.sdp)
        negotiated = negotiate_publish(offer, self._policy_for(request))
        return self._opener.open(request, SessionKind.WHIP, offer, negotiated)

    def _policy_for(self, request: OfferRequest) -> PublishPolicy:
        if request.camera == TALK_CAMERA:
            return self._talk_policy
        return self._studio_policy if request.both_ways else self._policy

"""What every new session is asked before its SDP is looked at, for WHIP and WHEP alike."""

from __future__ import annotations

import re
import secrets
from typing import Protocol

from gateway.access.grants import Grant
from gateway.errors import NotFound
from gateway.protocol.description import MediaKind, NegotiatedSession
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.sdp import LocalDescription, SenderStream, SessionDescription, write_answer
from gateway.signalling.ice_servers import IceServers
from gateway.signalling.messages import AnswerResponse, OfferRequest
from gateway.signalling.people import ViewerIds
from gateway.signalling.ports import AccessLedger, MediaPlane, SessionKind, SessionSpec
from gateway.signalling.sessions import SessionRegistry, new_session_id

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class OrderDirectory(Protocol):
    """Knows which orders exist."""

    async def get(self, order_id: str) -> object:
        """The order; raises NotFound."""
        ...


class Doorkeeper:
    """Asks access what a token's text cannot tell: does the order exist, does the access still hold."""

    def __init__(self, *, orders: OrderDirectory, ledger: AccessLedger) -> None:
        self._orders = orders
        self._ledger = ledger

    async def check(self, grant: Grant, order_id: str, camera: str) -> None:
        """Let pass or raise.

        Raises:
            NotFound: no such order, or no camera may have that name.
            Unauthenticated: the access behind the token was revoked or has ended.
        """
        if not _NAME.fullmatch(camera) or not _NAME.fullmatch(order_id):
            raise NotFound("no such endpoint")
        await self._ledger.require_alive(grant)
        await self._orders.get(order_id)


class SessionOpener:
    """What publishing and watching share: who may come in, and how an opened session is answered."""

    def __init__(
        self,
        *,
        media: MediaPlane,
        sessions: SessionRegistry,
        doorkeeper: Doorkeeper,
        ice_servers: IceServers,
        viewer_ids: ViewerIds,
    ) -> None:
        self.media = media
        self.sessions = sessions
        self._doorkeeper = doorkeeper
        self._ice_servers = ice_servers
        self._viewer_ids = viewer_ids

    async def check(self, request: OfferRequest) -> None:
        """See `Doorkeeper.check`."""
        await self._doorkeeper.check(request.grant, request.order_id, request.camera)

    def open(
        self,
        request: OfferRequest,
        kind: SessionKind,
        offer: SessionDescription,
        negotiated: NegotiatedSession,
    ) -> AnswerResponse:
        """Open a session as negotiated and answer its offer; nothing stays behind when it raises.

        Raises:
            Unacceptable: the answer would be too long.
            GatewayError: see `SessionRegistry.open`.
        """
        local = local_description(self.media)
        senders = sender_streams(negotiated)
        answer = write_answer(offer, negotiated, local, senders)
        subject = request.grant.subject
        spec = SessionSpec(
            session_id=new_session_id(),
            kind=kind,
            order_id=request.order_id,
            camera=request.camera,
            only_camera=request.grant.camera is not None and not request.grant.is_admin,
            subject=subject,
            viewer_id=self._viewer_ids.of(request.order_id, subject),
            negotiated=negotiated,
            local_ice=local.ice,
            senders=senders,
        )
        session = self.sessions.open(spec, request.grant)
        return AnswerResponse(
            session_id=session.session_id,
            sdp=answer,
            etag=session.etag,
            ice_servers=self._ice_servers.issue(subject),
        )


def local_description(media: MediaPlane) -> LocalDescription:
    """Our side of a new answer, with fresh ICE credentials."""
    return LocalDescription(
        ice=new_ice_credentials(),
        fingerprint=media.fingerprint,
        candidates=tuple(media.candidates),
        session_id=secrets.randbits(62) | 1,
    )


def sender_streams(negotiated: NegotiatedSession) -> dict[str, SenderStream]:
    """A stream for each m-line that we send on, by mid; no ssrc twice in a session, whoever sends.

    All have one cname. The first lines of both kinds are in one MediaStream, so that players see the picture
    with its sound; any further one is another camera or talker, and has a MediaStream of its own.
    """
    cname = secrets.token_hex(8)
    main = f"live-{secrets.token_hex(4)}"
    taken = {ssrc for media in negotiated.media for s in media.ssrcs for ssrc in (s.ssrc, s.rtx_ssrc) if ssrc}
    kinds: set[MediaKind] = set()
    streams = {}
    for media in negotiated.media:
        if media.kind is None or media.rejected or not media.outbound:
            continue
        retransmits = any(codec.rtx_payload_type is not None for codec in media.codecs)
        track = f"{media.kind.value}-{secrets.token_hex(4)}"
        streams[media.mid] = SenderStream(
            mid=media.mid,
            ssrc=_fresh_ssrc(taken),
            rtx_ssrc=_fresh_ssrc(taken) if retransmits else None,
            cname=cname,
            msid=f"more-{track}" if media.kind in kinds else main,
            track_id=track,
        )
        kinds.add(media.kind)
    return streams


def _fresh_ssrc(taken: set[int]) -> int:
    while (ssrc := secrets.randbelow(0xFFFFFFFE) + 1) in taken:
        pass
    taken.add(ssrc)
    return ssrc

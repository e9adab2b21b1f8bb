"""The session behind `Location`: trickle, ICE restart, the end (RFC 9725 sections 4.2 to 4.4)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.access.grants import Grant, Scope
from gateway.errors import Forbidden, NotLive, PreconditionFailed, PreconditionRequired, Unacceptable
from gateway.protocol.description import IceCredentials
from gateway.protocol.ice import new_ice_credentials
from gateway.signalling import sdp_fragment
from gateway.signalling.messages import TALK_CAMERA, PatchRequest, PatchResponse
from gateway.signalling.ports import MediaPlane, SessionKind
from gateway.signalling.sessions import Session, SessionRegistry, new_etag

RETRY_NOT_LIVE = 2.0
"""Seconds after which a camera may be asked for again."""

_ANY = frozenset({"*", '"*"'})
"""`"*"` is not what RFC 9110 means by any, but it is what players send."""


class SessionResource:
    """Operations on a live session. The id is a capability; a token, when sent, has to fit as well."""

    def __init__(self, *, media: MediaPlane, sessions: SessionRegistry) -> None:
        self._media = media
        self._sessions = sessions

    def find(self, session_id: str, grant: Grant | None) -> Session:
        """The session.

        Raises:
            NotFound: unknown or ended.
            Forbidden: a token was sent, and it is somebody else's.
        """
        session = self._sessions.get(session_id)
        if grant is not None and not session.belongs_to(grant):
            raise Forbidden("the token belongs to somebody else's session")
        return session

    def delete(self, session_id: str, grant: Grant | None) -> None:
        """End the session; raises as `find`."""
        self._sessions.close(self.find(session_id, grant).session_id, "deleted")

    def select_layer(
        self,
        session_id: str,
        grant: Grant | None,
        rid: str | None,
        max_height: int | None,
        mid: str | None = None,
    ) -> None:
        """Play this layer, or none over a height (pixels), on the main line or `mid`; None is no wish.

        Raises:
            NotFound, Forbidden: see `find`.
            Unacceptable: the session plays nothing, or has no such line.
        """
        self._playing(session_id, grant, mid).media.select_layer(rid, max_height, mid)

    def select_camera(
        self, session_id: str, grant: Grant, camera: str | None, mid: str | None = None
    ) -> None:
        """See another camera in the running session: on its main lines, or pinned to the line of `mid`.

        None takes the pin off that line.

        Raises:
            NotFound, Forbidden: see `find`; Forbidden also for a camera that the grant does not allow.
            Unacceptable: the session plays nothing, has no such line, or nothing is named at all.
            NotLive: nobody publishes on that camera.
        """
        session = self._playing(session_id, grant, mid)
        if camera is None:
            if mid is None:
                raise Unacceptable("the main line always shows a camera")
            session.media.select_camera(None, mid)
            return
        grant.require(Scope.WATCH, session.order_id, camera)
        if camera == TALK_CAMERA or self._media.published(session.order_id, camera) is None:
            raise NotLive("nobody publishes on this camera", retry_after=RETRY_NOT_LIVE)
        session.media.select_camera(camera, mid)

    def _playing(self, session_id: str, grant: Grant | None, mid: str | None) -> Session:
        session = self.find(session_id, grant)
        if session.kind is not SessionKind.WHEP:
            raise Unacceptable("a publisher's session plays nothing")
        if mid is not None and mid not in session.spec.senders:
            raise Unacceptable("the session plays nothing on such a line")
        return session

    def patch(self, request: PatchRequest) -> PatchResponse:
        """Apply a fragment. New ufrag or pwd means restart, whatever If-Match says.

        Our side is ICE-lite: it never sends to a candidate before a check came from it, so trickled
        candidates are read for validity and change nothing. A refused restart keeps the session.

        Raises:
            NotFound, Forbidden: see `find`.
            Malformed: the fragment cannot be read.
            PreconditionRequired: a restart without If-Match.
            PreconditionFailed: If-Match names an older ICE session.
        """
        session = self.find(request.session_id, request.grant)
        fragment = sdp_fragment.parse(request.fragment)
        tags = _entity_tags(request.if_match)
        wanted = fragment.credentials
        if wanted is None or wanted == session.remote_ice or wanted.ufrag in session.past_ufrags:
            _require_match(tags, session)
            return PatchResponse()
        if not tags:
            raise PreconditionRequired("an ICE restart needs If-Match")
        _require_match(tags, session)
        return self._restart(session, wanted)

    def _restart(self, session: Session, remote: IceCredentials) -> PatchResponse:
        local = new_ice_credentials()
        session.media.restart_ice(local, remote)
        session.past_ufrags.append(session.remote_ice.ufrag)
        session.local_ice, session.remote_ice = local, remote
        session.etag = new_etag()
        mids = [media.mid for media in session.spec.negotiated.media if not media.rejected]
        answer = sdp_fragment.write_restart_fragment(local, self._media.candidates, mids)
        return PatchResponse(restart=answer, etag=session.etag)


def _entity_tags(if_match: str | None) -> frozenset[str]:
    """The header's list (RFC 9110 section 13.1.1); our tags contain no comma."""
    return frozenset(tag.strip() for tag in (if_match or "").split(",")) - {""}


def _require_match(tags: Iterable[str], session: Session) -> None:
    """An absent condition holds."""
    tags = frozenset(tags)
    if tags and session.etag not in tags and not tags & _ANY:
        raise PreconditionFailed("the entity tag is of an earlier ICE session")

"""What signalling needs of the floors beside and above it; `app.py` wires the real things.

Only shapes live here. Ids are strings, instants are Unix seconds unless a name says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.access.grants import Grant
from gateway.protocol.description import (
    Candidate,
    Codec,
    Fingerprint,
    IceCredentials,
    MediaKind,
    NegotiatedSession,
)

if TYPE_CHECKING:
    from gateway.protocol.sdp import SenderStream
    from gateway.sfu.state import CameraState, PublisherState, ViewerState
    from gateway.sfu.talk.channel import TalkChannel


class SessionKind(StrEnum):
    """Which way media flows: WHIP publishes to us, WHEP plays from us."""

    WHIP = "whip"
    WHEP = "whep"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """All that the media plane needs to carry one session.

    `senders` maps the mid of each m-line on which we send to the stream that we announced in the answer.
    `camera` is the track group of the order that is published or played.
    """

    session_id: str
    kind: SessionKind
    order_id: str
    camera: str
    subject: str
    negotiated: NegotiatedSession
    local_ice: IceCredentials
    senders: Mapping[str, SenderStream] = field(default_factory=dict)
    viewer_id: str = ""
    """The subject as others in the order may know it: see `signalling.people`."""
    only_camera: bool = False
    """Whether no other camera of the order may be played in this session."""


class MediaSession(Protocol):
    """One open session of the media plane."""

    @property
    def closed(self) -> asyncio.Future[str]:
        """Done with the closing reason once no packet is sent or taken any more."""
        ...

    def restart_ice(self, local: IceCredentials, remote: IceCredentials) -> None:
        """Start a new ICE generation; the old one carries media until the new one is nominated."""
        ...

    def select_layer(self, rid: str | None, max_height: int | None, mid: str | None = None) -> None:
        """What the viewer would like to see: a layer by rid, or none over a height; None is no wish.

        `mid` names one of its further video lines; None is the main one.
        """
        ...

    def select_camera(self, camera: str | None, mid: str | None = None) -> None:
        """Which camera the viewer would like to see: on the main lines, or pinned to a further one.

        None takes the pin off that line.
        """
        ...

    def state(self) -> ViewerState | PublisherState:
        """A snapshot, by the kind of the session."""
        ...

    def close(self, reason: str) -> None:
        """End it: RTCP BYE, DTLS close_notify, then `closed`. Idempotent, never raises."""
        ...


class MediaPlane(Protocol):
    """The rooms and sockets, as signalling and the API see them."""

    @property
    def candidates(self) -> Sequence[Candidate]:
        """What answers announce, best first."""
        ...

    @property
    def fingerprint(self) -> Fingerprint:
        """Of the process's one DTLS certificate."""
        ...

    def open(self, spec: SessionSpec) -> MediaSession:
        """Start a session.

        A second publisher on a camera replaces the first in the room; the registry has closed it before.

        Raises:
            GatewayError: it cannot be carried; nothing of it stays behind.
        """
        ...

    def published(self, order_id: str, camera: str) -> Mapping[MediaKind, Codec] | None:
        """What is live on the camera now; None when nobody publishes."""
        ...

    def cameras(self, order_id: str) -> Sequence[CameraState]:
        """The order's cameras, for `stream:state`."""
        ...

    def attend_talk(self, order_id: str) -> TalkChannel:
        """The order's return audio: who may speak, and who does. Its room stays until `leave_talk`."""
        ...

    def leave_talk(self, order_id: str) -> None:
        """Undo one `attend_talk`: the room goes, where nobody else is in it."""
        ...

    def on_talk_change(self, callback: Callable[[str], None]) -> None:
        """Call back with the order's id after the floor or who speaks on it changed."""
        ...

    def viewers(self, order_id: str) -> int:
        """How many sessions watch the order."""
        ...

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call back with the order's id after its cameras or its viewer count changed."""
        ...

    def on_layer_change(self, callback: Callable[[str], None]) -> None:
        """Call back with the id of a WHEP session after what it plays, or what it asks for, changed."""
        ...


class AccessLedger(Protocol):
    """Who has lost access: the side of `access` that live sessions are checked against."""

    async def require_alive(self, grant: Grant) -> None:
        """Raise Unauthenticated when the access behind a valid token has ended."""
        ...

    async def ended(self, stream_ids: Collection[str]) -> Collection[str]:
        """Those of `stream_ids` that are revoked, expired or gone; one query."""
        ...

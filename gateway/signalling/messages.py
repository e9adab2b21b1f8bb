"""What the session use cases take and give. No HTTP here: `api` turns headers into these and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.access.grants import Grant
from gateway.signalling.ice_servers import IceServer

DEFAULT_CAMERA = "main"
TALK_CAMERA = "talk"
"""The return-audio channel: customers publish it, the technician plays it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRequest:
    """A caller's SDP offer for one camera of one order."""

    grant: Grant
    order_id: str
    sdp: str
    camera: str = DEFAULT_CAMERA
    both_ways: bool = False
    """From our own pages: lines beyond the standards' pair, for return audio and further cameras."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerResponse:
    """An opened session. `etag` names its ICE session, quoted as HTTP wants it."""

    session_id: str = field(repr=False)
    sdp: str
    etag: str
    ice_servers: tuple[IceServer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchRequest:
    """An SDP fragment for a session. `if_match` is the header's value as sent, None when absent.

    `grant` is None when the caller sent no token: the session's id alone is then the capability.
    """

    session_id: str = field(repr=False)
    fragment: str
    if_match: str | None = None
    grant: Grant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchResponse:
    """`restart` is our side's fragment after an ICE restart, with the new `etag`; both None for trickle."""

    restart: str | None = None
    etag: str | None = None

"""What an offer and its answer agreed on: the values that SDP, ICE, DTLS and the SFU share.

Nothing here parses or decides; `protocol.sdp` produces these, everybody above reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Address = tuple[str, int]
"""An (IP address, UDP port) pair as the socket gives it."""


class MediaKind(StrEnum):
    AUDIO = "audio"
    VIDEO = "video"


class DtlsRole(StrEnum):
    """Our side of the DTLS handshake (RFC 8842): the server answers `setup:passive`."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """Username fragment and password of one ICE generation (RFC 8445 section 5.3)."""

    ufrag: str
    pwd: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate's digest: lower-case RFC 8122 hash name, upper-case colon-separated hex."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate as written into `a=candidate` (RFC 8839 section 5.1)."""

    foundation: str
    component: int
    transport: str
    priority: int
    host: str
    port: int
    type: str = "host"
    tcp_type: str | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec under the payload type that the *offerer* chose for it.

    `name` is canonical: "H264", "VP8", "VP9", "AV1", "opus". `parameters` is the fmtp line, keys
    lower-case. `feedback` holds accepted rtcp-fb values such as "nack", "nack pli", "ccm fir",
    "goog-remb", "transport-cc".
    """

    kind: MediaKind
    name: str
    payload_type: int
    clock_rate: int
    channels: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)
    feedback: frozenset[str] = frozenset()
    rtx_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class SignalledSsrc:
    """A stream announced by `a=ssrc`, with its RTX companion where `ssrc-group:FID` names one."""

    ssrc: int
    rtx_ssrc: int | None = None
    cname: str | None = None


@dataclass(frozen=True, slots=True)
class NegotiatedMedia:
    """One m-line of the answer, in the offer's order.

    `codecs` are the accepted ones, best first (empty when `rejected`). `extensions` maps an
    extension's URI to the id both sides use. `rids` are the simulcast layers of a publisher in the
    order offered; empty without simulcast. `ssrcs` are what the offer announced on a line that it sends on.
    """

    mid: str
    kind: MediaKind | None
    """None for m-lines that are neither audio nor video; those are always rejected."""
    rejected: bool = False
    codecs: tuple[Codec, ...] = ()
    extensions: Mapping[str, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    ssrcs: tuple[SignalledSsrc, ...] = ()
    rtcp_reduced_size: bool = False
    outbound: bool = False
    """True where we send, False where the offerer sends to us, and where `rejected`."""


@dataclass(frozen=True, slots=True)
class NegotiatedSession:
    """Everything an offer and our policy agreed on, before ports and keys are involved."""

    media: tuple[NegotiatedMedia, ...]
    remote_ice: IceCredentials
    remote_fingerprints: tuple[Fingerprint, ...]
    dtls_role: DtlsRole
    extmap_allow_mixed: bool = False

    def first(self, kind: MediaKind) -> NegotiatedMedia | None:
        """The accepted m-line of `kind`, if there is one."""
        return next((m for m in self.media if m.kind is kind and not m.rejected), None)

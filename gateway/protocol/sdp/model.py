"""What an SDP description says, as values. Nothing here parses, writes or decides.

Only what WebRTC needs is kept (RFC 8866 lines v, o, s, t, c, m and the attributes named below); the
parser drops the rest. Optional numbers and strings are `None` when the line is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.errors import Malformed
from gateway.protocol.description import Candidate, Fingerprint


class MalformedSdp(Malformed):
    """The text breaks the grammar of SDP or of an attribute that we read, or exceeds a cap."""


class Direction(StrEnum):
    """Which way media or a header extension flows, seen from the one who wrote the line."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def mirrored(self) -> Direction:
        """The same flow seen from the other side."""
        if self is Direction.SENDONLY:
            return Direction.RECVONLY
        return Direction.SENDONLY if self is Direction.RECVONLY else self


@dataclass(frozen=True, slots=True)
class RtpMap:
    """`a=rtpmap` (RFC 8866 section 6.6). `channels` is 1 where the line names none."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1


@dataclass(frozen=True, slots=True)
class ExtMap:
    """`a=extmap` (RFC 8285 section 5). `direction` is None where the line names none."""

    id: int
    uri: str
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`a=group` (RFC 5888): semantics such as BUNDLE, and mids."""

    semantics: str
    mids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rid:
    """`a=rid` (RFC 8851) without its restrictions."""

    id: str
    direction: Direction
    """SENDONLY for `send`, RECVONLY for `recv`."""


@dataclass(frozen=True, slots=True)
class Simulcast:
    """`a=simulcast` (RFC 8853): per direction the streams, each a tuple of alternative rids."""

    send: tuple[tuple[str, ...], ...] = ()
    recv: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """`a=ssrc-group` (RFC 5576 section 4.2): semantics such as FID or SIM, and ssrcs."""

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transport:
    """ICE and DTLS attributes of one level; media level beats session level, field by field."""

    ice_ufrag: str | None = None
    ice_pwd: str | None = field(default=None, repr=False)
    ice_options: tuple[str, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: str | None = None

    def over(self, fallback: Transport) -> Transport:
        """These values, completed by those of `fallback`."""
        return Transport(
            ice_ufrag=self.ice_ufrag or fallback.ice_ufrag,
            ice_pwd=self.ice_pwd or fallback.ice_pwd,
            ice_options=self.ice_options or fallback.ice_options,
            fingerprints=self.fingerprints or fallback.fingerprints,
            setup=self.setup or fallback.setup,
        )


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m-line and its attributes."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    host: str | None = None
    """Address of the `c=` line."""
    mid: str | None = None
    direction: Direction = Direction.SENDRECV
    transport: Transport = Transport()
    msid: str | None = None
    rtcp_mux: bool = False
    rtcp_mux_only: bool = False
    rtcp_reduced_size: bool = False
    bundle_only: bool = False
    extmap_allow_mixed: bool = False
    extmaps: tuple[ExtMap, ...] = ()
    rtpmaps: Mapping[int, RtpMap] = field(default_factory=dict)
    """By payload type."""
    parameters: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """`a=fmtp` by payload type, keys lower-case; a lone word is a key with an empty value."""
    feedback: Mapping[int | None, tuple[str, ...]] = field(default_factory=dict)
    """`a=rtcp-fb` by payload type, None for `*`; values such as "nack pli"."""
    rids: tuple[Rid, ...] = ()
    simulcast: Simulcast | None = None
    ssrcs: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """`a=ssrc`: the attributes of each source."""
    ssrc_groups: tuple[SsrcGroup, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    end_of_candidates: bool = False

    @property
    def enabled(self) -> bool:
        """False for an m-line that its writer rejects or has stopped (RFC 9143 section 7.2.1)."""
        return self.port != 0 or self.bundle_only


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole offer or answer."""

    origin: str
    media: tuple[MediaDescription, ...] = ()
    name: str = "-"
    groups: tuple[Group, ...] = ()
    transport: Transport = Transport()
    ice_lite: bool = False
    extmap_allow_mixed: bool = False
    msid_semantic: str | None = None

    def transport_of(self, media: MediaDescription) -> Transport:
        """ICE and DTLS attributes that hold for `media`."""
        return media.transport.over(self.transport)

    def bundle_of(self, mid: str | None) -> tuple[str, ...]:
        """The mids of the BUNDLE group that `mid` is in, as written; empty without one."""
        return next((g.mids for g in self.groups if g.semantics == "BUNDLE" and mid in g.mids), ())

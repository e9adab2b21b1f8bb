"""The one transport of a session: BUNDLE, ICE credentials, fingerprints and our DTLS role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.errors import Unacceptable
from gateway.protocol.description import (
    DtlsRole,
    Fingerprint,
    IceCredentials,
    NegotiatedMedia,
    NegotiatedSession,
)
from gateway.protocol.sdp.model import MediaDescription, SessionDescription, Transport

_DIGEST_BYTES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_PROTOCOLS: Final = frozenset(
    {"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "RTP/SAVPF", "TCP/TLS/RTP/SAVPF"}
)
"""What JSEP (RFC 8829 section 5.1.2) lets an offerer write for RTP over DTLS."""

_OUR_ROLES: Final = {
    None: DtlsRole.SERVER,  # RFC 4145 section 4: no setup means active
    "actpass": DtlsRole.SERVER,
    "active": DtlsRole.SERVER,
    "passive": DtlsRole.CLIENT,
}


def media_mid(offer: SessionDescription, index: int) -> str:
    """The mid of an m-line, its position where it has none."""
    mid = offer.media[index].mid
    return str(index) if mid is None else mid


def require_transport(media: MediaDescription) -> None:
    """Raise `Unacceptable` unless the m-line runs RTP and RTCP over DTLS on one port."""
    if media.protocol not in _PROTOCOLS:
        raise Unacceptable(f"{media.kind} is offered over {media.protocol}; WebRTC media needs DTLS-SRTP")
    if not (media.rtcp_mux or media.rtcp_mux_only):
        raise Unacceptable(f"{media.kind} is offered without rtcp-mux")


def agree(offer: SessionDescription, media: Sequence[NegotiatedMedia]) -> NegotiatedSession:
    """Complete the negotiated m-lines with the transport that the accepted ones share.

    Raises `Unacceptable` when nothing was accepted, when accepted m-lines do not share one transport, or when
    that transport lacks credentials, a usable fingerprint or a supported setup.
    """
    accepted = [offered for agreed, offered in zip(media, offer.media, strict=True) if not agreed.rejected]
    transport = _shared_transport(offer, accepted)
    if offer.ice_lite:
        raise Unacceptable("both sides are ICE-lite: nobody would check connectivity")
    if transport.ice_ufrag is None or transport.ice_pwd is None:
        raise Unacceptable("no ice-ufrag and ice-pwd")
    if transport.setup not in _OUR_ROLES:
        raise Unacceptable(f"unsupported setup:{transport.setup}")
    return NegotiatedSession(
        media=tuple(media),
        remote_ice=IceCredentials(transport.ice_ufrag, transport.ice_pwd),
        remote_fingerprints=_usable_fingerprints(transport),
        dtls_role=_OUR_ROLES[transport.setup],
        extmap_allow_mixed=offer.extmap_allow_mixed or all(m.extmap_allow_mixed for m in accepted),
    )


def _shared_transport(offer: SessionDescription, accepted: Sequence[MediaDescription]) -> Transport:
    """That of the tagged m-line: the first of the BUNDLE group that we accept (RFC 8843 section 7.3)."""
    if not accepted:
        raise Unacceptable("no m-line with audio or video that can be served")
    bundle = offer.bundle_of(accepted[0].mid)
    if len(accepted) > 1 and any(media.mid not in bundle for media in accepted):
        raise Unacceptable("audio and video must be in one BUNDLE group")
    tagged = min(accepted, key=lambda media: bundle.index(media.mid) if media.mid in bundle else 0)
    transport = offer.transport_of(tagged)
    # Some offerers write the shared values once, on a line that may be one we reject.
    for media in offer.media:
        if media.mid in bundle:
            transport = transport.over(media.transport)
    return transport


def _usable_fingerprints(transport: Transport) -> tuple[Fingerprint, ...]:
    usable = tuple(
        fingerprint
        for fingerprint in transport.fingerprints
        if len(fingerprint.value) + 1 == 3 * _DIGEST_BYTES.get(fingerprint.algorithm, 0)
    )
    if not usable:
        raise Unacceptable(f"no certificate fingerprint by {', '.join(_DIGEST_BYTES)}")
    return usable

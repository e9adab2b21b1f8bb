"""What publish and play have in common: one m-line that we send on, or that we receive on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia
from gateway.protocol.sdp.codec_matching import offered_codecs
from gateway.protocol.sdp.model import Direction, MediaDescription, SessionDescription
from gateway.protocol.sdp.policy import PlayPolicy, PublishPolicy
from gateway.protocol.sdp.source_matching import announced_sources
from gateway.protocol.sdp.transport_matching import media_mid, require_transport

_KINDS: Final = {kind.value: kind for kind in MediaKind}
_TRANSPORT_CC: Final = "transport-cc"
_REMB: Final = "goog-remb"
_ONE_BYTE_IDS: Final = range(1, 15)
_TWO_BYTE_IDS: Final = range(1, 256)

Policy = PublishPolicy | PlayPolicy


def media_kind(media: MediaDescription) -> MediaKind | None:
    """The kind of an m-line; None for data channels and the like."""
    return _KINDS.get(media.kind)


def rejected(offer: SessionDescription, index: int) -> NegotiatedMedia:
    """The m-line at `index`, turned down."""
    return NegotiatedMedia(mid=media_mid(offer, index), kind=media_kind(offer.media[index]), rejected=True)


def sent(offer: SessionDescription, index: int, policy: Policy, uris: Sequence[str]) -> NegotiatedMedia:
    """The m-line at `index` as one that we send on.

    It has the codecs that it and `policy` have in common, maybe none, and the offered extensions of `uris`.
    Raises `Unacceptable` for a transport that is not DTLS-SRTP with rtcp-mux.
    """
    return replace(_common(offer, index, policy, uris, Direction.RECVONLY), outbound=True)


def received(offer: SessionDescription, index: int, policy: Policy, uris: Sequence[str]) -> NegotiatedMedia:
    """The m-line at `index` as one that we receive on, with the streams that it announces.

    All else is as in `sent`.
    """
    negotiated = _common(offer, index, policy, uris, Direction.SENDONLY)
    return replace(negotiated, ssrcs=announced_sources(offer.media[index]))


def _common(
    offer: SessionDescription, index: int, policy: Policy, uris: Sequence[str], flow: Direction
) -> NegotiatedMedia:
    """`flow` is the way of the media, seen from the offerer, to which it may limit extensions."""
    media = offer.media[index]
    require_transport(media)
    codecs: Sequence[Codec] = offered_codecs(media, policy.codecs, policy.feedback)
    extmaps = _extensions(offer, media, uris, flow)
    # transport-cc stands only where both its extension and its feedback do.
    if not any(_TRANSPORT_CC in codec.feedback for codec in codecs):
        extmaps.pop(extensions.TRANSPORT_CC, None)
    if extensions.TRANSPORT_CC not in extmaps:
        codecs = [replace(codec, feedback=codec.feedback - {_TRANSPORT_CC}) for codec in codecs]
    elif all(_TRANSPORT_CC in codec.feedback and codec.rtx_payload_type is not None for codec in codecs):
        # A client's own estimate would be of those packets alone that bear no transport-wide number.
        codecs = [replace(codec, feedback=codec.feedback - {_REMB}) for codec in codecs]
    return NegotiatedMedia(
        mid=media_mid(offer, index),
        kind=MediaKind(media.kind),
        codecs=tuple(codecs),
        extensions=extmaps,
        rtcp_reduced_size=media.rtcp_reduced_size,
    )


def _extensions(
    offer: SessionDescription, media: MediaDescription, uris: Sequence[str], flow: Direction
) -> dict[str, int]:
    ids = _TWO_BYTE_IDS if offer.extmap_allow_mixed or media.extmap_allow_mixed else _ONE_BYTE_IDS
    extmaps: dict[str, int] = {}
    for extmap in media.extmaps:
        if extmap.direction not in (None, Direction.SENDRECV, flow):
            continue
        if extmap.uri in uris and extmap.id in ids and extmap.id not in extmaps.values():
            extmaps.setdefault(extmap.uri, extmap.id)
    return extmaps

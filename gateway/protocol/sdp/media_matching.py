"""What publish and play have in common: codecs, feedback and header extensions of one m-line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia
from gateway.protocol.sdp.codec_matching import offered_codecs
from gateway.protocol.sdp.model import Direction, MediaDescription
from gateway.protocol.sdp.policy import PlayPolicy, PublishPolicy

_KINDS: Final = {kind.value: kind for kind in MediaKind}
_TRANSPORT_CC: Final = "transport-cc"
_ONE_BYTE_IDS: Final = range(1, 15)
_TWO_BYTE_IDS: Final = range(1, 256)


def media_kind(media: MediaDescription) -> MediaKind | None:
    """The kind of an m-line; None for data channels and the like."""
    return _KINDS.get(media.kind)


def rejected(mid: str, media: MediaDescription) -> NegotiatedMedia:
    """The m-line, turned down."""
    return NegotiatedMedia(mid=mid, kind=media_kind(media), rejected=True)


def accepted(
    mid: str,
    media: MediaDescription,
    policy: PublishPolicy | PlayPolicy,
    *,
    extension_flow: Direction,
    two_byte_extensions: bool,
) -> NegotiatedMedia:
    """The m-line with the codecs and extensions that it and `policy` have in common; maybe no codec.

    `extension_flow` is the way the media will go, seen from the offerer: extensions that the offerer limits
    to the other way are left out. transport-cc stands only where both its extension and its feedback do.
    """
    codecs: Sequence[Codec] = offered_codecs(media, policy.codecs, policy.feedback)
    ids = _TWO_BYTE_IDS if two_byte_extensions else _ONE_BYTE_IDS
    extmaps: dict[str, int] = {}
    for extmap in media.extmaps:
        if extmap.direction not in (None, Direction.SENDRECV, extension_flow):
            continue
        if extmap.uri in policy.extensions and extmap.id in ids and extmap.id not in extmaps.values():
            extmaps.setdefault(extmap.uri, extmap.id)
    if not any(_TRANSPORT_CC in codec.feedback for codec in codecs):
        extmaps.pop(extensions.TRANSPORT_CC, None)
    if extensions.TRANSPORT_CC not in extmaps:
        codecs = [replace(codec, feedback=codec.feedback - {_TRANSPORT_CC}) for codec in codecs]
    return NegotiatedMedia(
        mid=mid,
        kind=MediaKind(media.kind),
        codecs=tuple(codecs),
        extensions=extmaps,
        rtcp_reduced_size=media.rtcp_reduced_size,
    )

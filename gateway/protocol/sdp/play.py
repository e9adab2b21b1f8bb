"""WHEP: a viewer's offer and our policy agree on what we send (draft-ietf-wish-whep-03 section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.errors import Unacceptable
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia, NegotiatedSession
from gateway.protocol.sdp import media_matching, transport_matching
from gateway.protocol.sdp.codec_matching import match_codec
from gateway.protocol.sdp.model import Direction, MediaDescription, SessionDescription
from gateway.protocol.sdp.policy import PlayPolicy


def negotiate_play(offer: SessionDescription, policy: PlayPolicy) -> NegotiatedSession:
    """One audio and one video m-line with every offered codec that we know, the published one first.

    A kind that nobody publishes yet is accepted all the same, since a publisher may add it or come back with
    another codec; without a common codec it is rejected. Raises `Unacceptable` when a kind is offered but no
    m-line of it may receive, when a published kind has no matching codec, and for any transport that
    `transport_matching.agree` does not take.
    """
    chosen = {kind: _choose(offer, kind) for kind in MediaKind if kind in policy.kinds}
    negotiated: list[NegotiatedMedia] = []
    for index, media in enumerate(offer.media):
        mid = transport_matching.media_mid(offer, index)
        kind = media_matching.media_kind(media)
        if kind is None or chosen.get(kind) != index:
            negotiated.append(media_matching.rejected(mid, media))
        else:
            negotiated.append(_sent(mid, offer, media, policy))
    return transport_matching.agree(offer, negotiated)


def _choose(offer: SessionDescription, kind: MediaKind) -> int | None:
    """Position of the first m-line of `kind` that may receive; None when the kind is not offered."""
    enabled = [(index, m) for index, m in enumerate(offer.media) if m.kind == kind and m.enabled]
    receiving = (index for index, media in enabled if media.direction.receives)
    index = next(receiving, None)
    if enabled and index is None:
        raise Unacceptable(f"{kind} is offered {enabled[0][1].direction}; a viewer must receive")
    return index


def _sent(
    mid: str, offer: SessionDescription, media: MediaDescription, policy: PlayPolicy
) -> NegotiatedMedia:
    transport_matching.require_transport(media)
    negotiated = media_matching.accepted(
        mid,
        media,
        policy,
        extension_flow=Direction.RECVONLY,
        two_byte_extensions=offer.extmap_allow_mixed or media.extmap_allow_mixed,
    )
    published = policy.preferred.get(MediaKind(media.kind))
    if published is not None:
        return replace(negotiated, codecs=_published_first(published, negotiated.codecs))
    return negotiated if negotiated.codecs else media_matching.rejected(mid, media)


def _published_first(published: Codec, codecs: Sequence[Codec]) -> tuple[Codec, ...]:
    match = match_codec(published, codecs)
    if match is None:
        raise Unacceptable(f"the published {published.name} is not offered in a fitting form")
    return (match, *(codec for codec in codecs if codec is not match))

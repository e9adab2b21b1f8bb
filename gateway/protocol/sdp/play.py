"""WHEP: a viewer's offer and our policy agree on what we send (draft-ietf-wish-whep-03 section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.errors import Unacceptable
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia, NegotiatedSession
from gateway.protocol.sdp import media_matching, transport_matching
from gateway.protocol.sdp.codec_matching import match_codec
from gateway.protocol.sdp.model import Direction, SessionDescription
from gateway.protocol.sdp.policy import PlayPolicy


def negotiate_play(offer: SessionDescription, policy: PlayPolicy) -> NegotiatedSession:
    """As many lines as the policy has, with every offered codec that we know, the published one first.

    We send on lines that may receive, whether they only receive or not: players that add a track to receive
    one offer to send as well. The first of a kind is the main one, and must match what is published. A kind
    that nobody publishes yet is accepted all the same, since a publisher may add it or come back with another
    codec; without a common codec it is rejected, and so is any further line. Where the policy has talk, the
    first audio line that only sends is return audio: we receive on it.

    Raises `Unacceptable` when a kind is offered but no m-line of it may receive (nor talk), when a published
    kind has no matching codec, when only return audio remains, and for any transport that
    `transport_matching.agree` does not take.
    """
    talk = _talk_line(offer, policy)
    places = {
        index: place
        for kind in MediaKind
        if kind in policy.kinds
        for place, index in enumerate(_played_lines(offer, kind, policy, talk))
    }
    negotiated: list[NegotiatedMedia] = []
    for index in range(len(offer.media)):
        line = None
        if index == talk:
            line = media_matching.received(offer, index, policy, policy.talk_extensions)
        elif index in places:
            line = _sent(offer, index, policy, main=places[index] == 0)
        negotiated.append(line if line and line.codecs else media_matching.rejected(offer, index))
    _require_picture_or_sound(negotiated)
    return transport_matching.agree(offer, negotiated)


def _talk_line(offer: SessionDescription, policy: PlayPolicy) -> int | None:
    """Position of the first audio line that only sends, where the viewer may talk."""
    if not policy.talk or MediaKind.AUDIO not in policy.kinds:
        return None
    talking = (
        index
        for index, media in enumerate(offer.media)
        if media.kind == MediaKind.AUDIO and media.enabled and media.direction is Direction.SENDONLY
    )
    return next(talking, None)


def _played_lines(
    offer: SessionDescription, kind: MediaKind, policy: PlayPolicy, talk: int | None
) -> list[int]:
    """Positions of the first m-lines of `kind` that may receive, as many as the policy has."""
    enabled = [(index, m) for index, m in enumerate(offer.media) if m.kind == kind and m.enabled]
    receiving = [index for index, media in enabled if media.direction.receives]
    if enabled and not receiving and (kind is MediaKind.VIDEO or talk is None):
        raise Unacceptable(f"{kind} is offered {enabled[0][1].direction}; a viewer must receive")
    return receiving[: policy.video_lines if kind is MediaKind.VIDEO else policy.audio_lines]


def _sent(offer: SessionDescription, index: int, policy: PlayPolicy, *, main: bool) -> NegotiatedMedia:
    negotiated = media_matching.sent(offer, index, policy, policy.extensions)
    published = policy.preferred.get(MediaKind(offer.media[index].kind))
    if published is None:
        return negotiated
    match = match_codec(published, negotiated.codecs)
    # What is published on the main line says little of the other cameras and talkers.
    if match is None and main:
        raise Unacceptable(f"the published {published.name} is not offered in a fitting form")
    return replace(negotiated, codecs=_first(match, negotiated.codecs))


def _first(match: Codec | None, codecs: Sequence[Codec]) -> tuple[Codec, ...]:
    return tuple(sorted(codecs, key=lambda codec: codec is not match))


def _require_picture_or_sound(negotiated: Sequence[NegotiatedMedia]) -> None:
    accepted = [media for media in negotiated if not media.rejected]
    if accepted and not any(media.outbound for media in accepted):
        raise Unacceptable("nothing but return audio could be served; a viewer must receive")

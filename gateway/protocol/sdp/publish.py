"""WHIP: a publisher's offer and our policy agree on what we receive (RFC 9725 section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.errors import Unacceptable
from gateway.protocol.description import MediaKind, NegotiatedMedia, NegotiatedSession
from gateway.protocol.sdp import media_matching, transport_matching
from gateway.protocol.sdp.model import Direction, MediaDescription, SessionDescription
from gateway.protocol.sdp.policy import PublishPolicy


def negotiate_publish(offer: SessionDescription, policy: PublishPolicy) -> NegotiatedSession:
    """All of the offered audio and video, or nothing: a session is never accepted in part.

    Where the policy has talk slots, audio lines that only receive are taken for them: we send on those.

    Raises `Unacceptable` for more than one audio or video track, a line that the publisher neither sends on
    nor may receive on, nothing sent at all, a kind that the policy excludes, no common codec, too many layers
    or talk slots, and for any transport that `transport_matching.agree` does not take. M-lines of other kinds
    are rejected and do no harm.
    """
    negotiated: list[NegotiatedMedia] = []
    for index, media in enumerate(offer.media):
        kind = media_matching.media_kind(media)
        if kind is None or not media.enabled:
            negotiated.append(media_matching.rejected(offer, index))
            continue
        if kind not in policy.kinds:
            raise Unacceptable(f"{kind} is not taken here")
        slot = bool(policy.talk_slots) and kind is MediaKind.AUDIO and media.direction is Direction.RECVONLY
        like = sum(m.kind is kind and m.outbound is slot and not m.rejected for m in negotiated)
        if slot:
            negotiated.append(_slot(offer, index, policy, like))
        elif like:
            raise Unacceptable(f"more than one {kind} track")
        else:
            negotiated.append(_received(offer, index, policy))
    _require_media(negotiated)
    return transport_matching.agree(offer, negotiated)


def _require_media(negotiated: Sequence[NegotiatedMedia]) -> None:
    accepted = [media for media in negotiated if not media.rejected]
    if accepted and all(media.outbound for media in accepted):
        raise Unacceptable("nothing is offered but talk slots; a publisher must send")


def _slot(offer: SessionDescription, index: int, policy: PublishPolicy, before: int) -> NegotiatedMedia:
    if before == policy.talk_slots:
        raise Unacceptable(f"more than {policy.talk_slots} talk slots")
    negotiated = media_matching.sent(offer, index, policy, policy.slot_extensions)
    return _with_codecs(negotiated)


def _received(offer: SessionDescription, index: int, policy: PublishPolicy) -> NegotiatedMedia:
    media = offer.media[index]
    if not media.direction.sends:
        raise Unacceptable(f"{media.kind} is offered {media.direction}; a publisher must send")
    negotiated = _with_codecs(media_matching.received(offer, index, policy, policy.extensions))
    rids = _layers(media)
    if len(rids) > policy.max_layers:
        raise Unacceptable(f"more than {policy.max_layers} simulcast layers")
    return replace(negotiated, rids=rids)


def _with_codecs(negotiated: NegotiatedMedia) -> NegotiatedMedia:
    if not negotiated.codecs:
        raise Unacceptable(f"no common codec for {negotiated.kind}")
    return negotiated


def _layers(media: MediaDescription) -> tuple[str, ...]:
    """The first alternative of each simulcast stream that an `a=rid` declares (RFC 8853 section 5.2)."""
    if media.simulcast is None:
        return ()
    declared = {rid.id for rid in media.rids if rid.direction is Direction.SENDONLY}
    offered = (next((rid for rid in stream if rid in declared), None) for stream in media.simulcast.send)
    return tuple(dict.fromkeys(rid for rid in offered if rid is not None))

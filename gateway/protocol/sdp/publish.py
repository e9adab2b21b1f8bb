"""WHIP: a publisher's offer and our policy agree on what we receive (RFC 9725 section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gateway.errors import Unacceptable
from gateway.protocol.description import NegotiatedMedia, NegotiatedSession, SignalledSsrc
from gateway.protocol.sdp import media_matching, transport_matching
from gateway.protocol.sdp.model import Direction, MediaDescription, SessionDescription
from gateway.protocol.sdp.policy import PublishPolicy

_MAX_SOURCES: Final = 32


def negotiate_publish(offer: SessionDescription, policy: PublishPolicy) -> NegotiatedSession:
    """All of the offered audio and video, or nothing: a session is never accepted in part.

    Raises `Unacceptable` for more than one audio or video track, a track that the publisher does not send, a
    kind that the policy excludes, no common codec, too many layers, and for any transport that
    `transport_matching.agree` does not take. M-lines of other kinds are rejected and do no harm.
    """
    negotiated: list[NegotiatedMedia] = []
    for index, media in enumerate(offer.media):
        mid = transport_matching.media_mid(offer, index)
        kind = media_matching.media_kind(media)
        if kind is None or not media.enabled:
            negotiated.append(media_matching.rejected(mid, media))
            continue
        if any(m.kind is kind and not m.rejected for m in negotiated):
            raise Unacceptable(f"more than one {kind} track")
        if kind not in policy.kinds:
            raise Unacceptable(f"{kind} is not taken here")
        negotiated.append(_received(mid, offer, media, policy))
    return transport_matching.agree(offer, negotiated)


def _received(
    mid: str, offer: SessionDescription, media: MediaDescription, policy: PublishPolicy
) -> NegotiatedMedia:
    if not media.direction.sends:
        raise Unacceptable(f"{media.kind} is offered {media.direction}; a publisher must send")
    transport_matching.require_transport(media)
    negotiated = media_matching.accepted(
        mid,
        media,
        policy,
        extension_flow=Direction.SENDONLY,
        two_byte_extensions=offer.extmap_allow_mixed or media.extmap_allow_mixed,
    )
    if not negotiated.codecs:
        raise Unacceptable(f"no common codec for {media.kind}")
    rids = _layers(media)
    if len(rids) > policy.max_layers:
        raise Unacceptable(f"more than {policy.max_layers} simulcast layers")
    return replace(negotiated, rids=rids, ssrcs=_sources(media))


def _layers(media: MediaDescription) -> tuple[str, ...]:
    """The first alternative of each simulcast stream that an `a=rid` declares (RFC 8853 section 5.2)."""
    if media.simulcast is None:
        return ()
    declared = {rid.id for rid in media.rids if rid.direction is Direction.SENDONLY}
    offered = (next((rid for rid in stream if rid in declared), None) for stream in media.simulcast.send)
    return tuple(dict.fromkeys(rid for rid in offered if rid is not None))


def _sources(media: MediaDescription) -> tuple[SignalledSsrc, ...]:
    """Announced media ssrcs: those of a SIM group first, in its order; repair streams only as companions."""
    repairs: dict[int, int] = {}
    companions: set[int] = set()
    layers: list[int] = []
    for group in media.ssrc_groups:
        if group.semantics == "SIM":
            layers.extend(group.ssrcs)
        elif group.semantics in ("FID", "FEC-FR") and len(group.ssrcs) == 2:
            companions.add(group.ssrcs[1])
            if group.semantics == "FID":
                repairs.setdefault(*group.ssrcs)
    primary = [ssrc for ssrc in dict.fromkeys((*layers, *repairs, *media.ssrcs)) if ssrc not in companions]
    if len(primary) > _MAX_SOURCES:
        raise Unacceptable(f"more than {_MAX_SOURCES} ssrcs for {media.kind}")
    return tuple(SignalledSsrc(ssrc, repairs.get(ssrc), cname) for ssrc, cname in _with_cname(media, primary))


def _with_cname(media: MediaDescription, ssrcs: list[int]) -> Iterator[tuple[int, str | None]]:
    return ((ssrc, media.ssrcs.get(ssrc, {}).get("cname")) for ssrc in ssrcs)

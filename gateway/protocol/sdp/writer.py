"""`SessionDescription` to text: CRLF line ends, one order of lines for everything."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.protocol.sdp import attributes
from gateway.protocol.sdp.model import (
    Direction,
    ExtMap,
    MediaDescription,
    RtpMap,
    SessionDescription,
    Simulcast,
    Transport,
)


def write(description: SessionDescription) -> str:
    """The description's text; `parse` reads the same values back."""
    lines = list(_session_lines(description))
    for media in description.media:
        lines.extend(_media_lines(media))
    return "".join(f"{line}\r\n" for line in lines)


def _session_lines(session: SessionDescription) -> Iterator[str]:
    yield from ("v=0", f"o={session.origin}", f"s={session.name}", "t=0 0")
    if session.ice_lite:
        yield "a=ice-lite"
    for group in session.groups:
        yield "a=group:" + " ".join((group.semantics, *group.mids))
    if session.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    if session.msid_semantic is not None:
        yield f"a=msid-semantic:{session.msid_semantic}"
    yield from _transport_lines(session.transport)


def _transport_lines(transport: Transport) -> Iterator[str]:
    if transport.ice_ufrag is not None:
        yield f"a=ice-ufrag:{transport.ice_ufrag}"
    if transport.ice_pwd is not None:
        yield f"a=ice-pwd:{transport.ice_pwd}"
    if transport.ice_options:
        yield "a=ice-options:" + " ".join(transport.ice_options)
    for fingerprint in transport.fingerprints:
        yield f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}"
    if transport.setup is not None:
        yield f"a=setup:{transport.setup}"


def _media_lines(media: MediaDescription) -> Iterator[str]:
    host = media.host or "0.0.0.0"  # noqa: S104 - SDP's way to say "no address yet"
    yield f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}"
    yield f"c=IN {'IP6' if ':' in host else 'IP4'} {host}"
    yield from _transport_lines(media.transport)
    if media.mid is not None:
        yield f"a=mid:{media.mid}"
    for extmap in media.extmaps:
        yield f"a=extmap:{_extmap_text(extmap)}"
    if media.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    yield f"a={media.direction}"
    if media.msid is not None:
        yield f"a=msid:{media.msid}"
    for name, present in (
        ("bundle-only", media.bundle_only),
        ("rtcp-mux", media.rtcp_mux),
        ("rtcp-mux-only", media.rtcp_mux_only),
        ("rtcp-rsize", media.rtcp_reduced_size),
    ):
        if present:
            yield f"a={name}"
    yield from _codec_lines(media)
    yield from _stream_lines(media)
    for candidate in media.candidates:
        yield f"a=candidate:{attributes.candidate_text(candidate)}"
    if media.end_of_candidates:
        yield "a=end-of-candidates"


def _codec_lines(media: MediaDescription) -> Iterator[str]:
    for value in media.feedback.get(None, ()):
        yield f"a=rtcp-fb:* {value}"
    for payload_type in dict.fromkeys((*media.rtpmaps, *media.parameters, *media.feedback)):
        if payload_type is None:
            continue
        if payload_type in media.rtpmaps:
            yield f"a=rtpmap:{_rtpmap_text(media.rtpmaps[payload_type])}"
        for value in media.feedback.get(payload_type, ()):
            yield f"a=rtcp-fb:{payload_type} {value}"
        parameters = media.parameters.get(payload_type)
        if parameters:
            text = ";".join(f"{key}={value}" if value else key for key, value in parameters.items())
            yield f"a=fmtp:{payload_type} {text}"


def _stream_lines(media: MediaDescription) -> Iterator[str]:
    for rid in media.rids:
        yield f"a=rid:{rid.id} {_rid_direction(rid.direction)}"
    if media.simulcast is not None:
        yield f"a=simulcast:{_simulcast_text(media.simulcast)}"
    for group in media.ssrc_groups:
        yield f"a=ssrc-group:{group.semantics} {' '.join(map(str, group.ssrcs))}"
    for ssrc, source in media.ssrcs.items():
        for name, value in source.items():
            yield f"a=ssrc:{ssrc} {name}:{value}"


def _extmap_text(extmap: ExtMap) -> str:
    direction = f"/{extmap.direction}" if extmap.direction is not None else ""
    return f"{extmap.id}{direction} {extmap.uri}"


def _rtpmap_text(rtpmap: RtpMap) -> str:
    channels = f"/{rtpmap.channels}" if rtpmap.channels != 1 else ""
    return f"{rtpmap.payload_type} {rtpmap.name}/{rtpmap.clock_rate}{channels}"


def _rid_direction(direction: Direction) -> str:
    return "send" if direction is Direction.SENDONLY else "recv"


def _simulcast_text(simulcast: Simulcast) -> str:
    return " ".join(
        f"{name} {';'.join(','.join(alternatives) for alternatives in streams)}"
        for name, streams in (("send", simulcast.send), ("recv", simulcast.recv))
        if streams
    )

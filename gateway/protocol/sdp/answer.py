"""The answer's text: a negotiated session plus our addresses, keys and streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.errors import Unacceptable
from gateway.protocol.description import (
    Candidate,
    Codec,
    DtlsRole,
    Fingerprint,
    IceCredentials,
    NegotiatedMedia,
    NegotiatedSession,
)
from gateway.protocol.sdp.model import (
    Direction,
    ExtMap,
    Group,
    MediaDescription,
    Rid,
    RtpMap,
    SessionDescription,
    Simulcast,
    SsrcGroup,
    Transport,
)
from gateway.protocol.sdp.writer import write

MAX_ANSWER_BYTES: Final = 8192
"""FFmpeg reads no more, and never offers more than two m-lines."""

_DISCARD_PORT: Final = 9
_ICE_OPTIONS: Final = ("trickle", "ice2")

# Parameters that name the format or ask the sender for something; those that state what the *offerer*
# receives or sends (max-fs, sprop-parameter-sets and the like) would be wrong in our mouth.
_ECHOED_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "H264": ("level-asymmetry-allowed", "packetization-mode", "profile-level-id"),
    "VP9": ("profile-id",),
    "AV1": ("profile", "level-idx", "tier"),
    "opus": ("minptime", "ptime", "useinbandfec", "usedtx", "stereo", "maxaveragebitrate", "cbr"),
}


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """Our side of the transport."""

    ice: IceCredentials
    fingerprint: Fingerprint
    candidates: tuple[Candidate, ...]
    """Written in this order; some clients read only the first."""
    session_id: int
    """For the o= line; below 2**63."""


@dataclass(frozen=True, slots=True)
class SenderStream:
    """The stream that we send on one m-line."""

    mid: str
    ssrc: int
    rtx_ssrc: int | None
    """Used where RTX was negotiated."""
    cname: str
    msid: str
    """Id of the MediaStream, the same on m-lines that belong together."""
    track_id: str


_NO_SENDERS: Final[Mapping[str, SenderStream]] = {}


def max_answer_bytes(lines: int) -> int:
    """How long an answer that accepts that many m-lines may be.

    A third line, as only browsers offer, gives as much room again, and so does each one after it: a line with
    all the video codecs of Chromium takes 4 kB by itself.
    """
    return MAX_ANSWER_BYTES * max(1, lines - 1)


def write_answer(
    offer: SessionDescription,
    negotiated: NegotiatedSession,
    local: LocalDescription,
    senders: Mapping[str, SenderStream] = _NO_SENDERS,
) -> str:
    """The answer to `offer`: CRLF line ends, at most `max_answer_bytes` long.

    M-lines whose mid is in `senders` are sendonly, the other accepted ones recvonly. `negotiated` must come
    from this very offer. Raises `Unacceptable` when the offer asks for more than fits into an answer.
    """
    tagged, group = _bundle(offer, negotiated)
    template = _template(offer, negotiated, local)
    media = []
    for offered, agreed in zip(offer.media, negotiated.media, strict=True):
        if agreed.rejected:
            media.append(_rejected_line(offered))
            continue
        line = _accepted_line(template, offered, agreed, senders.get(agreed.mid))
        if offered.mid == tagged:
            line = replace(line, candidates=local.candidates, end_of_candidates=True)
        media.append(line)
    text = write(
        SessionDescription(
            origin=f"- {local.session_id} 1 IN IP4 127.0.0.1",
            media=tuple(media),
            groups=group,
            ice_lite=True,
            extmap_allow_mixed=offer.extmap_allow_mixed,
            msid_semantic="WMS *" if senders else None,
        )
    )
    limit = max_answer_bytes(sum(not agreed.rejected for agreed in negotiated.media))
    if len(text.encode()) > limit:
        raise Unacceptable(f"the offer needs an answer of more than {limit} bytes")
    return text


def _bundle(offer: SessionDescription, negotiated: NegotiatedSession) -> tuple[str | None, tuple[Group, ...]]:
    """The mid whose m-line carries the candidates, and the answer's BUNDLE group if the offer had one."""
    lines = zip(offer.media, negotiated.media, strict=True)
    accepted = [offered.mid for offered, agreed in lines if not agreed.rejected]
    mids = tuple(dict.fromkeys(mid for mid in offer.bundle_of(accepted[0]) if mid in accepted))
    return (mids[0], (Group("BUNDLE", mids),)) if mids else (accepted[0], ())


def _rejected_line(offered: MediaDescription) -> MediaDescription:
    """Port 0 and one of the offered formats, with its name, since readers look payload types up."""
    first = offered.formats[0]
    rtpmap = offered.rtpmaps.get(int(first)) if first.isascii() and first.isdigit() else None
    return MediaDescription(
        kind=offered.kind,
        port=0,
        protocol=offered.protocol,
        formats=(first,),
        mid=offered.mid,
        direction=Direction.INACTIVE,
        rtpmaps={} if rtpmap is None else {rtpmap.payload_type: rtpmap},
    )


def _template(
    offer: SessionDescription, negotiated: NegotiatedSession, local: LocalDescription
) -> MediaDescription:
    """What all accepted m-lines say alike: default destination, ICE, DTLS, rtcp-mux."""
    default = local.candidates[0] if local.candidates else None
    offered = {
        option
        for media, agreed in zip(offer.media, negotiated.media, strict=True)
        if not agreed.rejected
        for option in offer.transport_of(media).ice_options
    }
    return MediaDescription(
        kind="",
        port=default.port if default else _DISCARD_PORT,
        protocol="",
        formats=(),
        host=default.host if default else None,
        transport=Transport(
            ice_ufrag=local.ice.ufrag,
            ice_pwd=local.ice.pwd,
            ice_options=tuple(option for option in _ICE_OPTIONS if option in offered),
            fingerprints=(local.fingerprint,),
            setup="passive" if negotiated.dtls_role is DtlsRole.SERVER else "active",
        ),
        extmap_allow_mixed=negotiated.extmap_allow_mixed and not offer.extmap_allow_mixed,
        rtcp_mux=True,
    )


def _accepted_line(
    template: MediaDescription,
    offered: MediaDescription,
    agreed: NegotiatedMedia,
    sender: SenderStream | None,
) -> MediaDescription:
    line = replace(
        template,
        kind=offered.kind,
        protocol=offered.protocol,
        mid=offered.mid,
        direction=_direction(offered, sender),
        rtcp_mux_only=offered.rtcp_mux_only,
        rtcp_reduced_size=agreed.rtcp_reduced_size,
        extmaps=_extmaps(offered, agreed),
    )
    line = _with_codecs(line, agreed.codecs)
    line = _with_layers(line, agreed.rids)
    return line if sender is None else _with_sender(line, agreed, sender)


def _direction(offered: MediaDescription, sender: SenderStream | None) -> Direction:
    if sender is not None:
        return Direction.SENDONLY if offered.direction.receives else Direction.INACTIVE
    return Direction.RECVONLY if offered.direction.sends else Direction.INACTIVE


def _extmaps(offered: MediaDescription, agreed: NegotiatedMedia) -> tuple[ExtMap, ...]:
    return tuple(
        replace(extmap, direction=extmap.direction.mirrored if extmap.direction else None)
        for extmap in offered.extmaps
        if agreed.extensions.get(extmap.uri) == extmap.id
    )


def _with_codecs(line: MediaDescription, codecs: tuple[Codec, ...]) -> MediaDescription:
    rtpmaps: dict[int, RtpMap] = {}
    parameters: dict[int, dict[str, str]] = {}
    for codec in codecs:
        number = codec.payload_type
        rtpmaps[number] = RtpMap(number, codec.name, codec.clock_rate, codec.channels)
        echoed = _ECHOED_PARAMETERS.get(codec.name, ())
        parameters[number] = {key: value for key, value in codec.parameters.items() if key in echoed}
        if codec.rtx_payload_type is not None:
            rtpmaps[codec.rtx_payload_type] = RtpMap(codec.rtx_payload_type, "rtx", codec.clock_rate)
            parameters[codec.rtx_payload_type] = {"apt": str(number)}
    return replace(
        line,
        formats=tuple(map(str, rtpmaps)),
        rtpmaps=rtpmaps,
        parameters=parameters,
        feedback={codec.payload_type: tuple(sorted(codec.feedback)) for codec in codecs},
    )


def _with_layers(line: MediaDescription, rids: tuple[str, ...]) -> MediaDescription:
    if not rids:
        return line
    return replace(
        line,
        rids=tuple(Rid(rid, Direction.RECVONLY) for rid in rids),
        simulcast=Simulcast(recv=tuple((rid,) for rid in rids)),
    )


def _with_sender(line: MediaDescription, agreed: NegotiatedMedia, sender: SenderStream) -> MediaDescription:
    """Declare the stream; Chrome refuses an FID group of which one ssrc lacks cname or msid."""
    msid = f"{sender.msid} {sender.track_id}"
    ssrcs = [sender.ssrc]
    if sender.rtx_ssrc is not None and any(codec.rtx_payload_type is not None for codec in agreed.codecs):
        ssrcs.append(sender.rtx_ssrc)
    return replace(
        line,
        msid=msid,
        ssrcs={ssrc: {"cname": sender.cname, "msid": msid} for ssrc in ssrcs},
        ssrc_groups=(SsrcGroup("FID", tuple(ssrcs)),) if len(ssrcs) == 2 else (),
    )

"""The SDP offers of our own clients: publish (WHIP, sendonly) and play (WHEP, recvonly).

An offer is described with the same values as an answer (`NegotiatedMedia`); here is only its writing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.protocol import extensions as uri
from gateway.protocol.description import (
    Codec,
    Fingerprint,
    IceCredentials,
    MediaKind,
    NegotiatedMedia,
    SignalledSsrc,
)

_random = random.SystemRandom()

_VIDEO_FEEDBACK = frozenset(("nack", "nack pli", "ccm fir", "transport-cc"))

OPUS = Codec(
    MediaKind.AUDIO,
    "opus",
    111,
    48_000,
    2,
    {"minptime": "10", "useinbandfec": "1", "stereo": "1", "sprop-stereo": "1"},
    frozenset(("transport-cc",)),
)


def _h264(payload_type: int, profile: str) -> Codec:
    parameters = {"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": profile}
    return Codec(
        MediaKind.VIDEO, "H264", payload_type, 90_000, 1, parameters, _VIDEO_FEEDBACK, payload_type + 1
    )


def _video(name: str, payload_type: int, **parameters: str) -> Codec:
    fmtp = {key.replace("_", "-"): value for key, value in parameters.items()}
    return Codec(MediaKind.VIDEO, name, payload_type, 90_000, 1, fmtp, _VIDEO_FEEDBACK, payload_type + 1)


H264 = _h264(102, "42e01f")
VP8 = _video("VP8", 96)
PLAYABLE_VIDEO = (
    VP8,
    H264,
    _h264(104, "42001f"),
    _h264(106, "4d001f"),
    _h264(108, "64001f"),
    _video("VP9", 98, profile_id="0"),
    _video("AV1", 45),
)
"""What a player that decodes nothing can count: everything."""

_AUDIO_EXTENSIONS = {uri.MID: 1, uri.TRANSPORT_CC: 4}
_VIDEO_EXTENSIONS = {**_AUDIO_EXTENSIONS, uri.RID: 2, uri.REPAIRED_RID: 3}


@dataclass(frozen=True, slots=True)
class Offer:
    """What was offered, and its text."""

    media: tuple[NegotiatedMedia, ...]
    ice: IceCredentials
    text: str


def publish_offer(
    *,
    video: Codec | None,
    audio: Codec | None,
    rids: Sequence[str] = (),
    ice: IceCredentials,
    fingerprint: Fingerprint,
) -> Offer:
    """An offer that sends. With `rids` the video is simulcast and names no ssrc (RFC 8853)."""
    media = []
    if audio is not None:
        media.append(_line(MediaKind.AUDIO, "0", (audio,), _AUDIO_EXTENSIONS, ssrcs=(_stream(audio),)))
    if video is not None:
        streams = tuple(_stream(video) for _ in rids or ("",))
        mid = str(len(media))
        media.append(_line(MediaKind.VIDEO, mid, (video,), _VIDEO_EXTENSIONS, tuple(rids), streams))
    return _offer(tuple(media), "sendonly", ice, fingerprint)


def play_offer(
    *,
    ice: IceCredentials,
    fingerprint: Fingerprint,
    video: Sequence[Codec] = PLAYABLE_VIDEO,
    audio: Sequence[Codec] = (OPUS,),
) -> Offer:
    """An offer that receives one audio and one video track; an empty sequence leaves a kind out."""
    media = []
    if audio:
        media.append(_line(MediaKind.AUDIO, "0", tuple(audio), _AUDIO_EXTENSIONS))
    if video:
        media.append(_line(MediaKind.VIDEO, str(len(media)), tuple(video), _AUDIO_EXTENSIONS))
    return _offer(tuple(media), "recvonly", ice, fingerprint)


def _line(
    kind: MediaKind,
    mid: str,
    codecs: tuple[Codec, ...],
    extensions: Mapping[str, int],
    rids: tuple[str, ...] = (),
    ssrcs: tuple[SignalledSsrc, ...] = (),
) -> NegotiatedMedia:
    return NegotiatedMedia(mid, kind, False, codecs, extensions, rids, ssrcs, rtcp_reduced_size=True)


def _stream(codec: Codec) -> SignalledSsrc:
    return SignalledSsrc(_ssrc(), _ssrc() if codec.rtx_payload_type is not None else None, "camera")


def _offer(
    media: tuple[NegotiatedMedia, ...], direction: str, ice: IceCredentials, fingerprint: Fingerprint
) -> Offer:
    lines = [
        "v=0",
        f"o=- {_random.getrandbits(62)} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(line.mid for line in media),
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS camera",
    ]
    for line in media:
        lines += _media_lines(line, direction, ice, fingerprint)
    return Offer(media, ice, "\r\n".join(lines) + "\r\n")


def _media_lines(
    media: NegotiatedMedia, direction: str, ice: IceCredentials, fingerprint: Fingerprint
) -> list[str]:
    assert media.kind is not None
    payload_types = []
    for codec in media.codecs:
        payload_types.append(codec.payload_type)
        if codec.rtx_payload_type is not None:
            payload_types.append(codec.rtx_payload_type)
    lines = [
        f"m={media.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, payload_types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ice.ufrag}",
        f"a=ice-pwd:{ice.pwd}",
        "a=ice-options:trickle",
        f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
        "a=setup:actpass",
        f"a=mid:{media.mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    lines += [f"a=extmap:{number} {name}" for name, number in media.extensions.items()]
    if direction == "sendonly":
        lines.append(f"a=msid:camera {media.kind}")
    for codec in media.codecs:
        lines += _codec_lines(codec)
    if media.rids:
        lines += [f"a=rid:{rid} send" for rid in media.rids]
        lines.append(f"a=simulcast:send {';'.join(media.rids)}")
    else:
        for stream in media.ssrcs:
            lines += _ssrc_lines(stream)
    return lines


def _codec_lines(codec: Codec) -> list[str]:
    number = codec.payload_type
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"]
    if codec.parameters:
        lines.append(
            f"a=fmtp:{number} " + ";".join(f"{key}={value}" for key, value in codec.parameters.items())
        )
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in sorted(codec.feedback)]
    if codec.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock_rate}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={number}")
    return lines


def _ssrc_lines(stream: SignalledSsrc) -> list[str]:
    lines = []
    if stream.rtx_ssrc is not None:
        lines.append(f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}")
    lines += [
        f"a=ssrc:{ssrc} cname:{stream.cname}" for ssrc in (stream.ssrc, stream.rtx_ssrc) if ssrc is not None
    ]
    return lines


def _ssrc() -> int:
    return _random.randrange(1, 2**32)

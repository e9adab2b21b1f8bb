"""Which offered payload types carry a codec that we know, and which of them fits a published stream."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from gateway.protocol.description import Codec, MediaKind
from gateway.protocol.sdp.model import MediaDescription

_NAMES: Final = {
    (MediaKind.VIDEO, "h264"): ("H264", 90_000),
    (MediaKind.VIDEO, "vp8"): ("VP8", 90_000),
    (MediaKind.VIDEO, "vp9"): ("VP9", 90_000),
    (MediaKind.VIDEO, "av1"): ("AV1", 90_000),
    (MediaKind.AUDIO, "opus"): ("opus", 48_000),
}
_RTCP_CONFLICTS: Final = range(64, 96)
"""Payload types that rtcp-mux makes indistinguishable from RTCP (RFC 5761 section 4)."""

_DEFAULT_PROFILE_LEVEL_ID: Final = "420010"


class H264Profile(StrEnum):
    """The profiles that WebRTC decoders have."""

    BASELINE = "baseline"
    CONSTRAINED_BASELINE = "constrained-baseline"
    MAIN = "main"
    CONSTRAINED_HIGH = "constrained-high"
    HIGH = "high"


# profile_idc, mask and value of the constraint flags (profile-iop): RFC 6184 table 5; first match counts.
_PROFILE_PATTERNS: Final = (
    (0x42, 0b0100_1111, 0b0100_0000, H264Profile.CONSTRAINED_BASELINE),
    (0x4D, 0b1000_1111, 0b1000_0000, H264Profile.CONSTRAINED_BASELINE),
    (0x58, 0b1100_1111, 0b1100_0000, H264Profile.CONSTRAINED_BASELINE),
    (0x42, 0b0100_1111, 0b0000_0000, H264Profile.BASELINE),
    (0x58, 0b1100_1111, 0b1000_0000, H264Profile.BASELINE),
    (0x4D, 0b1010_1111, 0b0000_0000, H264Profile.MAIN),
    (0x64, 0b1111_1111, 0b0000_0000, H264Profile.HIGH),
    (0x64, 0b1111_1111, 0b0000_1100, H264Profile.CONSTRAINED_HIGH),
)

# Who else decodes a stream of the profile. By the book baseline and high may use slice orders and
# interlacing that constrained decoders lack, but nobody who publishes over WebRTC does.
_DECODERS: Final = {
    H264Profile.CONSTRAINED_BASELINE: frozenset(H264Profile),
    H264Profile.BASELINE: frozenset(H264Profile),
    H264Profile.MAIN: frozenset({H264Profile.HIGH, H264Profile.CONSTRAINED_HIGH}),
    H264Profile.CONSTRAINED_HIGH: frozenset({H264Profile.HIGH}),
    H264Profile.HIGH: frozenset({H264Profile.CONSTRAINED_HIGH}),
}


def h264_profile(parameters: Mapping[str, str]) -> H264Profile | None:
    """The profile that fmtp parameters name; its level is ignored. None for one that nobody here decodes."""
    value = parameters.get("profile-level-id", _DEFAULT_PROFILE_LEVEL_ID)
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", value):
        return None
    idc, iop = int(value[:2], 16), int(value[2:4], 16)
    for pattern_idc, mask, flags, profile in _PROFILE_PATTERNS:
        if idc == pattern_idc and iop & mask == flags:
            return profile
    return None


def offered_codecs(
    media: MediaDescription, names: Sequence[str], feedback: frozenset[str]
) -> tuple[Codec, ...]:
    """The codecs of an audio or video m-line that are among `names`, in the offer's order.

    Each has its RTX payload type and the offered part of `feedback`. Payload types without an rtpmap, with
    another clock rate or an unusable profile, and those that collide with RTCP are left out.
    """
    kind = MediaKind(media.kind)
    retransmissions = _retransmissions(media)
    common = feedback.intersection(media.feedback.get(None, ()))
    codecs = []
    for payload_type in _payload_types(media):
        rtpmap = media.rtpmaps.get(payload_type)
        if rtpmap is None:
            continue
        name, clock_rate = _NAMES.get((kind, rtpmap.name.lower()), ("", 0))
        codec = Codec(
            kind=kind,
            name=name,
            payload_type=payload_type,
            clock_rate=rtpmap.clock_rate,
            channels=rtpmap.channels,
            parameters=media.parameters.get(payload_type, {}),
            feedback=common | feedback.intersection(media.feedback.get(payload_type, ())),
            rtx_payload_type=retransmissions.get(payload_type),
        )
        if name in names and clock_rate == rtpmap.clock_rate and _usable(codec):
            codecs.append(codec)
    return tuple(codecs)


def match_codec(published: Codec, accepted: Sequence[Codec]) -> Codec | None:
    """The accepted codec whose payload type may carry what the publisher sends; None without one.

    H264 wants the same packetization mode and the same profile, else one whose decoders take it; VP9 and AV1
    the same profile. Levels are ignored: senders claim levels that their streams do not keep.
    """
    candidates = [codec for codec in accepted if _same_format(published, codec)]
    if published.name != "H264":
        return candidates[0] if candidates else None
    profile = h264_profile(published.parameters)
    if profile is None:
        return None
    profiles = [(h264_profile(codec.parameters), codec) for codec in candidates]
    exact = (codec for other, codec in profiles if other is profile)
    compatible = (codec for other, codec in profiles if other in _DECODERS[profile])
    return next(exact, None) or next(compatible, None)


def _same_format(published: Codec, codec: Codec) -> bool:
    if (published.kind, published.name) != (codec.kind, codec.name):
        return False
    defaults = {"H264": {"packetization-mode": "0"}, "VP9": {"profile-id": "0"}, "AV1": {"profile": "0"}}
    return all(
        published.parameters.get(key, default) == codec.parameters.get(key, default)
        for key, default in defaults.get(codec.name, {}).items()
    )


def _usable(codec: Codec) -> bool:
    if codec.name == "H264":
        # Mode 2 interleaves packets, which no WebRTC receiver undoes.
        mode = codec.parameters.get("packetization-mode", "0")
        return mode in ("0", "1") and h264_profile(codec.parameters) is not None
    # RFC 7587 wants "/2"; GStreamer leaves it out.
    return codec.name != "opus" or codec.channels in (1, 2)


def _payload_types(media: MediaDescription) -> list[int]:
    numbers = (int(text) for text in dict.fromkeys(media.formats) if text.isascii() and text.isdigit())
    return [number for number in numbers if number < 128 and number not in _RTCP_CONFLICTS]


def _retransmissions(media: MediaDescription) -> dict[int, int]:
    """RTX payload type by the payload type it repairs (RFC 4588 section 8.6)."""
    repaired: dict[int, int] = {}
    for payload_type in _payload_types(media):
        rtpmap = media.rtpmaps.get(payload_type)
        if rtpmap is None or rtpmap.name.lower() != "rtx":
            continue
        apt = media.parameters.get(payload_type, {}).get("apt", "")
        original = media.rtpmaps.get(int(apt)) if apt.isascii() and apt.isdigit() and len(apt) <= 3 else None
        if original is not None and original.clock_rate == rtpmap.clock_rate:
            repaired.setdefault(original.payload_type, payload_type)
    return repaired

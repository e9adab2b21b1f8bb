"""RTP header extensions that the gateway knows, by URI (`a=extmap`, RFC 8285 section 5)."""

from __future__ import annotations

from typing import Final

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
"""Which m-line a packet belongs to (RFC 9143 section 15)."""

RID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
"""Which simulcast layer a packet belongs to (RFC 8852 section 3.1)."""

REPAIRED_RID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
"""Which layer a retransmission repairs (RFC 8852 section 3.2)."""

TRANSPORT_CC: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
"""Transport-wide sequence number, 16 bits."""

ABS_SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
"""Departure time of the packet, 24 bits, 6.18 fixed-point seconds."""

AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
"""Level of the audio in this packet, -dBov, with a voice flag (RFC 6464)."""

VIDEO_ORIENTATION: Final = "urn:3gpp:video-orientation"
"""Rotation and mirroring of the picture (3GPP TS 26.114)."""

ABS_CAPTURE_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
"""NTP time at which the frame was captured, optionally with the clock's offset."""

PLAYOUT_DELAY: Final = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
"""Bounds of the delay that the receiver should play with, 2 x 12 bits of 10 ms."""

DEPENDENCY_DESCRIPTOR: Final = (
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)
"""Which frames a frame needs; made for AV1, usable with any codec."""

SUPPORTED: Final[tuple[str, ...]] = (
    MID,
    RID,
    REPAIRED_RID,
    TRANSPORT_CC,
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    VIDEO_ORIENTATION,
    ABS_CAPTURE_TIME,
    PLAYOUT_DELAY,
    DEPENDENCY_DESCRIPTOR,
)
"""Every extension that an answer accepts."""

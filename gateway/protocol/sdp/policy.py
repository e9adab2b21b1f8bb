"""What the gateway is willing to agree to; negotiation decides nothing that is not written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind

CODECS: Final = ("H264", "VP8", "VP9", "AV1", "opus")
FEEDBACK: Final = frozenset({"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"})
KINDS: Final = frozenset(MediaKind)

PLAY_EXTENSIONS: Final = (
    extensions.TRANSPORT_CC,
    extensions.AUDIO_LEVEL,
    extensions.VIDEO_ORIENTATION,
    extensions.ABS_CAPTURE_TIME,
    extensions.PLAYOUT_DELAY,
    extensions.DEPENDENCY_DESCRIPTOR,
)
"""What forwarded packets may carry to a viewer. Streams are told apart by the ssrcs that the answer
declares, so neither mid nor rid is among them."""

TALK_EXTENSIONS: Final = (extensions.MID, extensions.TRANSPORT_CC, extensions.AUDIO_LEVEL)
"""What return audio brings: the level decides, undecoded, who of several talkers is heard."""


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """What a publisher may send, and how much return audio it may hear. Codec order is the publisher's."""

    codecs: tuple[str, ...] = CODECS
    """Canonical names, as in `Codec.name`."""
    feedback: frozenset[str] = FEEDBACK
    extensions: tuple[str, ...] = extensions.SUPPORTED
    """On the lines that it sends."""
    kinds: frozenset[MediaKind] = KINDS
    """An m-line of another kind makes the offer unacceptable."""
    max_layers: int = 8
    """More simulcast layers than this make the offer unacceptable."""
    talk_slots: int = 0
    """Audio lines on which it may receive, a talker each; more make the offer unacceptable."""
    slot_extensions: tuple[str, ...] = PLAY_EXTENSIONS
    """On the talk slots."""


@dataclass(frozen=True, slots=True)
class PlayPolicy:
    """What a viewer may receive, and whether it may talk back."""

    preferred: Mapping[MediaKind, Codec | None] = field(default_factory=dict)
    """What is published now, by kind; the answer puts its match first. The first line must have one."""
    codecs: tuple[str, ...] = CODECS
    feedback: frozenset[str] = FEEDBACK
    extensions: tuple[str, ...] = PLAY_EXTENSIONS
    """On the lines that it receives."""
    kinds: frozenset[MediaKind] = KINDS
    """An m-line of another kind is rejected."""
    video_lines: int = 1
    """Lines that may receive video: the main picture, then thumbnails and pinned cameras."""
    audio_lines: int = 1
    """Lines that may receive audio: several where a technician hears several talkers."""
    talk: bool = False
    """Whether an audio line that only sends is taken as return audio."""
    talk_extensions: tuple[str, ...] = TALK_EXTENSIONS
    """On the line of the return audio."""

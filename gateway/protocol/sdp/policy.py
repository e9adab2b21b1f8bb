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


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """What a publisher may send. Codec order is the publisher's."""

    codecs: tuple[str, ...] = CODECS
    """Canonical names, as in `Codec.name`."""
    feedback: frozenset[str] = FEEDBACK
    extensions: tuple[str, ...] = extensions.SUPPORTED
    kinds: frozenset[MediaKind] = KINDS
    """An m-line of another kind makes the offer unacceptable."""
    max_layers: int = 8
    """More simulcast layers than this make the offer unacceptable."""


@dataclass(frozen=True, slots=True)
class PlayPolicy:
    """What a viewer may receive."""

    preferred: Mapping[MediaKind, Codec | None] = field(default_factory=dict)
    """What is published now, by kind; the answer puts its match first, and must have one."""
    codecs: tuple[str, ...] = CODECS
    feedback: frozenset[str] = FEEDBACK
    extensions: tuple[str, ...] = PLAY_EXTENSIONS
    kinds: frozenset[MediaKind] = KINDS
    """An m-line of another kind is rejected."""

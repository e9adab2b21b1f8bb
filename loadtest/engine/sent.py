"""When each frame of a loop was sent last: written by the publisher, read by the checkers of this machine.

The pictures are encoded beforehand, so a clock in them can only be the number of a frame.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from typing import Final

from loadtest.engine.clip import cache_folder
from loadtest.engine.picture import MAX_FRAMES, MAX_LAYERS

_TIME: Final = struct.Struct("@d")
_SIZE: Final = MAX_FRAMES * MAX_LAYERS * _TIME.size


class SentTimes:
    """A file of Unix times, one for each frame of each layer, shared by all who know the publisher's URL."""

    def __init__(self, whip: str) -> None:
        folder = cache_folder() / "sent"
        folder.mkdir(exist_ok=True)
        path = folder / hashlib.sha256(whip.encode()).hexdigest()[:16]
        with path.open("a+b") as file:
            file.truncate(_SIZE)
            self._map = mmap.mmap(file.fileno(), _SIZE)

    def note(self, layer: int, frame: int, at: float) -> None:
        """The frame is sent at Unix time `at`."""
        _TIME.pack_into(self._map, _place(layer, frame), at)

    def at(self, layer: int, frame: int) -> float:
        """When the frame was sent last; 0 for never."""
        return float(_TIME.unpack_from(self._map, _place(layer, frame))[0])

    def close(self) -> None:
        """Let go of the file. May be called again."""
        self._map.close()


def _place(layer: int, frame: int) -> int:
    return (layer * MAX_FRAMES + frame) * _TIME.size

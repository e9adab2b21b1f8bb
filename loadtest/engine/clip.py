"""Real media, encoded once and kept: pictures of an exact bitrate in a loop, a second of speech-like sound.

Clips are kept as files under the user's cache folder; the first run on a machine makes them.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gateway.client.packetize import packetize_h264, packetize_vp8
from loadtest.engine import film
from loadtest.engine.stamp import PLACEHOLDER
from loadtest.messages import Layer

VERSION: Final = 1
"""Of what is in the files: another number makes them anew."""
LOOP_SECONDS: Final = 10.0
SOUND_BLOCK: Final = 0.02
"""Seconds in one packet of sound."""
_PICTURE_ID_BITS: Final = 15


@dataclass(frozen=True, slots=True)
class Clip:
    """A loop: the payloads of each frame, and which frames a decoder can start with.

    The last payload of each frame ends with room for a stamp.
    """

    frames: tuple[tuple[bytes, ...], ...]
    keyframes: tuple[int, ...]


def cache_folder() -> Path:
    """Where clips are kept; it is made where it is missing."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "repair-live-loadtest"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def video(codec: Literal["h264", "vp8"], layer: Layer, number: int, keyframe_seconds: float) -> Clip:
    """The loop of a layer; `number` is in its pictures' code."""
    seconds = keyframe_seconds * math.ceil(LOOP_SECONDS / keyframe_seconds)
    group = max(1, round(keyframe_seconds * layer.fps))
    length = group * max(1, round(seconds * layer.fps / group))
    name = f"{codec}-{layer.width}x{layer.height}-{layer.fps}-{layer.kbit}-{group}-{length}-{number}"
    frames = _kept(name, lambda: film.shoot(codec, layer, number, group, length))
    packetize = _h264 if codec == "h264" else _vp8
    return Clip(
        tuple(packetize(frame, place) for place, frame in enumerate(frames)), tuple(range(0, length, group))
    )


def sound() -> Clip:
    """A second of sound, one payload a frame of `SOUND_BLOCK`."""
    frames = _kept("opus", film.record)
    return Clip(tuple((_with_room(frame),) for frame in frames), ())


def _h264(frame: bytes, _: int) -> tuple[bytes, ...]:
    return tuple(packetize_h264(frame + PLACEHOLDER))


def _vp8(frame: bytes, place: int) -> tuple[bytes, ...]:
    return tuple(packetize_vp8(frame + PLACEHOLDER, place))


def _with_room(packet: bytes) -> bytes:
    """An Opus packet of one frame with the stamp's place as padding (RFC 6716 section 3.2.5, code 3)."""
    assert packet[0] & 3 == 0
    return bytes((packet[0] | 3, 0x41, len(PLACEHOLDER))) + packet[1:] + PLACEHOLDER


def _kept(name: str, make: Callable[[], Sequence[bytes]]) -> list[bytes]:
    digest = hashlib.sha256(f"{VERSION} {name}".encode()).hexdigest()[:8]
    path = cache_folder() / f"{name}-{digest}.clip"
    with contextlib.suppress(OSError, struct.error):
        return _unpack(path.read_bytes())
    frames = list(make())
    # Several workers may make the same clip at once: whole files only.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        for frame in frames:
            file.write(struct.pack("!I", len(frame)) + frame)
    Path(temporary).replace(path)
    return frames


def _unpack(data: bytes) -> list[bytes]:
    frames, place = [], 0
    while place < len(data):
        (size,) = struct.unpack_from("!I", data, place)
        frames.append(data[place + 4 : place + 4 + size])
        place += 4 + size
    return frames

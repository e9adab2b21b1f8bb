"""Encodes what is published, by PyAV: H264 or VP8 as live encoders make it, and Opus."""

from __future__ import annotations

import math
import random
from array import array
from fractions import Fraction
from typing import Final, Literal

import av
from av.video.frame import PictureType

from loadtest.engine.picture import Painter, code_of
from loadtest.engine.stamp import SIZE as STAMP
from loadtest.messages import Layer

ATTEMPTS: Final = 5
TOO_MUCH: Final = 1.02
"""Times the wished bitrate from which on the encoder is given less and encodes again."""
_AIM: Final = 0.96
_FILLER: Final = b"\xff"
"""What makes a frame longer behind its last slice or partition, where decoders have stopped to read."""
SAMPLE_RATE: Final = 48_000
_BLOCK: Final = 960
_H264: Final = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "level": "31",
    "forced-idr": "1",
    "sc_threshold": "0",
}
_VP8: Final = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}


def shoot(codec: Literal["h264", "vp8"], layer: Layer, number: int, group: int, length: int) -> list[bytes]:
    """`length` frames of which every `group`th is a keyframe, together within 2 % of the layer's bitrate."""
    wished = layer.kbit * 1_000 // 8 * length // layer.fps - STAMP * length
    share = _AIM
    for _ in range(ATTEMPTS):
        frames = _encode(codec, layer, number, group, length, share)
        total = sum(map(len, frames))
        if total <= wished * TOO_MUCH:
            break
        share *= wished / total
    return _fill(frames, wished, group)


def _fill(frames: list[bytes], wished: int, group: int) -> list[bytes]:
    """Spread what is missing over the frames that are no keyframes."""
    lacking = max(0, wished - sum(map(len, frames)))
    others = [place for place in range(len(frames)) if place % group] or list(range(len(frames)))
    for rank, place in enumerate(others):
        part = lacking // (len(others) - rank)
        lacking -= part
        frames[place] += _FILLER * part
    return frames


def _encode(codec: str, layer: Layer, number: int, group: int, length: int, share: float) -> list[bytes]:
    bitrate = round(layer.kbit * 1_000 * share)
    context = av.CodecContext.create("libx264" if codec == "h264" else "libvpx", "w")
    context.width, context.height = layer.width, layer.height
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(layer.fps, 1)
    context.time_base = Fraction(1, layer.fps)
    context.bit_rate = bitrate
    context.gop_size = group
    context.max_b_frames = 0
    context.thread_count = 1
    limits = {"maxrate": str(bitrate), "bufsize": str(bitrate)}
    if codec == "h264":
        context.profile = "Baseline"
        context.options = _H264 | limits
    else:
        context.options = _VP8 | limits | {"minrate": str(bitrate)}
    painter = Painter(layer.width, layer.height)
    frames = []
    for place in range(length):
        frame = av.VideoFrame(layer.width, layer.height, "yuv420p")
        painter.draw([memoryview(plane) for plane in frame.planes], code_of(number, place), place)
        frame.pts = place
        frame.time_base = Fraction(1, layer.fps)
        frame.pict_type = PictureType.I if place % group == 0 else PictureType.NONE
        frames.append(b"".join(bytes(packet) for packet in context.encode(frame)))
    return frames


def record() -> list[bytes]:
    """A second of syllables in Opus at 64 kbit/s, one packet of 20 ms each."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate = SAMPLE_RATE
    context.layout = "stereo"
    context.format = "s16"
    context.bit_rate = 64_000
    context.time_base = Fraction(1, SAMPLE_RATE)
    context.options = {"application": "voip", "frame_duration": "20"}
    samples = _syllables()
    packets: list[bytes] = []
    for start in range(0, 2 * SAMPLE_RATE, 2 * _BLOCK):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=_BLOCK)
        frame.planes[0].update(samples[start : start + 2 * _BLOCK].tobytes())
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start // 2
        packets += [bytes(packet) for packet in context.encode(frame)]
    return packets


def _syllables() -> array[int]:
    """Four syllables a second: harmonics of a voice, swelling and fading, with breath."""
    noise = random.Random(1)
    samples = array("h")
    for index in range(SAMPLE_RATE):
        at = index / SAMPLE_RATE
        swell = max(0.0, math.sin(2 * math.pi * 4 * at))
        turn = 2 * math.pi * 120 * at
        voice = sum(math.sin(turn * harmonic) / harmonic for harmonic in range(1, 8))
        value = round(32_767 * swell * (0.12 * voice + 0.02 * noise.uniform(-1, 1)))
        samples.append(value)
        samples.append(value)
    return samples

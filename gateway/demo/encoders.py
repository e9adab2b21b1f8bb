"""x264 and Opus through PyAV, set for live sending: no look-ahead, no B-frames, keyframes on demand."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.frame import PictureType

from gateway.demo import sound
from gateway.demo.picture import Picture

VIDEO_CLOCK = 90_000
KEYFRAME_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Layer:
    """One simulcast layer; `bitrate` in bit/s."""

    rid: str
    width: int
    height: int
    bitrate: int


class LayerEncoder:
    """Draws and encodes one layer as constrained-baseline H264 in annex B form."""

    def __init__(self, layer: Layer, fps: int) -> None:
        self.layer = layer
        self._picture = Picture(layer.width, layer.height)
        self._frame_number = 0
        self._fps = fps
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = layer.width, layer.height
        context.pix_fmt = "yuv420p"
        context.framerate = Fraction(fps, 1)
        context.time_base = Fraction(1, fps)
        context.bit_rate = layer.bitrate
        context.gop_size = KEYFRAME_SECONDS * fps
        context.max_b_frames = 0
        context.thread_count = 1
        context.profile = "Baseline"
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "level": "31",
            "forced-idr": "1",
            "sc_threshold": "0",
            "maxrate": str(layer.bitrate),
            "bufsize": str(layer.bitrate // 2),
        }
        self._context = context

    def encode(self, captured: float, *, keyframe: bool) -> bytes:
        """The access unit of the picture at Unix time `captured`; SPS and PPS before every keyframe."""
        frame = av.VideoFrame(self.layer.width, self.layer.height, "yuv420p")
        self._picture.draw([memoryview(plane) for plane in frame.planes], captured)
        frame.pts = self._frame_number
        frame.time_base = Fraction(1, self._fps)
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        self._frame_number += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class SoundEncoder:
    """Encodes the demo's sound with Opus in packets of 20 ms."""

    def __init__(self, bitrate: int = 64_000) -> None:
        context = av.CodecContext.create("libopus", "w")
        context.sample_rate = sound.SAMPLE_RATE
        context.layout = "stereo"
        context.format = "s16"
        context.bit_rate = bitrate
        context.time_base = Fraction(1, sound.SAMPLE_RATE)
        context.options = {"application": "lowdelay", "frame_duration": "20"}
        self._context = context
        self._blocks = sound.make_blocks()
        self._samples = 0

    def encode(self, block: int) -> list[bytes]:
        """The Opus packets (one, as a rule) of the 20 ms block number `block`, counted from a full second."""
        frame = av.AudioFrame(format="s16", layout="stereo", samples=sound.BLOCK_SAMPLES)
        frame.planes[0].update(self._blocks[block % sound.BLOCKS])
        frame.sample_rate = sound.SAMPLE_RATE
        frame.pts = self._samples
        self._samples += sound.BLOCK_SAMPLES
        return [bytes(packet) for packet in self._context.encode(frame)]

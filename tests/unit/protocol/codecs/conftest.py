"""Real encoders, and FFmpeg's own RTP packetiser: the truth that detection is checked against."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import av
import pytest
from av.video.frame import PictureType

from gateway.protocol.rtp import parse_rtp

WIDTH, HEIGHT = 322, 182
"""No multiple of 16: H264 has to crop."""

KEYFRAMES = (0, 5)
FRAMES = 9

ENCODERS = {
    "H264": ("libx264", {"tune": "zerolatency", "preset": "ultrafast", "forced-idr": "1"}),
    "VP8": ("libvpx", {"deadline": "realtime", "lag-in-frames": "0"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "lag-in-frames": "0"}),
    "AV1": ("libsvtav1", {"preset": "10", "svtav1-params": "pred-struct=1:lookahead=0:rc=0:log-level=0"}),
}


@dataclass(frozen=True)
class EncodedFrame:
    """A frame as the encoder gave it and the RTP payloads FFmpeg made of it."""

    is_keyframe: bool
    data: bytes
    payloads: list[bytes]


class _Datagrams:
    """A file whose every write is a datagram."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.written.append(bytes(data))
        return len(data)

    def take_payloads(self) -> list[bytes]:
        payloads = [parse_rtp(data).payload for data in self.written if not 192 <= data[1] <= 223]
        self.written.clear()
        return payloads


def encode(codec: str) -> list[EncodedFrame]:
    """A few frames of noise, keyframes where KEYFRAMES says, in packets of 600 octets."""
    name, options = ENCODERS[codec]
    sink = _Datagrams()
    container = av.open(sink, "w", format="rtp", options={"packetsize": "600", "strict": "experimental"})
    stream = container.add_stream(name, rate=30, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    if codec != "AV1":
        stream.bit_rate = 800_000
    noise = random.Random(1)
    frames: list[EncodedFrame] = []

    def mux(packets: list[av.Packet]) -> None:
        for packet in packets:
            data, is_keyframe = bytes(packet), packet.is_keyframe
            container.mux(packet)
            frames.append(EncodedFrame(is_keyframe, data, sink.take_payloads()))

    for number in range(FRAMES):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane in frame.planes:
            plane.update(noise.randbytes(plane.buffer_size))
        frame.pts = number
        frame.pict_type = PictureType.I if number in KEYFRAMES else PictureType.NONE
        mux(stream.encode(frame))
    mux(stream.encode(None))
    return frames


@pytest.fixture(scope="session")
def encoded() -> Callable[[str], list[EncodedFrame]]:
    """Encoded frames by codec name; each codec is encoded once."""
    cache: dict[str, list[EncodedFrame]] = {}

    def get(codec: str) -> list[EncodedFrame]:
        if codec not in cache:
            cache[codec] = encode(codec)
        return cache[codec]

    return get

"""Synthetic media of an exact bitrate: VP8-shaped frames, simulcast or not, and Opus-sized packets.

Each packet carries what it belongs to and the time at which it was sent. Nothing decodes these; the gateway
only looks for keyframes and their size, and the players count.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from gateway.client.offer import OPUS, VP8
from gateway.client.packetize import packetize_vp8
from gateway.client.publisher import Publisher, PublishRequest
from loadtest.bench.gateway_process import RunningGateway

FPS = 25
AUDIO_RATE = 50
AUDIO_BYTES = 160
KEYFRAME_SECONDS = 2
LIVE_AFTER = 0.5
"""Seconds of media after which the gateway lets viewers in, with a margin."""
SOUND = 0
"""What a packet belongs to: sound, or else the place of its encoding, counted from 1."""
_STAMP = struct.Struct("!Bd")
# RFC 6386 section 9.1: frame tag (key, shown), start code; width and height follow.
_KEY_HEADER = b"\x10\x00\x00\x9d\x01\x2a"
_DELTA_HEADER = b"\x11\x00\x00"


@dataclass(frozen=True, slots=True)
class Encoding:
    """A picture that is sent: its rid (None without simulcast), bit/s, and the pixels its keyframes tell."""

    rid: str | None
    bitrate: int
    width: int
    height: int

    @property
    def bytes_a_frame(self) -> int:
        return self.bitrate // 8 // FPS

    @property
    def key_header(self) -> bytes:
        return _KEY_HEADER + struct.pack("<HH", self.width, self.height)


SIMULCAST = (
    Encoding("low", 150_000, 320, 180),
    Encoding("mid", 500_000, 640, 360),
    Encoding("high", 1_700_000, 1_280, 720),
)
"""What a browser makes of a 720p camera, worst first."""


def one_stream(bitrate: int) -> tuple[Encoding, ...]:
    """A picture of `bitrate` bit/s without simulcast."""
    return (Encoding(None, bitrate, 1_280, 720),)


def read_stamp(payload: bytes) -> tuple[int, float]:
    """What a payload belongs to, `SOUND` or an encoding's place, and the Unix time at which it was sent."""
    place, at = _STAMP.unpack_from(payload, len(payload) - _STAMP.size)
    return int(place), float(at)


def _stamped(payload: bytes, place: int) -> bytes:
    return payload[: -_STAMP.size] + _STAMP.pack(place, time.time())


class SteadyPublisher:
    """Publishes these encodings and Opus-like sound until it is closed."""

    def __init__(
        self, gateway: RunningGateway, http: aiohttp.ClientSession, encodings: Sequence[Encoding]
    ) -> None:
        self._encodings = encodings
        self._filler = os.urandom(max(encoding.bytes_a_frame for encoding in encodings))
        self._keyframes_due = {encoding.rid for encoding in encodings}
        rids = tuple(encoding.rid for encoding in encodings if encoding.rid is not None)
        self._publisher = Publisher(
            PublishRequest(gateway.whip, gateway.publish_token, video=VP8, audio=OPUS, rids=rids),
            http,
            self._keyframes_due.add,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect, begin to send, and wait until that has made the camera live."""
        await self._publisher.open()
        self._tasks = [asyncio.create_task(self._video()), asyncio.create_task(self._audio())]
        await asyncio.sleep(LIVE_AFTER)

    async def close(self) -> None:
        """Stop sending and end the session."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._publisher.close()

    async def _video(self) -> None:
        number = 0
        begin = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, begin + number / FPS - time.monotonic()))
            if number % (KEYFRAME_SECONDS * FPS) == 0:
                self._keyframes_due.update(encoding.rid for encoding in self._encodings)
            captured = time.time()
            for place, encoding in enumerate(self._encodings, 1):
                self._send_frame(place, encoding, number, captured)
            number += 1

    def _send_frame(self, place: int, encoding: Encoding, number: int, captured: float) -> None:
        keyframe = encoding.rid in self._keyframes_due
        self._keyframes_due.discard(encoding.rid)
        frame = (encoding.key_header if keyframe else _DELTA_HEADER) + self._filler
        payloads = packetize_vp8(frame[: encoding.bytes_a_frame], number)
        for payload in payloads:
            # One at a time: each carries the moment at which it really leaves.
            stamped = (_stamped(payload, place),)
            self._publisher.send_video(encoding.rid, stamped, captured, last=payload is payloads[-1])

    async def _audio(self) -> None:
        filler = os.urandom(AUDIO_BYTES)
        number = 0
        begin = time.monotonic() + 0.007  # beside the frames, not on them
        while True:
            await asyncio.sleep(max(0.0, begin + number / AUDIO_RATE - time.monotonic()))
            self._publisher.send_audio(_stamped(filler, SOUND), time.time())
            number += 1

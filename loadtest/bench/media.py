"""Synthetic media of an exact bitrate: VP8-shaped frames and Opus-sized packets.

Each packet carries the time at which it was sent. Nothing decodes these; the gateway only looks for
keyframes, and the players count.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time

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
_STAMP = struct.Struct("!d")
# RFC 6386 section 9.1: frame tag (key, shown), start code, 1280 x 720.
_KEY_HEADER = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 1_280, 720)
_DELTA_HEADER = b"\x11\x00\x00"


def sent_at(payload: bytes) -> float:
    """The Unix time at which a payload was sent."""
    return float(_STAMP.unpack_from(payload, len(payload) - _STAMP.size)[0])


def _stamped(payload: bytes) -> bytes:
    return payload[: -_STAMP.size] + _STAMP.pack(time.time())


class SteadyPublisher:
    """Publishes `bitrate` bit/s of video and Opus-like sound until it is closed."""

    def __init__(self, gateway: RunningGateway, http: aiohttp.ClientSession, bitrate: int) -> None:
        self._bytes_a_frame = bitrate // 8 // FPS
        self._keyframe_due = True
        self._publisher = Publisher(
            PublishRequest(gateway.whip, gateway.publish_token, video=VP8, audio=OPUS),
            http,
            self._owe_keyframe,
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

    def _owe_keyframe(self, _rid: str | None) -> None:
        self._keyframe_due = True

    async def _video(self) -> None:
        filler = os.urandom(self._bytes_a_frame)
        number = 0
        begin = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, begin + number / FPS - time.monotonic()))
            keyframe = self._keyframe_due or number % (KEYFRAME_SECONDS * FPS) == 0
            self._keyframe_due = False
            frame = (_KEY_HEADER if keyframe else _DELTA_HEADER) + filler
            payloads = packetize_vp8(frame[: self._bytes_a_frame], number)
            captured = time.time()
            for payload in payloads:
                # One at a time: each carries the moment at which it really leaves.
                stamped = (_stamped(payload),)
                self._publisher.send_video(None, stamped, captured, last=payload is payloads[-1])
            number += 1

    async def _audio(self) -> None:
        filler = os.urandom(AUDIO_BYTES)
        number = 0
        begin = time.monotonic() + 0.007  # beside the frames, not on them
        while True:
            await asyncio.sleep(max(0.0, begin + number / AUDIO_RATE - time.monotonic()))
            self._publisher.send_audio(_stamped(filler), time.time())
            number += 1

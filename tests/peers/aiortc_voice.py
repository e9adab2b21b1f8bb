"""aiortc with a voice and an ear: a tone that is switched on and off, and who hears which tone since when."""

from __future__ import annotations

import array
import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction

from aiohttp import ClientSession
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from tests.peers.aiortc_peer import Refused

RATE = 48_000
BLOCK = 960
"""Samples in 20 ms."""
STEP = 8
"""Every so many samples are listened to: enough for tones under 2 kHz."""
AUDIBLE = 0.01
"""Amplitude of a tone, full scale being 1, from which on it counts as heard."""
RECENT = 0.1
"""Seconds since a tone was heard for which it sounds now; the last block may be still on its way."""


class Tone(MediaStreamTrack):
    """A microphone before which a tone of `frequency` sounds while `on`, and else nothing."""

    kind = "audio"

    def __init__(self, frequency: int, amplitude: float = 0.3, *, on: bool = True) -> None:
        super().__init__()
        self.on = on
        self._block = 0
        self._start = 0.0
        wave = (amplitude * 32767 * math.sin(2 * math.pi * frequency * n / RATE) for n in range(RATE))
        self._second = array.array("h", (round(x) for x in wave))

    async def recv(self) -> AudioFrame:
        """The next block, when it is over."""
        self._start = self._start or time.monotonic()
        await asyncio.sleep(max(0.0, self._start + self._block * BLOCK / RATE - time.monotonic()))
        place = self._block * BLOCK % RATE
        frame = AudioFrame(format="s16", layout="mono", samples=BLOCK)
        frame.planes[0].update(self._second[place : place + BLOCK].tobytes() if self.on else bytes(2 * BLOCK))
        frame.pts, frame.sample_rate, frame.time_base = self._block * BLOCK, RATE, Fraction(1, RATE)
        self._block += 1
        return frame


def amplitude(samples: array.array[int], frequency: int) -> float:
    """Of a tone in these samples (Goertzel), which are `STEP` apart; full scale is 1."""
    turn = 2 * math.cos(2 * math.pi * frequency * STEP / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample / 32768 + turn * last - before
    return 2 / len(samples) * math.sqrt(max(0.0, before**2 + last**2 - turn * before * last))


class Voice:
    """A connection that sends a tone or plays audio lines. `heard[line][frequency]` is when it last did."""

    def __init__(self, *tones: int) -> None:
        # With lines of one kind on one transport from the start aiortc reads the last line's candidates only,
        # which in a bundle are those of the first line (RFC 9143).
        self.connection = RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_COMPAT))
        self.heard: list[dict[int, float]] = []
        self._tones = tones
        self._readers: list[asyncio.Task[None]] = []
        self.connection.on("track", self._read)

    async def talk(self, url: str, token: str, microphone: MediaStreamTrack) -> None:
        """Publish a microphone. Raises Refused."""
        self.connection.addTransceiver(microphone, direction="sendonly")
        await self._exchange(url, token)

    async def listen(self, url: str, token: str, *, lines: int = 1) -> None:
        """Play so many audio lines. Raises Refused."""
        for _ in range(lines):
            self.connection.addTransceiver("audio", direction="recvonly")
        await self._exchange(url, token)

    async def watch_and_speak(self, url: str, token: str, microphone: MediaStreamTrack) -> None:
        """Play a camera's sound, and send on its line although the answer takes nothing there."""
        self.connection.addTransceiver(microphone, direction="sendrecv")
        await self._exchange(url, token, lambda answer: answer.replace("a=sendonly", "a=sendrecv"))

    def hears(self) -> list[set[int]]:
        """The tones that sound now, line by line."""
        now = time.monotonic()
        return [{tone for tone, at in line.items() if now - at < RECENT} for line in self.heard]

    async def tones(self) -> list[int]:
        """All that sound now on any line, in order."""
        return sorted(tone for line in self.hears() for tone in line)

    async def close(self) -> None:
        """End it."""
        await self.connection.close()
        for reader in self._readers:
            reader.cancel()

    async def _exchange(self, url: str, token: str, read: Callable[[str], str] = str) -> None:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
        offer = self.connection.localDescription.sdp
        async with ClientSession() as http, http.post(url, data=offer, headers=headers) as response:
            if response.status != 201:
                raise Refused(response.status)
            answer = RTCSessionDescription(read(await response.text()), "answer")
        await self.connection.setRemoteDescription(answer)

    def _read(self, track: MediaStreamTrack) -> None:
        line: dict[int, float] = {}
        self.heard.append(line)
        self._readers.append(asyncio.create_task(self._listen(track, line)))

    async def _listen(self, track: MediaStreamTrack, line: dict[int, float]) -> None:
        try:
            while True:
                frame = await track.recv()
                channels = len(frame.layout.channels)
                plane = array.array("h", bytes(frame.planes[0]))  # longer than what is in it
                samples = plane[: frame.samples * channels : channels * STEP]
                for tone in self._tones:
                    if amplitude(samples, tone) > AUDIBLE:
                        line[tone] = time.monotonic()
        except MediaStreamError:
            return


@asynccontextmanager
async def voice(*tones: int) -> AsyncIterator[Voice]:
    """A connection that knows these tones, and is closed when the block is left."""
    opened = Voice(*tones)
    try:
        yield opened
    finally:
        await opened.close()

"""aiortc as WHIP publisher and WHEP player: a complete endpoint inside the test's own process."""

from __future__ import annotations

import array
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

CONFLICT = 409


class Refused(Exception):
    """The server answered with something else than 201."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Peer:
    """One connection and what came through it."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection()
        self.location = ""
        self.frames = 0
        self.size = (0, 0)
        self.audio_energy = 0.0
        """Sum of squares of all received samples, full scale being 1."""
        self._readers: list[asyncio.Task[None]] = []
        self._sources: list[MediaPlayer] = []
        self.connection.on("track", self._read)

    async def publish(self, url: str, token: str, *, codec: str = "VP8") -> None:
        """Test picture and tone. `codec` is "VP8" or "H264". Raises Refused."""
        sound = MediaPlayer("sine=frequency=440:sample_rate=48000", format="lavfi")
        picture = MediaPlayer("testsrc2=size=640x360:rate=30", format="lavfi")
        self._sources = [sound, picture]
        self.connection.addTrack(sound.audio)
        self.connection.addTrack(picture.video)
        video = next(t for t in self.connection.getTransceivers() if t.kind == "video")
        codecs = RTCRtpSender.getCapabilities("video").codecs
        video.setCodecPreferences([c for c in codecs if c.mimeType == f"video/{codec}"])
        for transceiver in self.connection.getTransceivers():
            transceiver.direction = "sendonly"
        await self._exchange(url, token)

    async def watch(self, url: str, token: str, *, patience: float = 15.0) -> None:
        """Decode whatever comes. Asks again while nobody is live, for `patience` seconds. Raises Refused."""
        self.connection.addTransceiver("audio", direction="recvonly")
        self.connection.addTransceiver("video", direction="recvonly")
        end = time.monotonic() + patience
        while True:
            try:
                return await self._exchange(url, token)
            except Refused as refused:
                if refused.status != CONFLICT or time.monotonic() >= end:
                    raise
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        await self.connection.close()
        for reader in self._readers:
            reader.cancel()
        for source in self._sources:
            for track in (source.audio, source.video):
                if track:
                    track.stop()

    async def _exchange(self, url: str, token: str) -> None:
        if self.connection.signalingState == "stable":
            await self.connection.setLocalDescription(await self.connection.createOffer())
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
        async with (
            ClientSession() as http,
            http.post(url, data=self.connection.localDescription.sdp, headers=headers) as response,
        ):
            if response.status != 201:
                raise Refused(response.status)
            self.location = response.headers["Location"]
            answer = RTCSessionDescription(await response.text(), "answer")
        await self.connection.setRemoteDescription(answer)

    def _read(self, track: MediaStreamTrack) -> None:
        reader = self._read_video if track.kind == "video" else self._read_audio
        self._readers.append(asyncio.create_task(reader(track)))

    async def _read_video(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                self.frames += 1
                self.size = (frame.width, frame.height)
        except MediaStreamError:
            return

    async def _read_audio(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                samples = array.array("h", bytes((await track.recv()).planes[0]))
                self.audio_energy += sum(s * s for s in samples[::16]) * 16 / 32768**2
        except MediaStreamError:
            return


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    """A peer that is closed when the block is left."""
    opened = Peer()
    try:
        yield opened
    finally:
        await opened.close()

"""Viewers that decode, by aiortc: is the picture right, does it move, and how old is it?"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from gateway.client.errors import ClientError, Refused
from loadtest import adapters
from loadtest.engine.meter import Meter, count
from loadtest.engine.picture import read_picture
from loadtest.engine.sent import SentTimes
from loadtest.messages import CheckJob, Endpoint

RETRY: Final = 1.0
STANDSTILL: Final = 2
"""Times that one picture may be shown before it counts as wrong: it does not move."""
SILENCE: Final = 15.0
"""Seconds without a picture after which a checker gives up and comes again."""


class Checkers:
    """The checking viewers of one worker; they begin at once."""

    def __init__(self, job: CheckJob, http: aiohttp.ClientSession, meter: Meter) -> None:
        self._job = job
        self._http = http
        self._meter = meter
        self._tasks: list[asyncio.Task[None]] = []
        self.sessions = 0

    @property
    def opening(self) -> int:
        """Checkers that see nothing yet."""
        return len(self._tasks) - self.sessions

    async def start(self) -> None:
        """Begin with the job's number of viewers."""
        self.want(self._job.viewers)

    def want(self, number: int) -> None:
        """So many checkers from now on."""
        while len(self._tasks) > number:
            self._tasks.pop().cancel()
        for place in range(len(self._tasks), number):
            endpoint = self._job.endpoints[place % len(self._job.endpoints)]
            self._tasks.append(asyncio.create_task(self._keep(endpoint), name=f"checker {place}"))

    def look(self) -> None:
        """Nothing is to be asked for."""

    async def close(self) -> None:
        """Everybody leaves."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _keep(self, endpoint: Endpoint) -> None:
        while True:
            try:
                await self._check(endpoint)
            except Refused as error:
                self._meter.failed[f"checker: HTTP {error.status}"] += 1
            except (ClientError, TimeoutError, MediaStreamError) as error:
                self._meter.failed[f"checker: {error or type(error).__name__}"] += 1
            await asyncio.sleep(RETRY)

    async def _check(self, endpoint: Endpoint) -> None:
        began = time.time()
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTransceiver("audio", direction="recvonly")
        connection.addTransceiver("video", direction="recvonly")
        tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
        connection.on("track", tracks.put_nowait)
        goodbye: adapters.Close | None = None
        try:
            await connection.setLocalDescription(await connection.createOffer())
            sdp = connection.localDescription.sdp
            answer, goodbye = await adapters.open("watch", endpoint, sdp, self._http)
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            self._meter.opened += 1
            async with asyncio.TaskGroup() as group:
                while True:
                    group.create_task(self._follow(await tracks.get(), endpoint, began))
        except* (MediaStreamError, TimeoutError) as errors:
            raise ClientError("the picture ended") from errors
        finally:
            await connection.close()
            if goodbye is not None:
                await goodbye()

    async def _follow(self, track: MediaStreamTrack, endpoint: Endpoint, began: float) -> None:
        if track.kind != "video":
            while True:
                await track.recv()
        checker = PictureCheck(SentTimes(endpoint.whip), self._meter)
        async with asyncio.timeout(SILENCE) as limit:
            frame = await track.recv()
            count(self._meter.join, time.time() - began)
            self.sessions += 1
            try:
                while True:
                    assert isinstance(frame, VideoFrame)
                    checker.see(frame, time.time())
                    limit.reschedule(asyncio.get_running_loop().time() + SILENCE)
                    frame = await track.recv()
            finally:
                self.sessions -= 1


class PictureCheck:
    """Judges pictures one after the other."""

    def __init__(self, sent: SentTimes, meter: Meter) -> None:
        self._sent = sent
        self._meter = meter
        self._last: tuple[int, int] | None = None
        self._same = 0

    def see(self, frame: VideoFrame, now: float) -> None:
        """A picture was decoded at Unix time `now`."""
        plane = frame.planes[0]
        seen = read_picture(memoryview(plane), plane.line_size, frame.width, frame.height)
        self._same = self._same + 1 if seen == self._last else 0
        self._last = seen
        if seen is None or self._same >= STANDSTILL:
            self._meter.wrong_pictures += 1
            return
        self._meter.pictures += 1
        sent = self._sent.at(*seen)
        if sent:
            count(self._meter.glass, now - sent)

"""Publishers: loops of real media, sent as a live encoder sends them, one session for each endpoint."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import Final

import aiohttp

from gateway.client.answer import Answer
from gateway.client.errors import Refused
from gateway.client.offer import H264, OPUS, VP8, publish_offer
from gateway.client.session import process_certificate
from gateway.errors import GatewayError, Malformed
from gateway.protocol.datagram import DatagramKind
from gateway.protocol.description import MediaKind
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.rtcp import Bye, FullIntraRequest, Nack, PictureLossIndication, parse_rtcp
from loadtest.engine import clip
from loadtest.engine.clip import Clip
from loadtest.engine.link import Link
from loadtest.engine.meter import Meter
from loadtest.engine.outgoing import Outgoing
from loadtest.engine.pacer import Pacer
from loadtest.engine.picture import MAX_LAYERS
from loadtest.engine.sent import SentTimes
from loadtest.messages import Endpoint, PublishJob

LIVE_AFTER: Final = 0.7
"""Seconds of media after which servers let viewers in, with a margin."""
REPORT_INTERVAL: Final = 1.0
RETRY: Final = 1.0
AT_ONCE: Final = 16
RUNS_BEHIND: Final = 0.5
"""Seconds by which a publisher may be late before it leaves frames out."""


class Studio:
    """All publishers of one worker."""

    def __init__(self, job: PublishJob, http: aiohttp.ClientSession, meter: Meter) -> None:
        self._job = job
        self._http = http
        self._meter = meter
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: list[asyncio.Task[None]] = []
        self.sessions = 0

    @property
    def opening(self) -> int:
        """Publishers that are not live."""
        return len(self._job.endpoints) - self.sessions

    async def start(self) -> None:
        """Make the media, publish, and wait until all are live or have failed once."""
        if len(self._job.layers) > MAX_LAYERS:
            raise ValueError(f"at most {MAX_LAYERS} layers")
        loop = asyncio.get_running_loop()
        clips = await loop.run_in_executor(None, _make_clips, self._job)
        tried = []
        for number, endpoint in enumerate(self._job.endpoints):
            first: asyncio.Future[None] = loop.create_future()
            phase = number / len(self._job.endpoints)
            task = asyncio.create_task(self._keep(endpoint, clips, phase, first), name=f"publisher {number}")
            self._tasks.append(task)
            tried.append(first)
        await asyncio.gather(*tried)
        await asyncio.sleep(LIVE_AFTER)

    def want(self, number: int) -> None:
        """There is one publisher an endpoint, whatever is wanted."""

    def look(self) -> None:
        """Nothing is to be asked for."""

    async def close(self) -> None:
        """End all sessions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(
        self, endpoint: Endpoint, clips: Clips, phase: float, first: asyncio.Future[None]
    ) -> None:
        """Publish; again when it failed."""
        while True:
            publisher = Publisher(endpoint, self._job, clips, self._meter)
            try:
                async with self._room:
                    await publisher.open(self._http)
                self.sessions += 1
                if not first.done():
                    first.set_result(None)
                try:
                    reason = await publisher.play(phase)
                finally:
                    self.sessions -= 1
                self._meter.failed[f"publisher: {reason}"] += 1
            except Refused as error:
                self._meter.failed[f"publisher: HTTP {error.status}"] += 1
            except GatewayError as error:
                self._meter.failed[f"publisher: {error}"] += 1
            finally:
                await asyncio.shield(publisher.close())
            if not first.done():
                first.set_result(None)
            await asyncio.sleep(RETRY)


@dataclass(frozen=True, slots=True)
class Clips:
    """What is played: one loop a layer, and the sound."""

    layers: tuple[Clip, ...]
    sound: Clip | None


def _make_clips(job: PublishJob) -> Clips:
    layers = tuple(
        clip.video(job.codec, layer, number, job.keyframe_seconds) for number, layer in enumerate(job.layers)
    )
    return Clips(layers, clip.sound() if job.audio else None)


class _Layer:
    """One layer's way through its loop."""

    __slots__ = ("_pacer", "clip", "number", "place", "stream", "wanted")

    def __init__(self, clip: Clip, number: int, stream: Outgoing, pacer: Pacer | None) -> None:
        self.clip = clip
        self.number = number
        self.stream = stream
        self._pacer = pacer
        self.place = 0
        self.wanted = False
        """Whether a keyframe was asked for."""

    def next(self) -> int:
        """The frame that is due; a wish for a keyframe goes on at the next group of pictures."""
        place = self.place % len(self.clip.frames)
        if self.wanted:
            self.wanted = False
            place = next((key for key in self.clip.keyframes if key >= place), 0)
        self.place = place + 1
        return place

    def send(self, place: int, captured: float, now: float) -> None:
        """Send a frame, at once or paced."""
        frame = self.clip.frames[place]
        if self._pacer is None:
            self.stream.send(frame, captured, now, marker=True)
        else:
            self._pacer.send(frame, captured)

    def close(self) -> None:
        """Send nothing any more."""
        if self._pacer is not None:
            self._pacer.close()


class Publisher:
    """One session: `open`, `play` until it ends, `close`."""

    def __init__(self, endpoint: Endpoint, job: PublishJob, clips: Clips, meter: Meter) -> None:
        self._endpoint = endpoint
        self._job = job
        self._clips = clips
        self._meter = meter
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._link = Link(self._on_packet, self._end)
        self._layers: list[_Layer] = []
        self._sound: Outgoing | None = None
        self._by_ssrc: dict[int, Outgoing] = {}
        self._sent = SentTimes(endpoint.whip)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def open(self, http: aiohttp.ClientSession) -> None:
        """Connect. Raises Refused or another ClientError."""
        offer = publish_offer(
            video=H264 if self._job.codec == "h264" else VP8,
            audio=OPUS if self._job.audio else None,
            rids=tuple(layer.rid for layer in self._job.layers if layer.rid is not None),
            ice=new_ice_credentials(),
            fingerprint=process_certificate().fingerprint,
        )
        self._make_streams(await self._link.open("publish", self._endpoint, offer, http))
        self._meter.opened += 1

    async def play(self, phase: float) -> str:
        """Send until the session ends; returns why. `phase` (0 to 1) shifts its frames in time."""
        fps = self._job.layers[0].fps
        now = self._loop.time()
        self._every("video", now + phase / fps, 1 / fps, self._picture)
        if self._sound is not None:
            # Beside the pictures, not on them.
            self._every("audio", now + phase / fps + 0.007, clip.SOUND_BLOCK, self._block)
        self._every("reports", now + REPORT_INTERVAL * phase, REPORT_INTERVAL, self._report)
        return await asyncio.shield(self._ended)  # who is cancelled here has a goodbye to say

    async def close(self) -> None:
        """Say goodbye. May be called again."""
        for timer in self._timers.values():
            timer.cancel()
        for layer in self._layers:
            layer.close()
        if self._by_ssrc and not self._ended.done():
            self._link.send_rtcp(Bye(tuple(self._by_ssrc)).encode())
        self._by_ssrc = {}
        await self._link.close()
        self._sent.close()

    def _make_streams(self, answer: Answer) -> None:
        numbers = itertools.count()
        audio = answer.first(MediaKind.AUDIO)
        if audio is not None and self._clips.sound is not None:
            ids = audio.extensions
            self._sound = Outgoing(self._link, audio.codecs[0], audio.ssrcs[0], ids, numbers, audio.mid)
            self._by_ssrc[self._sound.ssrc] = self._sound
        video = answer.first(MediaKind.VIDEO)
        if video is None:
            return
        taken = video.rids or (None,)
        offered = {layer.rid: number for number, layer in enumerate(self._job.layers)}
        for rid, ssrcs in zip(taken, video.ssrcs, strict=False):
            stream = Outgoing(self._link, video.codecs[0], ssrcs, video.extensions, numbers, video.mid, rid)
            number = offered.get(rid, len(self._job.layers) - 1)
            rate = self._job.pace * self._job.layers[number].kbit * 1_000 / 8
            pacer = Pacer(stream, rate, self._loop) if rate else None
            self._layers.append(_Layer(self._clips.layers[number], number, stream, pacer))
            self._by_ssrc[stream.ssrc] = stream

    def _every(self, name: str, due: float, interval: float, act: object) -> None:
        """Call `act` at steady times; a publisher that is far behind leaves some out."""
        assert callable(act)

        def run() -> None:
            nonlocal due
            if self._ended.done():
                return
            act()
            due += interval
            if self._loop.time() - due > RUNS_BEHIND:
                due = self._loop.time()
            self._timers[name] = self._loop.call_at(due, run)

        self._timers[name] = self._loop.call_at(due, run)

    def _picture(self) -> None:
        captured = time.time()
        for layer in self._layers:
            place = layer.next()
            now = time.time()
            self._sent.note(layer.number, place, now)
            layer.send(place, captured, now)

    def _block(self) -> None:
        assert self._sound is not None
        assert self._clips.sound is not None
        now = time.time()
        frames = self._clips.sound.frames
        self._sound.send(frames[int(now / clip.SOUND_BLOCK) % len(frames)], now, now, marker=False)

    def _report(self) -> None:
        now = time.time()
        for stream in self._by_ssrc.values():
            self._link.send_rtcp(stream.report(now))

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _on_packet(self, kind: DatagramKind, packet: bytes) -> None:
        if kind is not DatagramKind.RTCP:
            return
        try:
            reports = parse_rtcp(packet)
        except Malformed:
            return
        for report in reports:
            if isinstance(report, Nack) and report.media_ssrc in self._by_ssrc:
                self._meter.nacks += 1
                self._by_ssrc[report.media_ssrc].repeat(report.lost)
            elif isinstance(report, PictureLossIndication):
                self._want_keyframe(report.media_ssrc)
            elif isinstance(report, FullIntraRequest):
                for ssrc, _ in report.entries:
                    self._want_keyframe(ssrc)

    def _want_keyframe(self, ssrc: int) -> None:
        for layer in self._layers:
            if layer.stream.ssrc == ssrc:
                layer.wanted = True

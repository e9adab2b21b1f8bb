"""A publisher whose pictures were encoded before the test began, so that the processor is the viewer's alone.

Each picture bears its number within the recording, in squares that are black or white, so that what stands on
a viewer's screen tells when it was filmed.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction

import aiohttp
import av
from av.video.frame import PictureType

from gateway.client.packetize import packetize_h264
from gateway.client.publisher import Publisher, PublishRequest
from gateway.demo.encoders import Layer, SoundEncoder

FPS = 25
NUMBER_BITS = 10
NUMBER_SHARE = 40
"""A square of the number is as high as the picture divided by this; they stand in the upper left corner."""
_BLOCKS_PER_SECOND = 50
_DARK, _LIT = 16, 235


@dataclass(frozen=True)
class Recording:
    """Groups of pictures of each layer, all as long, as RTP payloads: `groups[rid][group][picture]`."""

    groups: dict[str, list[list[list[bytes]]]]
    sound: list[list[bytes]]
    """The Opus packets of each 20 ms of a second."""

    @property
    def group_pictures(self) -> int:
        """Pictures in a group."""
        return len(next(iter(self.groups.values()))[0])


def record(layers: Sequence[Layer], *, group_seconds: float, groups: int = 2) -> Recording:
    """Film and encode; each group begins with the only keyframe in it.

    The scene is noisy, as a workshop's camera is in poor light: the encoder spends all it may.
    """
    pictures = round(group_seconds * FPS)
    encoded: dict[str, list[list[list[bytes]]]] = {}
    for layer in layers:
        context, source = _encoder(layer, pictures), _scene(layer)
        frames = []
        for number in range(pictures * groups):
            frame = next(source)
            _mark(frame, number % pictures)
            frame.pts, frame.pict_type = (
                number,
                PictureType.NONE,
            )  # the scene calls each of its own a keyframe
            frames.append(packetize_h264(b"".join(bytes(packet) for packet in context.encode(frame))))
        encoded[layer.rid] = [frames[i : i + pictures] for i in range(0, len(frames), pictures)]
    sound = SoundEncoder(32_000)
    return Recording(encoded, [sound.encode(block) for block in range(_BLOCKS_PER_SECOND)])


def _scene(layer: Layer) -> Iterator[av.VideoFrame]:
    grain = f"noise=alls=12:allf=t,scale={layer.width}:{layer.height}:flags=neighbor,format=yuv420p"
    with av.open(f"testsrc2=size=640x360:rate={FPS},{grain}", format="lavfi") as scene:
        yield from scene.decode(video=0)


def _encoder(layer: Layer, pictures: int) -> av.VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = layer.width, layer.height, "yuv420p"
    context.framerate, context.bit_rate = Fraction(FPS), layer.bitrate
    context.gop_size, context.max_b_frames, context.thread_count = pictures, 0, 1
    context.profile = "Baseline"
    rate = str(layer.bitrate)
    options = {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0", "maxrate": rate}
    # Half a second of buffer, half full at first: a keyframe may have the bits of three or four others.
    context.options = {**options, "bufsize": str(layer.bitrate // 2), "x264-params": "vbv-init=0.5"}
    return context


def _mark(frame: av.VideoFrame, number: int) -> None:
    side = frame.height // NUMBER_SHARE
    row = b"".join(
        bytes([_LIT if number >> bit & 1 else _DARK]) * side for bit in reversed(range(NUMBER_BITS))
    )
    plane = frame.planes[0]
    luma = memoryview(plane)
    for y in range(side):
        luma[y * plane.line_size : y * plane.line_size + len(row)] = row


class RecordedCamera:
    """Plays a recording over and over to a WHIP endpoint, in real time.

    One that `obeys` begins a new group of a layer when a keyframe of it is asked for; any other is like OBS.
    """

    def __init__(
        self, recording: Recording, url: str, token: str, http: aiohttp.ClientSession, obeys: bool
    ) -> None:
        self.keyframe_requests = 0
        self.began = 0.0
        """Unix time of the first picture."""
        self._recording = recording
        self._obeys = obeys
        self._places = dict.fromkeys(recording.groups, 0)
        rids = tuple(recording.groups) if len(recording.groups) > 1 else ()
        self._publisher = Publisher(PublishRequest(url, token, rids=rids), http, self._asked)

    @property
    def group_seconds(self) -> float:
        """Between two keyframes, unless one is asked for."""
        return self._recording.group_pictures / FPS

    def group_age(self) -> float:
        """Seconds since the last keyframe of one that does not obey."""
        return (time.time() - self.began) % self.group_seconds

    async def play(self) -> None:
        """Until cancelled. ClientError when the endpoint does not want it."""
        await self._publisher.open()
        self.began = time.time()
        try:
            await asyncio.gather(self._pictures(), self._sound())
        finally:
            await self._publisher.close()

    def _asked(self, rid: str | None) -> None:
        self.keyframe_requests += 1
        if self._obeys:
            pictures = self._recording.group_pictures
            name = rid or next(iter(self._places))
            # The last group's end: the next picture is a keyframe.
            self._places[name] = -(-self._places[name] // pictures) * pictures

    async def _pictures(self) -> None:
        async for captured in _ticks(self.began, FPS):
            for rid, groups in self._recording.groups.items():
                group, picture = divmod(self._places[rid], self._recording.group_pictures)
                self._places[rid] += 1
                payloads = groups[group % len(groups)][picture]
                self._publisher.send_video(rid if len(self._places) > 1 else None, payloads, captured)

    async def _sound(self) -> None:
        blocks = itertools.cycle(self._recording.sound)
        async for captured in _ticks(self.began, _BLOCKS_PER_SECOND):
            for packet in next(blocks):
                self._publisher.send_audio(packet, captured)


async def _ticks(began: float, rate: int) -> AsyncIterator[float]:
    """Unix times, each when it has come; a late one is followed by the next at once."""
    for number in itertools.count():
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.time()))
        yield due


@asynccontextmanager
async def recorded_camera(
    recording: Recording, url: str, token: str, *, obeys: bool = True
) -> AsyncIterator[RecordedCamera]:
    """A camera that is on the air as long as the block lasts."""
    async with aiohttp.ClientSession() as http:
        camera = RecordedCamera(recording, url, token, http, obeys)
        playing = asyncio.create_task(camera.play())
        try:
            while not camera.began:
                await asyncio.wait((playing,), timeout=0.05)
                if playing.done():
                    playing.result()
            yield camera
            assert not playing.done(), "the camera went off the air"
        finally:
            playing.cancel()
            with suppress(asyncio.CancelledError):
                await playing

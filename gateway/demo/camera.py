"""The synthetic camera: `python -m gateway.demo.camera`, a process of its own beside the gateway.

Reads one line of JSON, `{"url": …, "state_url": …, "token": …}`, from standard input, waits until nobody
else publishes, publishes with WHIP and ends with its session, or as soon as standard input is closed: it
never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import aiohttp

from gateway.client.errors import ClientError, Refused
from gateway.client.packetize import packetize_h264
from gateway.client.publisher import Publisher, PublishRequest
from gateway.clock import Clock, SystemClock
from gateway.demo.encoders import Layer, LayerEncoder, SoundEncoder
from gateway.errors import GatewayError

FPS = 25
LAYERS = (
    Layer("l", 320, 180, 150_000),
    Layer("m", 640, 360, 500_000),
    Layer("h", 1280, 720, 1_800_000),
)
BLOCKS_PER_SECOND = 50
STATE_INTERVAL = 1.0
NICENESS = 5
"""The picture may stutter before the gateway does."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where to publish, and where to see whether the order is live already."""

    url: str
    state_url: str
    token: str = field(repr=False)


class Studio:
    """All layers of the picture, encoded; remembers which of them owe a keyframe."""

    def __init__(self, layers: Sequence[Layer], fps: int) -> None:
        self._encoders = {layer.rid: LayerEncoder(layer, fps) for layer in layers}
        self._keyframes_due: set[str] = set()

    def request_keyframe(self, rid: str | None) -> None:
        """The next frame of this layer is to be a keyframe."""
        if rid in self._encoders:
            self._keyframes_due.add(rid)

    def shoot(self, captured: float) -> list[tuple[str, list[bytes]]]:
        """Draw and encode the picture of Unix time `captured`: RTP payloads by rid, lowest layer first."""
        due, self._keyframes_due = self._keyframes_due, set()
        return [
            (rid, packetize_h264(encoder.encode(captured, keyframe=rid in due)))
            for rid, encoder in self._encoders.items()
        ]


async def film(assignment: Assignment, clock: Clock) -> str:
    """Publish until the session ends; returns why. Raises ClientError when it cannot begin."""
    studio = Studio(LAYERS, FPS)
    rids = tuple(layer.rid for layer in LAYERS)
    request = PublishRequest(assignment.url, assignment.token, rids=rids)
    async with aiohttp.ClientSession() as http:
        await _until_free(assignment, http)
        publisher = Publisher(request, http, studio.request_keyframe)
        await publisher.open()
        pictures = asyncio.create_task(_send_pictures(publisher, studio, clock), name="pictures")
        sound = asyncio.create_task(_send_sound(publisher, SoundEncoder(), clock), name="sound")
        try:
            waiting = (publisher.closed, pictures, sound)
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for ended in done - {publisher.closed}:
                ended.result()  # only ever an exception: neither ends by itself
            return publisher.closed.result()
        finally:
            pictures.cancel()
            sound.cancel()
            await asyncio.gather(pictures, sound, return_exceptions=True)
            await publisher.close()


async def _until_free(assignment: Assignment, http: aiohttp.ClientSession) -> None:
    """Wait while somebody else is live. Raises ClientError when the gateway does not say."""
    headers = {"Authorization": f"Bearer {assignment.token}"}
    while True:
        try:
            async with http.get(assignment.state_url, headers=headers) as response:
                if response.status != 200:
                    raise Refused(response.status, "the state of the order")
                if not (await response.json())["live"]:
                    return
        except aiohttp.ClientError as error:
            raise ClientError(f"no answer from the gateway: {type(error).__name__}") from error
        await asyncio.sleep(STATE_INTERVAL)


async def _send_pictures(publisher: Publisher, studio: Studio, clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "encoder") as encoder:
        async for captured in _ticks(FPS, clock):
            for rid, payloads in await loop.run_in_executor(encoder, studio.shoot, captured):
                publisher.send_video(rid, payloads, captured)


async def _send_sound(publisher: Publisher, encoder: SoundEncoder, clock: Clock) -> None:
    async for captured in _ticks(BLOCKS_PER_SECOND, clock):
        block = round(captured * BLOCKS_PER_SECOND) % BLOCKS_PER_SECOND
        for packet in encoder.encode(block):
            publisher.send_audio(packet, captured)


async def _ticks(rate: int, clock: Clock) -> AsyncIterator[float]:
    """Unix times at whole fractions of the second, each when it has come; those missed are left out."""
    number = math.ceil(clock.time() * rate)
    while True:
        await asyncio.sleep(max(0.0, number / rate - clock.time()))
        yield number / rate
        number = max(number + 1, math.floor(clock.time() * rate))


async def _main() -> int:
    loop = asyncio.get_running_loop()
    line = await loop.run_in_executor(None, sys.stdin.readline)
    try:
        assignment = Assignment(**json.loads(line))
    except (ValueError, TypeError):
        sys.stderr.write("camera: standard input must begin with a line of JSON with url and token\n")
        return 2
    filming = asyncio.create_task(film(assignment, SystemClock()))
    _end_with_input(loop, filming)
    try:
        reason = await filming
    except GatewayError as error:
        reason = str(error)
    except asyncio.CancelledError:
        return 0
    sys.stderr.write(f"camera: {reason}\n")
    return 1


def _end_with_input(loop: asyncio.AbstractEventLoop, filming: asyncio.Task[str]) -> None:
    def watch() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(filming.cancel)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    os.nice(NICENESS)
    sys.exit(asyncio.run(_main()))

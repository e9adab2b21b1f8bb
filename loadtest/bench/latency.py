"""Latency from a publisher's `sendto` to the arrival at its viewers' sockets, through a real gateway.

Both ends read the same clock; arrival is the kernel's own timestamp, so that the viewers' work does not
count. Encrypting one packet at the publisher and both ways through the loopback device do count. A bare
echo on the gateway's core tells what of it is the machine and its other work. Viewers answer with
transport-wide feedback and reports, as browsers do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import aiohttp
import uvloop

from gateway.client.player import Player, PlayRequest
from gateway.protocol.rtp import RtpPacket
from loadtest.bench.echo import echo_samples
from loadtest.bench.figures import cores, percentile, pin, progress
from loadtest.bench.gateway_process import RunningGateway, gateway
from loadtest.bench.media import SIMULCAST, SOUND, Encoding, SteadyPublisher, one_stream, read_stamp
from loadtest.bench.wishes import limit_heights

WARM_UP = 2.0
LAYERS_WITHIN = 15.0
"""Seconds that the viewers may take to get the layers that they asked for."""
LOOK = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `latency`."""
    parser.add_argument(
        "--layers",
        type=int,
        choices=range(1, len(SIMULCAST) + 1),
        default=1,
        help="simulcast layers, the best of "
        + ", ".join(f"{x.height}p with {x.bitrate // 1_000} kbit/s" for x in SIMULCAST)
        + "; viewers are spread over them evenly, each limited to a height as the page limits itself to its "
        "window's",
    )
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--bitrate", type=int, default=2_000, help="kbit/s of video without simulcast")
    parser.add_argument("--seconds", type=float, default=20.0)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure; milliseconds."""
    with gateway() as running, _awake(cores()[1]):
        return uvloop.run(_measure(running, options))


class _Viewer:
    """One player and what came late by how much: milliseconds by what the packet belongs to."""

    def __init__(self, running: RunningGateway, http: aiohttp.ClientSession, wanted: int) -> None:
        self.wanted = wanted
        self.playing: int | None = None
        self.samples: dict[int, list[float]] = {}
        self.player = Player(
            PlayRequest(running.whep, running.watch_token, timestamps=True, transport_cc=True),
            http,
            self._on_rtp,
        )

    def _on_rtp(self, packet: RtpPacket, arrived: float) -> None:
        if packet.payload_type not in self.player.codecs:
            return  # a retransmission
        place, sent_at = read_stamp(packet.payload)
        self.samples.setdefault(place, []).append((arrived - sent_at) * 1_000)
        if place != SOUND:
            self.playing = place

    @property
    def session_id(self) -> str:
        """The last part of its session's URL."""
        resource = self.player.session.resource
        assert resource is not None
        return resource.url.name

    @property
    def lost(self) -> int:
        return sum(stream.lost for stream in self.player.streams.values())


async def _measure(running: RunningGateway, options: argparse.Namespace) -> dict[str, object]:
    simulcast = options.layers > 1
    encodings = SIMULCAST[-options.layers :] if simulcast else one_stream(options.bitrate * 1_000)
    async with aiohttp.ClientSession() as http, echo_samples(cores()[0]) as machine:
        publisher = SteadyPublisher(running, http, encodings)
        await publisher.open()
        viewers = [_Viewer(running, http, 1 + n % len(encodings)) for n in range(options.viewers)]
        await asyncio.gather(*(viewer.player.open() for viewer in viewers))
        if simulcast:
            heights = {viewer.session_id: encodings[viewer.wanted - 1].height for viewer in viewers}
            await limit_heights(running, heights)
            await _until_settled(viewers)
        progress(f"{len(viewers)} viewers, warming up")
        await asyncio.sleep(WARM_UP)
        for viewer in viewers:
            viewer.samples.clear()
        machine.clear()
        began, cpu = time.monotonic(), running.cpu_seconds()
        progress(f"measuring for {options.seconds:.0f} s")
        await asyncio.sleep(options.seconds)
        share = (running.cpu_seconds() - cpu) / (time.monotonic() - began)
        result = _result(encodings, viewers, machine)
        await asyncio.gather(*(viewer.player.close() for viewer in viewers))
        await publisher.close()
    return {**result, "gateway_cpu_percent": 100 * share}


async def _until_settled(viewers: Sequence[_Viewer]) -> None:
    """Wait until everybody gets the layer asked for."""
    for _ in range(round(LAYERS_WITHIN / LOOK)):
        astray = sum(viewer.playing != viewer.wanted for viewer in viewers)
        if not astray:
            return
        await asyncio.sleep(LOOK)
    progress(f"{astray} viewers do not get the layer that they asked for")


def _result(
    encodings: Sequence[Encoding], viewers: Sequence[_Viewer], machine: list[float]
) -> dict[str, object]:
    samples: dict[int, list[float]] = {place: [] for place in range(len(encodings) + 1)}
    for viewer in viewers:
        for place, values in viewer.samples.items():
            samples[place] += values
    everything = [value for values in samples.values() for value in values]
    pictures = [value for place, values in samples.items() if place != SOUND for value in values]
    by_layer: dict[str, object] = {}
    for place, encoding in enumerate(encodings, 1):
        if encoding.rid is not None:
            by_layer[f"{encoding.height}p_viewers"] = sum(viewer.playing == place for viewer in viewers)
            by_layer[f"{encoding.height}p_p50_ms"] = percentile(samples[place], 0.5)
            by_layer[f"{encoding.height}p_p99_ms"] = percentile(samples[place], 0.99)
    return {
        "benchmark": "latency",
        "viewers": len(viewers),
        "video_kbit": [encoding.bitrate // 1_000 for encoding in encodings],
        "packets": len(everything),
        "lost": sum(viewer.lost for viewer in viewers),
        "p50_ms": percentile(everything, 0.5),
        "p95_ms": percentile(everything, 0.95),
        "p99_ms": percentile(everything, 0.99),
        "max_ms": max(everything),
        **by_layer,
        "video_p50_ms": percentile(pictures, 0.5),
        "audio_p50_ms": percentile(samples[SOUND], 0.5),
        "bare_echo_p50_ms": percentile(machine, 0.5),
        "bare_echo_p99_ms": percentile(machine, 0.99),
    }


@contextlib.contextmanager
def _awake(core: int) -> Iterator[None]:
    """Keep the viewers' core from halting: on a virtual machine whoever sends to it pays for its waking.

    That was up to 0.2 ms a burst here, charged to the gateway; a network card wakes nobody. The child that
    turns idly is of the scheduler's idle class: it gives way to anything at once.
    """
    code = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
    idler = subprocess.Popen([sys.executable, "-c", code], preexec_fn=lambda: pin(core))  # noqa: S603
    try:
        yield
    finally:
        idler.kill()
        idler.wait()

"""Latency from a publisher's `sendto` to the arrival at its viewers' sockets, through a real gateway.

Both ends read the same clock; arrival is the kernel's own timestamp, so that the viewers' work does not
count. Encrypting one packet at the publisher and both ways through the loopback device do count. A bare
echo on the gateway's core tells what of it is the machine and its other work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import aiohttp
import uvloop

from gateway.client.player import Player, PlayRequest
from gateway.protocol.rtp import RtpPacket
from loadtest.bench.echo import echo_samples
from loadtest.bench.figures import cores, percentile, pin, progress
from loadtest.bench.gateway_process import RunningGateway, gateway
from loadtest.bench.media import SteadyPublisher, sent_at

WARM_UP = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `latency`."""
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--bitrate", type=int, default=2_000, help="kbit/s of video")
    parser.add_argument("--seconds", type=float, default=20.0)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure; milliseconds."""
    with gateway() as running, _awake(cores()[1]):
        return uvloop.run(_measure(running, options))


async def _measure(running: RunningGateway, options: argparse.Namespace) -> dict[str, object]:
    samples: dict[int, list[float]] = {48_000: [], 90_000: []}
    async with aiohttp.ClientSession() as http, echo_samples(cores()[0]) as machine:
        publisher = SteadyPublisher(running, http, options.bitrate * 1_000)
        await publisher.open()
        players = [_player(running, http, samples) for _ in range(options.viewers)]
        await asyncio.gather(*(player.open() for player in players))
        progress(f"{len(players)} viewers, warming up")
        await asyncio.sleep(WARM_UP)
        for values in (*samples.values(), machine):
            values.clear()
        began, cpu = time.monotonic(), running.cpu_seconds()
        progress(f"measuring for {options.seconds:.0f} s")
        await asyncio.sleep(options.seconds)
        share = (running.cpu_seconds() - cpu) / (time.monotonic() - began)
        everything = [value for values in samples.values() for value in values]
        lost = sum(stream.lost for player in players for stream in player.streams.values())
        await asyncio.gather(*(player.close() for player in players))
        await publisher.close()
    return {
        "benchmark": "latency",
        "viewers": options.viewers,
        "video_kbit": options.bitrate,
        "packets": len(everything),
        "lost": lost,
        "p50_ms": percentile(everything, 0.5),
        "p95_ms": percentile(everything, 0.95),
        "p99_ms": percentile(everything, 0.99),
        "max_ms": max(everything),
        "video_p50_ms": percentile(samples[90_000], 0.5),
        "audio_p50_ms": percentile(samples[48_000], 0.5),
        "bare_echo_p50_ms": percentile(machine, 0.5),
        "bare_echo_p99_ms": percentile(machine, 0.99),
        "gateway_cpu_percent": 100 * share,
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


def _player(running: RunningGateway, http: aiohttp.ClientSession, samples: dict[int, list[float]]) -> Player:
    def on_rtp(packet: RtpPacket, arrived: float) -> None:
        codec = player.codecs.get(packet.payload_type)
        if codec is not None:  # not a retransmission
            samples[codec.clock_rate].append((arrived - sent_at(packet.payload)) * 1_000)

    player = Player(PlayRequest(running.whep, running.watch_token, timestamps=True), http, on_rtp)
    return player

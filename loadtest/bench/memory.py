"""Resident memory a viewer costs the gateway, and what is left of it when the viewers are gone."""

from __future__ import annotations

import argparse
import asyncio

import aiohttp
import uvloop

from gateway.client.player import Player, PlayRequest
from loadtest.bench.figures import progress
from loadtest.bench.gateway_process import RunningGateway, gateway
from loadtest.bench.media import SteadyPublisher, one_stream

SETTLE = 3.0
AT_ONCE = 8
WARM_UP_VIEWERS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `memory`."""
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--bitrate", type=int, default=300, help="kbit/s of video")
    parser.add_argument("--crowds", type=int, default=3, help="how often they come and leave")
    parser.add_argument("--watch", type=float, default=8.0, help="seconds that everybody watches")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure several crowds: what one left behind, the next must find again."""
    with gateway() as running:
        return uvloop.run(_measure(running, options))


async def _measure(running: RunningGateway, options: argparse.Namespace) -> dict[str, object]:
    async with aiohttp.ClientSession() as http:
        publisher = SteadyPublisher(running, http, one_stream(options.bitrate * 1_000))
        await publisher.open()
        await _crowd(running, WARM_UP_VIEWERS, SETTLE)
        before, tasks = running.resident_bytes(), await _metric(running, "gateway_tasks")
        blocks = await _metric(running, "gateway_allocated_blocks")
        crowds = []
        for _ in range(options.crowds):
            watching = await _crowd(running, options.viewers, options.watch)
            left = [await _metric(running, name) for name in ("gateway_tasks", "gateway_allocated_blocks")]
            crowds.append((watching, running.resident_bytes(), *left))
        await publisher.close()
    return {
        "benchmark": "memory",
        "viewers": options.viewers,
        "kB_a_viewer": (crowds[0][0] - before) / options.viewers / 1_000,
        "resident_before_kB": before // 1_000,
        "resident_with_viewers_kB": [watching // 1_000 for watching, *_ in crowds],
        "resident_after_kB": [after // 1_000 for _, after, *_ in crowds],
        "tasks_before": tasks,
        "tasks_after": [remaining for _, _, remaining, _ in crowds],
        "blocks_before": blocks,
        "blocks_after": [remaining for *_, remaining in crowds],
    }


async def _metric(running: RunningGateway, name: str) -> int:
    loop = asyncio.get_running_loop()
    return int(await loop.run_in_executor(None, running.metric, name))


async def _crowd(running: RunningGateway, count: int, seconds: float) -> int:
    """`count` viewers come, watch and leave, HTTP connections and all; resident memory while they watch."""
    room = asyncio.Semaphore(AT_ONCE)

    async def come(http: aiohttp.ClientSession) -> Player:
        async with room:
            player = Player(PlayRequest(running.whep, running.watch_token), http)
            await player.open()
            return player

    async def leave(player: Player) -> None:
        async with room:
            await player.close()

    async with aiohttp.ClientSession() as http:
        players = await asyncio.gather(*(come(http) for _ in range(count)))
        progress(f"{count} viewers watch")
        await asyncio.sleep(seconds)
        without = sum(len(player.streams) < 2 for player in players)
        if without:
            progress(f"{without} of them get no picture or no sound")
        resident = running.resident_bytes()
        await asyncio.gather(*(leave(player) for player in players))
    await asyncio.sleep(SETTLE)
    return resident

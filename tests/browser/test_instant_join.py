"""Chromium joins a publisher that sends a keyframe every ten seconds and none on request, as OBS does.

Each picture bears its number within the group of pictures, in squares that the viewer's page reads back when
the picture comes to the screen. The camera filmed picture n at a known instant, on the same machine's clock:
the difference is how late the viewer sees it, with sending, jitter buffer and decoding. The live edge is
reached when that is no more than what a viewer without anything to catch up on has.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time

import pytest
from playwright.async_api import Browser

from gateway.demo.encoders import Layer
from tests.browser.recorded_camera import FPS, NUMBER_BITS, NUMBER_SHARE, Recording, record, recorded_camera
from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers import ffmpeg, network
from tests.peers.browser_player import Diary, Player, play
from tests.peers.chromium import EXECUTABLE, chromium
from tests.peers.network import Conditions
from tests.peers.processes import running
from tests.waiting import eventually

GROUP = 10.0
"""Seconds between keyframes."""
FIRST_FRAME = 0.7
"""Seconds from the offer to the first picture on the screen."""
LIVE_EDGE = 3.0
"""Seconds from the offer until the viewer sees what is happening now."""
LATE = 0.4
"""Seconds behind the camera that still are the live edge: a picture, a jitter buffer, a busy machine."""
OWN_LATENESS = 0.15
"""Seconds that a viewer who only watches may be behind the camera himself."""
WATCHED = 5.0
"""Seconds for which a viewer is looked at."""
NACKS = 30
"""Packets asked for again that a decoder's slip on a lossless link may cost; a storm is hundreds."""


@pytest.fixture(autouse=True)
def _chromium() -> None:
    real_component("Chromium", EXECUTABLE)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record((Layer("h", 1280, 720, 2_000_000),), group_seconds=GROUP, groups=1)


async def watch(browser: Browser, gateway: GatewayServer, order: str) -> Player:
    """A player that reads the pictures' numbers, in a page of its own."""
    page = await browser.new_page()
    await page.goto(f"{gateway.url}/healthz")
    squares = {"number_bits": NUMBER_BITS, "number_share": NUMBER_SHARE}
    return await play(page, f"{gateway.url}/whep/{order}", gateway.watch_token(order), **squares)


def lateness(shown: tuple[float, int], began: float, rate: float) -> float:
    """Seconds from the filming of a picture to its showing; `began` is when a picture 0 was filmed."""
    at, number = shown
    return (at - began - number / rate) % GROUP


def check(
    player: Player, diary: Diary, began: float, age: float, *, rate: float = FPS, way: float = 0.0
) -> None:
    """That a join was instant and smooth. `way` is what the line alone costs until there is a connection."""
    # Where more wants to run than there are processors, everything takes its turn, the decoder too.
    slow = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert diary.shown, f"no picture at all: {diary}"
    late = [lateness(shown, began, rate) for shown in diary.shown]
    arrived = next(
        (at for (at, _), behind in zip(diary.shown, late, strict=True) if behind <= LATE * slow), None
    )
    first = diary.shown[0][0] - player.posted
    last = [x for (at, _), x in zip(diary.shown, late, strict=True) if at > diary.last.at - 1.0]
    told = (
        f"group {age:.1f} s old, first picture after {first * 1e3:.0f} ms and {late[0]:.1f} s late,"
        f" live edge after {(arrived or float('nan')) - player.posted:.2f} s,"
        f" then {statistics.median(last) * 1e3:.0f} ms behind; {diary.story()}"
    )
    print(told)
    assert first <= FIRST_FRAME * slow + way, told
    assert late[0] > age - 2.0, f"nothing to catch up on: {told}"
    assert arrived is not None, told
    assert arrived - player.posted <= LIVE_EDGE * slow, told
    assert statistics.median(last) <= LATE * slow, told
    assert diary.last.nacks <= NACKS, told
    assert diary.longest_stall(diary.samples[0].at) <= 0.5, told


@pytest.mark.parametrize("age", [1.0, 5.0, 8.0])
async def test_the_picture_is_there_at_once_and_soon_live(
    gateway: GatewayServer, order: str, recording: Recording, age: float
) -> None:
    url, token = f"{gateway.url}/whip/{order}", gateway.publish_token(order)
    async with chromium() as browser, recorded_camera(recording, url, token, obeys=False) as camera:
        await asyncio.sleep(max(0.0, age - 0.2 - camera.group_age()))
        player = await watch(browser, gateway, order)
        await asyncio.sleep(WATCHED)
        check(player, await player.diary(), camera.began, (player.posted - camera.began) % GROUP)


async def test_a_line_of_10_mbits_is_enough(distant_gateway: GatewayServer, recording: Recording) -> None:
    """Five times the stream's bitrate, 20 ms long each way, with a third of a second of queue."""
    gateway, order, age, line = distant_gateway, distant_gateway.order(), 5.0, Conditions(rate=10e6)
    url, token = f"{gateway.url}/whip/{order}", gateway.publish_token(order)
    film = recorded_camera(recording, url, token, obeys=False)
    async with network.namespace() as namespace, film as camera:
        await namespace.join("wlan0", line)
        async with chromium(namespace=namespace.name) as browser:
            await asyncio.sleep(max(0.0, age - 0.2 - camera.group_age()))
            player = await watch(browser, gateway, order)
            await asyncio.sleep(WATCHED)
            round_trips = 6  # TCP, HTTP, ICE, DTLS in two, the first keyframe
            check(player, await player.diary(), camera.began, age, way=round_trips * 2 * line.delay)


async def test_ffmpeg_is_joined_at_once(gateway: GatewayServer, order: str) -> None:
    """Nobody knows when FFmpeg films: the clock is a viewer who was there when the group began."""
    real_component("FFmpeg with whip", ffmpeg.executable())
    url, token, age = f"{gateway.url}/whip/{order}", gateway.publish_token(order), 5.0
    pictures = round(GROUP * ffmpeg.FPS)
    command = ffmpeg.publish_command(url, token=token, group=pictures, filters=burnt_in_number(360, pictures))
    async with chromium() as browser, running(*command):
        witness = await watch(browser, gateway, order)

        async def began() -> float:
            """When a picture 0 was filmed, by the witness."""
            shown = (await witness.diary()).shown[-25:]
            return min((at - number / ffmpeg.FPS for at, number in shown), default=0.0) - OWN_LATENESS

        await eventually(witness.diary, lambda diary: len(diary.shown) > 30, deadline=20)
        await asyncio.sleep((await began() + age - time.time()) % GROUP)
        player = await watch(browser, gateway, order)
        await asyncio.sleep(WATCHED)
        check(player, await player.diary(), await began(), age, rate=ffmpeg.FPS)


def burnt_in_number(height: int, pictures: int) -> str:
    """FFmpeg's filters for what `recorded_camera` draws: a picture's number, counted up to `pictures`."""
    side = height // NUMBER_SHARE
    squares = [f"drawbox=x=0:y=0:w={side * NUMBER_BITS}:h={side}:t=fill:c=black"]
    for place, bit in enumerate(reversed(range(NUMBER_BITS))):
        lit = f"enable='gt(bitand(mod(n,{pictures}),{1 << bit}),0)'"
        squares.append(f"drawbox=x={side * place}:y=0:w={side}:h={side}:t=fill:c=white:{lit}")
    return ",".join(squares)

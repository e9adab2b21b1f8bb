"""Ends in time: of a token, of an access, of the process; and what crowds leave behind."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from gateway.access.grants import Scope
from tests.fuzz.stage import Viewer, stage
from tests.gateway_server import ROOT, GatewayServer, gateway_server
from tests.waiting import eventually

STOPPED_WITHIN = 10.0
"""Seconds from SIGTERM to the end of the process: sessions, requests and the rest each have a deadline."""


async def test_a_token_and_an_access_end_within_a_second(gateway: GatewayServer, order: str) -> None:
    access, other = [await asyncio.to_thread(gateway.command, "access", "create", order) for _ in range(2)]
    async with stage(gateway, order, viewers=1) as on_air, aiohttp.ClientSession(gateway.url) as http:
        tokens = []
        for each in (access, other):
            login = {"login": each["login"], "password": each["password"]}
            async with http.post("/api/live-stream/authenticate", json=login) as response:
                tokens.append(str((await response.json())["token"]))
        short = Viewer(on_air.whep, gateway.token(order, Scope.WATCH, subject="short", ttl=4), on_air.http)
        expires = time.time() + 4
        revoked, stays = (Viewer(on_air.whep, token, on_air.http) for token in tokens)
        for viewer in (short, revoked, stays):
            await viewer.open()
        await asyncio.wait_for(short.player.closed, expires + 1 - time.time())
        assert time.time() > expires - 1.1  # whole seconds, rounded down
        async with http.post(
            "/api/live-stream/renew", headers={"Authorization": f"Bearer {tokens[1]}"}
        ) as response:
            assert response.status == 200
        await asyncio.to_thread(gateway.command, "access", "revoke", access["id"])
        assert await asyncio.wait_for(revoked.player.closed, 1) == "closed_by_peer"
        on_air.viewers.append(stays)
        await on_air.check_unharmed()
        await stays.player.close()


def start(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway", "serve"]
    with log.open("wb") as output:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)


async def test_sigterm_ends_live_sessions_in_order(tmp_path: Path) -> None:
    with gateway_server(tmp_path, media_host="127.0.0.1") as first:
        order = await asyncio.to_thread(first.order)
    log = tmp_path / "second.log"
    process = start(first.environment, log)  # the same place once more, with a process id we know
    gateway = GatewayServer(first.url, first.environment, log)
    try:
        async with aiohttp.ClientSession() as http:

            async def ready() -> bool:
                try:
                    async with http.get(f"{gateway.url}/readyz") as response:
                        return response.status == 200
                except aiohttp.ClientError:
                    return False

            await eventually(ready)
        async with stage(gateway, order) as on_air:
            closed = [viewer.player.closed for viewer in on_air.viewers] + [on_air.camera.publisher.closed]
            process.send_signal(signal.SIGTERM)
            reasons = await asyncio.wait_for(asyncio.gather(*closed), 3)
            process.send_signal(signal.SIGTERM)
            assert reasons == ["closed_by_peer"] * 3
            assert await asyncio.to_thread(process.wait, STOPPED_WITHIN) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()


async def test_sigterm_while_starting_is_heard(tmp_path: Path) -> None:
    with gateway_server(tmp_path, media_host="127.0.0.1") as first:
        pass
    statuses = []
    for number in range(4):
        log = tmp_path / f"start-{number}.log"
        process = start(first.environment, log)
        await asyncio.sleep(0.4 + 0.35 * number)
        process.send_signal(signal.SIGTERM)
        statuses.append(await asyncio.to_thread(process.wait, STOPPED_WITHIN))
        assert "Traceback" not in log.read_text()
    # Before Python has installed its handlers the signal's own default applies.
    assert set(statuses) <= {0, -signal.SIGTERM}


async def test_crowds_leave_nothing_behind(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order, viewers=1) as on_air:

        async def crowd(size: int) -> None:
            async with aiohttp.ClientSession() as http:
                token = gateway.watch_token(order)
                viewers = [Viewer(on_air.whep, token, http) for _ in range(size)]
                await asyncio.gather(*(viewer.open() for viewer in viewers))
                await asyncio.gather(*(viewer.player.close() for viewer in viewers))

        await crowd(12)  # the database's pool and the like grow once
        before = await on_air.metrics()
        for _ in range(4):
            await crowd(12)
        await on_air.check_unharmed()

        async def back() -> bool:
            now = await on_air.metrics()
            names = ("gateway_sessions", "gateway_tasks", "process_open_fds")
            return all(now[name] <= before[name] for name in names)

        await eventually(back)


async def test_a_publisher_restarts_under_his_viewers(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order, viewers=3) as on_air:
        token = gateway.publish_token(order)
        for _ in range(3):
            seen = [len(viewer.numbers) for viewer in on_air.viewers]
            async with aiohttp.ClientSession() as http:
                again = type(on_air.camera)(on_air.whip, token, http)
                await again.open()

                async def all_see_it(seen: list[int] = seen) -> bool:
                    return all(len(v.numbers) > n + 20 for v, n in zip(on_air.viewers, seen, strict=True))

                await eventually(all_see_it, deadline=5)
                await again.close()
        assert not any(viewer.player.closed.done() for viewer in on_air.viewers)

"""The workers without media, as the processes that they are, on servers that say no now and then."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import socketio
from aiohttp import web

from loadtest.measurement import nothing
from loadtest.messages import LoginJob, PagesJob, Tick
from loadtest.workers import Worker


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Seen:
    """What a worker's ticks add up to."""

    def __init__(self) -> None:
        self.total = nothing()
        self.sessions = 0
        self._changed = asyncio.Event()

    def take(self, _: Worker, tick: Tick) -> None:
        self.total.add(tick)
        self.sessions = tick.sessions
        self._changed.set()

    async def until(self, arrived: Any) -> None:
        async with asyncio.timeout(20):
            while not arrived(self):
                self._changed.clear()
                await self._changed.wait()


async def test_logins_are_counted_by_how_they_end() -> None:
    answers = 0

    async def authenticate(request: web.Request) -> web.Response:
        nonlocal answers
        answers += 1
        assert await request.json() == {"login": "someone", "password": "secret"}
        return web.json_response({}, status=429 if answers % 2 else 200)

    app = web.Application()
    app.router.add_post("/api/live-stream/authenticate", authenticate)
    seen = Seen()
    async with served(app) as url:
        worker = Worker("logins", LoginJob(url, "someone", "secret", per_second=20.0), seen.take)
        await worker.start()
        await seen.until(lambda seen: seen.total.opened >= 5)
        await worker.stop()
    assert 0 <= seen.total.failed["login: HTTP 429"] - seen.total.opened <= 1
    assert seen.total.requests.count == seen.total.opened
    assert worker.ended.exception() is None


async def test_pages_connect_hear_and_notice_when_they_are_hung_up_on() -> None:
    server = socketio.AsyncServer(async_mode="aiohttp")
    tokens: list[object] = []

    async def connect(sid: str, environ: object, auth: object) -> None:
        tokens.append(auth)
        if len(tokens) == 3:
            raise socketio.exceptions.ConnectionRefusedError("full")
        await server.emit("viewers", {"count": len(tokens)}, to=sid, namespace="/live")

    server.on("connect", connect, namespace="/live")
    app = web.Application()
    server.attach(app)
    seen = Seen()
    async with served(app) as url:
        worker = Worker("pages", PagesJob(url, "secret", clients=3), seen.take)
        await worker.start()
        await seen.until(lambda seen: seen.sessions == 2 and seen.total.packets == 2 and seen.total.failed)
        assert seen.total.failed == {"page: ConnectionError": 1}
        assert seen.total.requests.count == 2
        sid = next(iter(server.manager.get_participants("/live", None)))[0]
        await server.disconnect(sid, namespace="/live")
        await seen.until(lambda seen: seen.sessions == 1)
        await worker.stop()
    assert seen.total.failed == {"page: ConnectionError": 1, "page: connection lost": 1}
    assert tokens == [{"token": "secret"}] * 3


async def test_a_job_of_another_kind_is_refused() -> None:
    command = (sys.executable, "-m", "loadtest.clients")
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(b'{"role": "watch", "endpoints": []}\n'), 20)
    assert process.returncode == 1
    assert b"not for this worker" in said


async def test_a_coordinator_that_is_gone_ends_the_worker() -> None:
    command = (sys.executable, "-m", "loadtest.clients")
    job = b'{"role": "pages", "url": "http://127.0.0.1:1", "token": "", "clients": 0}\n'
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(job), 20)
    assert process.returncode == 0
    assert said.splitlines()[0] == b'{"event": "ready", "obeys": []}'

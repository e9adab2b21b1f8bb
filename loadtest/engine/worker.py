"""The life of a worker: reads its job and its commands, ticks once a second, stops in order."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
from typing import Protocol

import aiohttp

from loadtest.engine.checkers import Checkers
from loadtest.engine.crowd import Crowd
from loadtest.engine.meter import Meter
from loadtest.engine.studio import Studio
from loadtest.messages import CheckJob, Command, Job, PublishJob, WatchJob, read_command, read_job

OBEYS = ("loss",)
_TICK = 1.0
_CONNECTIONS = 128
"""HTTP connections at a time."""
_LINE = 16 * 1024 * 1024
"""Longest job: thousands of endpoints with their tokens."""


class Cast(Protocol):
    """Sessions of one kind."""

    @property
    def sessions(self) -> int:
        """How many are connected."""
        ...

    @property
    def opening(self) -> int:
        """How many are on their way."""
        ...

    async def start(self) -> None:
        """Make ready; a publisher begins."""
        ...

    def want(self, number: int) -> None:
        """How many there should be."""
        ...

    def look(self) -> None:
        """Before a tick: count what must be asked for."""
        ...

    async def close(self) -> None:
        """End all sessions."""
        ...


async def work() -> int:
    """Do one job. The exit status."""
    commands = await _standard_input()
    try:
        job = read_job((await commands.readline()).decode())
    except (ValueError, TypeError, KeyError) as error:
        _say({"event": "error", "text": f"the job cannot be read: {type(error).__name__}"})
        return 1
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each viewer has a socket
    if job.core is not None and job.core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {job.core})
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        meter = Meter(time.time())
        cast = _cast(job, http, meter)
        try:
            await cast.start()
        except Exception as error:  # whatever it is, the coordinator is to know
            _say({"event": "error", "text": f"{type(error).__name__}: {error}"})
            await cast.close()
            return 1
        _tune()
        _say({"event": "ready", "obeys": OBEYS})
        ticking = asyncio.create_task(_tick(cast, meter), name="tick")
        await _obey(commands, cast, meter)
        ticking.cancel()
        await cast.close()
        print(meter.take(time.time(), cast.sessions, 0).to_json(), flush=True)
    return 0


def _cast(job: Job, http: aiohttp.ClientSession, meter: Meter) -> Cast:
    if isinstance(job, PublishJob):
        return Studio(job, http, meter)
    if isinstance(job, WatchJob):
        return Crowd(job, http, meter)
    if isinstance(job, CheckJob):
        return Checkers(job, http, meter)
    raise TypeError(f"no job for the engine: {job.role}")


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LINE)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


def _tune() -> None:
    """What was made so far stays; sessions make cycles, packets none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _tick(cast: Cast, meter: Meter) -> None:
    due = time.monotonic()
    while True:
        due = max(due + _TICK, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        cast.look()
        print(meter.take(time.time(), cast.sessions, cast.opening).to_json(), flush=True)


async def _obey(commands: asyncio.StreamReader, cast: Cast, meter: Meter) -> None:
    while line := await commands.readline():
        try:
            command: Command = read_command(line.decode())
        except (ValueError, TypeError):
            print("engine: a command cannot be read", file=sys.stderr)
            continue
        if command.do == "sessions":
            cast.want(command.number)
        elif command.do == "measure":
            cast.look()
            meter.forget(time.time())
        else:
            return


def _say(event: dict[str, object]) -> None:
    print(json.dumps(event), flush=True)

"""Worker processes of a load test, seen from the coordinator: started, heard, told, ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from loadtest.messages import OPTIONAL, Command, Job, Role, Tick, command_line, job_line

READY_TIMEOUT = 180.0
"""Seconds. A publisher's first run makes its media, which takes an encoder a while."""
STOP_TIMEOUT = 15.0
"""Seconds in which a worker may say goodbye to its sessions."""
_LINE = 4 * 1024 * 1024
"""Longest line that a worker may print: a tick with full histograms has some ten thousand characters."""
_LAST_WORDS = 8

MODULES: dict[Role, str] = {
    "publish": "loadtest.engine",
    "watch": "loadtest.engine",
    "check": "loadtest.engine",
    "pages": "loadtest.clients",
    "login": "loadtest.clients",
}


class WorkerFailed(Exception):
    """A worker could not begin, or ended though nobody told it to; says which and its last words."""


class Worker:
    """One process. `ended` resolves when it does, with an exception unless it was told to stop."""

    def __init__(
        self,
        name: str,
        job: Job,
        on_tick: Callable[[Worker, Tick], None],
        command: Sequence[str] | None = None,
    ) -> None:
        self.name = name
        self.job = job
        self.last: Tick | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_tick = on_tick
        self._command = command or (sys.executable, "-m", MODULES[job.role])
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._error: str | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start the process and give it its job. Raises WorkerFailed unless it is ready in time."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE,
            start_new_session=True,  # Ctrl-C is for the coordinator, which lets them end in order
        )
        self._tasks = [
            asyncio.create_task(self._listen(self._process), name=f"{self.name} events"),
            asyncio.create_task(self._overhear(self._process), name=f"{self.name} words"),
        ]
        self._write(job_line(self.job))
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                await self._ready
        except TimeoutError:
            raise WorkerFailed(f"{self.name} was not ready within {READY_TIMEOUT:.0f} s") from None

    def send(self, command: Command) -> None:
        """Tell the worker something; what cannot be told shows in `ended`."""
        self._write(command_line(command))

    async def stop(self) -> None:
        """Let the worker end; kill it when it does not. May be called again, and when it never started."""
        self._stopping = True
        process = self._process
        if process is None:
            return
        self.send(Command("stop"))
        if process.stdin is not None:
            process.stdin.close()
        _, late = await asyncio.wait(self._tasks, timeout=STOP_TIMEOUT)
        if late:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await asyncio.gather(*self._tasks)

    def _write(self, line: str) -> None:
        stdin = self._process.stdin if self._process else None
        if stdin is not None and not stdin.is_closing():
            stdin.write(line.encode() + b"\n")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            try:
                self._heard(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                self._error = f"what it said cannot be read: {error}"
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                break
        await process.wait()
        self._end(process.returncode)

    async def _overhear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            self._words.append(line.decode("utf-8", "replace").rstrip())

    def _heard(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "ready":
                lacks = [
                    name for name in OPTIONAL if getattr(self.job, name, 0) and name not in event["obeys"]
                ]
                if lacks:
                    self._error = f"it cannot do {', '.join(lacks)}, which the scenario asks for"
                    self._fail(self._error)
                elif not self._ready.done():
                    self._ready.set_result(None)
            case "tick":
                self.last = Tick.from_json(event)
                self._on_tick(self, self.last)
            case "error":
                self._error = str(event["text"])
            case other:
                raise ValueError(f"unknown event {other!r}")

    def _end(self, status: int | None) -> None:
        if self._stopping and self._error is None:
            if not self._ready.done():
                self._ready.cancel()
            if not self.ended.done():
                self.ended.set_result(None)
            return
        self._fail(self._error or "\n".join((f"it ended with status {status}", *self._words)))

    def _fail(self, text: str) -> None:
        for future in (self._ready, self.ended):
            if not future.done():
                future.set_exception(WorkerFailed(f"{self.name}: {text}"))
                future.exception()  # seen: whoever waits gets it, and nobody need wait for both

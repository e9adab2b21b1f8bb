"""Child processes that always end, by their own process id."""

from __future__ import annotations

import asyncio
import collections
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class Process:
    """A child whose merged output is kept (the last 2,000 lines) and can be waited on."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.lines: collections.deque[str] = collections.deque(maxlen=2_000)
        self._grown = asyncio.Condition()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    async def read(self) -> None:
        """Collect output until the child closes it."""
        assert self.child.stdout
        async for raw in self.child.stdout:
            async with self._grown:
                self.lines.append(raw.decode(errors="replace").rstrip())
                self._grown.notify_all()

    async def line(self, wanted: Callable[[str], bool], *, deadline: float = 20.0) -> str:
        """The first line (already printed or still to come) that `wanted` accepts."""
        found: list[str] = []

        def present() -> bool:
            found.extend(line for line in tuple(self.lines) if wanted(line))
            return bool(found)

        try:
            async with asyncio.timeout(deadline), self._grown:
                await self._grown.wait_for(present)
        except TimeoutError:
            raise AssertionError(f"nothing of the kind within {deadline} s in:\n{self.output}") from None
        return found[0]

    async def line_with(self, text: str, *, deadline: float = 20.0) -> str:
        """The first line that contains `text`."""
        return await self.line(lambda line: text in line, deadline=deadline)

    async def stop(self, *, grace: float = 10.0) -> int:
        """SIGTERM, then SIGKILL after `grace` seconds; returns the exit status."""
        if self.child.returncode is None:
            with suppress(ProcessLookupError):
                self.child.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.child.wait(), grace)
            except TimeoutError:
                await self.kill()
        assert self.child.returncode is not None
        return self.child.returncode

    async def kill(self) -> None:
        """SIGKILL to the child and to whatever it started: no goodbye of any kind is sent."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        await self.child.wait()


@asynccontextmanager
async def running(
    *command: str,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    listens: bool = False,
) -> AsyncIterator[Process]:
    """Run a command in a process group of its own; it is gone when the block is left.

    One that `listens` has a pipe as standard input, `child.stdin`.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE if listens else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        cwd=directory,
        limit=2**20,
        start_new_session=True,
    )
    process = Process(child)
    reader = asyncio.create_task(process.read())
    try:
        yield process
    finally:
        await process.stop()
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader

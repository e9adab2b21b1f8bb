"""Keeps the synthetic camera's process running: starts it, starts it again, ends it with us."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable

from gateway.log import get_logger

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
STEADY_SECONDS = 30.0
"""After this long a run counts as good, and the next pause is short again."""
PATIENCE = 3.0
"""Seconds the camera has to say goodbye."""

log = get_logger("gateway.demo.camera_process")


class CameraProcess:
    """`assignment` is asked at each start, so that the token is always fresh."""

    def __init__(self, assignment: Callable[[], dict[str, str]], module: str = "gateway.demo.camera") -> None:
        self._assignment = assignment
        self._module = module
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the camera is started from a task that this object owns."""
        self._task = asyncio.create_task(self._keep_running(), name="demo camera")

    async def stop(self) -> None:
        """End the camera. May be called again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _keep_running(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            began = loop.time()
            status = await self._run_once()
            if loop.time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE
            log.info("the demo's camera ended and is started again", status=status, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _run_once(self) -> int:
        # The token goes by standard input: arguments can be read by everybody on the machine. A session of
        # its own keeps Ctrl-C from reaching the camera before we have told it to end.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(self._assignment()).encode() + b"\n")
            with contextlib.suppress(ConnectionError):
                await process.stdin.drain()
            return await process.wait()
        finally:
            process.stdin.close()
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for a process whose standard input is closed; kill it when it does not take the hint."""
    if process.returncode is not None:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()

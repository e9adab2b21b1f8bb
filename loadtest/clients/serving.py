"""The worker's side of the protocol: ready, a tick a second, obedience."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Protocol

from loadtest.messages import Tick, read_command

_INTERVAL = 1.0


class Tally:
    """What was counted since the last tick."""

    def __init__(self) -> None:
        self.sessions = 0
        self.opening = 0
        self._since = time.time()
        self._cpu = time.process_time()
        self._tick = Tick(at=0.0, seconds=0.0)

    def opened(self, milliseconds: float) -> None:
        """Something was asked for and came after so long."""
        self._tick.opened += 1
        self._tick.requests.add(milliseconds)

    def failed(self, reason: str) -> None:
        """Something did not come, or ended by itself."""
        self._tick.failed[reason] = self._tick.failed.get(reason, 0) + 1

    def heard(self) -> None:
        """An event came."""
        self._tick.packets += 1

    def late(self, seconds: float) -> None:
        """The process was late by so much for something that was due."""
        self._tick.lag = max(self._tick.lag, seconds)

    def take(self) -> Tick:
        """What was counted, and begin anew."""
        tick, self._tick = self._tick, Tick(at=0.0, seconds=0.0)
        now, cpu = time.time(), time.process_time()
        tick.at, tick.seconds, self._since = now, max(1e-6, now - self._since), now
        tick.cpu, self._cpu = cpu - self._cpu, cpu
        tick.sessions, tick.opening = self.sessions, self.opening
        return tick


class Client(Protocol):
    """What makes the load."""

    tally: Tally

    async def run(self) -> None:
        """Make it until cancelled."""
        ...

    async def close(self) -> None:
        """End everything that is open."""
        ...


async def serve(client: Client) -> None:
    """Run a client until it is told to stop or nobody is there any more to tell."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say({"event": "ready", "obeys": []})
    tasks = [asyncio.create_task(client.run()), asyncio.create_task(_tick(client.tally))]
    obeying = asyncio.create_task(_obey(reader, client.tally))
    try:
        done, _ = await asyncio.wait([*tasks, obeying], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (*tasks, obeying):
            task.cancel()
        await asyncio.gather(*tasks, obeying, return_exceptions=True)
        await client.close()
        print(client.tally.take().to_json(), flush=True)


def say(event: dict[str, Any]) -> None:
    """One line to the coordinator."""
    print(json.dumps(event), flush=True)


async def _obey(reader: asyncio.StreamReader, tally: Tally) -> None:
    while line := await reader.readline():
        command = read_command(line.decode())
        if command.do == "stop":
            return
        if command.do == "measure":
            tally.take()


async def _tick(tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due += _INTERVAL
        await asyncio.sleep(max(0.0, due - loop.time()))
        tally.late(loop.time() - due)
        print(tally.take().to_json(), flush=True)

"""Customers who log in at a steady rate."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from loadtest.clients.serving import Tally
from loadtest.messages import LoginJob

PATH = "/api/live-stream/authenticate"
_AT_ONCE = 100
"""Logins under way at which no further one is begun: the gateway is behind, and that shows by then."""
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Logins:
    """One login after the other, whether the one before has been answered or not."""

    def __init__(self, job: LoginJob) -> None:
        self.tally = Tally()
        self._job = job
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Log in until cancelled."""
        self._http = aiohttp.ClientSession(timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=0))
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if len(self._tasks) < _AT_ONCE:
                task = asyncio.create_task(self._login(self._http))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                self.tally.failed("login: none answered in time")
            due += 1 / self._job.per_second
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def close(self) -> None:
        """Leave what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def _login(self, http: aiohttp.ClientSession) -> None:
        began = time.monotonic()
        self.tally.opening += 1
        body = {"login": self._job.login, "password": self._job.password}
        try:
            async with http.post(self._job.url + PATH, json=body) as response:
                await response.read()
                if response.status != 200:
                    self.tally.failed(f"login: HTTP {response.status}")
                    return
        except (aiohttp.ClientError, TimeoutError) as error:
            self.tally.failed(f"login: {type(error).__name__}")
            return
        finally:
            self.tally.opening -= 1
        self.tally.opened((time.monotonic() - began) * 1000)

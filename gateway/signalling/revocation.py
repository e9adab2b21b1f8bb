"""Ends live sessions whose access was revoked, by whichever process did that, within a second."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection

from gateway.log import get_logger
from gateway.signalling.ports import AccessLedger
from gateway.signalling.sessions import SessionRegistry

POLL_INTERVAL = 0.5
"""Seconds between two looks; one query each, none while nobody is live."""

log = get_logger("gateway.signalling.revocation")


class RevocationWatcher:
    """One owned task that asks the ledger about the accesses in use.

    Besides the registry's sessions it watches whatever `watch` was given, for listeners that hang on
    an access without having a session yet.
    """

    def __init__(
        self,
        *,
        ledger: AccessLedger,
        sessions: SessionRegistry,
        drops: Counter[str],
        interval: float = POLL_INTERVAL,
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._drops = drops
        self._interval = interval
        self._sources: list[Callable[[], Collection[str]]] = [sessions.stream_ids]
        self._on_revoked: list[Callable[[Collection[str]], None]] = []
        self._task: asyncio.Task[None] | None = None

    def watch(
        self, in_use: Callable[[], Collection[str]], on_revoked: Callable[[Collection[str]], None]
    ) -> None:
        """Ask about `in_use()` as well, and hand the ended ones to `on_revoked`."""
        self._sources.append(in_use)
        self._on_revoked.append(on_revoked)

    def start(self) -> None:
        """Begin to poll; needs the running loop. Idempotent."""
        if self._task is None:
            self._task = asyncio.create_task(self._poll(), name="revocation-watcher")

    async def stop(self) -> None:
        """Stop polling. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def check(self) -> None:
        """One look at the ledger."""
        in_use = {stream_id for source in self._sources for stream_id in source()}
        if not in_use:
            return
        ended = await self._ledger.ended(in_use)
        if ended:
            self._sessions.close_streams(ended, "revoked")
            for callback in self._on_revoked:
                callback(ended)

    async def _poll(self) -> None:
        healthy = True
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.check()
            except Exception as error:  # a database that is away for a moment must not end the watch
                self._drops["revocation_check_failed"] += 1
                if healthy:
                    log.error("cannot check accesses; trying again", error=repr(error))
                healthy = False
            else:
                healthy = True

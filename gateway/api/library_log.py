"""What the HTTP and Socket.IO libraries say of clients that do not speak their protocol: a count.

Anybody may send garbage, so it must not fill the log. What the libraries say of our own defects stays.
"""

from __future__ import annotations

import logging
from collections import Counter
from traceback import walk_tb

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

_OURS = "gateway."


class _CountClientFaults(logging.Filter):
    """Drops a record that tells of a client's fault, and counts it under `reason`."""

    def __init__(self, drops: Counter[str], reason: str) -> None:
        super().__init__()
        self._drops = drops
        self._reason = reason

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not _is_clients_fault(error):
            return record.levelno >= logging.WARNING
        if error is not None or record.levelno >= logging.WARNING:
            self._drops[self._reason] += 1
        return False


def _is_clients_fault(error: BaseException) -> bool:
    """A refusal of the HTTP parser, or an error met before any code of ours was called: by broken packets."""
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        return True
    frames = walk_tb(error.__traceback__)
    return not any(str(frame.f_globals.get("__name__")).startswith(_OURS) for frame, _ in frames)


def library_logger(name: str, drops: Counter[str], reason: str) -> logging.Logger:
    """A logger to hand to a library; what clients did wrong is counted in `drops` under `reason`."""
    logger = logging.Logger(name, logging.DEBUG)
    logger.parent = logging.getLogger()
    logger.addFilter(_CountClientFaults(drops, reason))
    return logger

"""Structured logs to standard error: readable text or one JSON object a line, never a secret.

Libraries that use the standard `logging` go through the same processors as our own events.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(r"token|password|passwd|pwd|authorization|secret|cookie|credential", re.IGNORECASE)
_SECRET_TEXT = (
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),  # a JSON web token
    (re.compile(r"(?i)\b(bearer|basic) +[\w.~+/=-]+"), rf"\1 {REDACTED}"),
    (re.compile(r"(?i)\b(token|password|secret|authorization)([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;})]+"),
     rf"\1\2{REDACTED}"),
    (re.compile(r"://([^\s:/@]*):[^\s/@]+@"), rf"://\1:{REDACTED}@"),  # a password inside a URL
)  # fmt: skip


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Processor: blank values under telling keys, and secrets inside any text, at every depth."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if _SECRET_KEY.search(key) and not isinstance(value, bool | int | float | None):
        return REDACTED
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, Mapping):
        return {inner: _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in value]
    return value


def configure(log_format: str = "text", level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging of the process; call once at start. `log_format` is "text" or "json"."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            # Redaction comes last before rendering, so that nothing is added behind its back.
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiosqlite", "alembic", "asyncio", "sqlalchemy", "aioice"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger for one module: `log.info("session opened", session=…)`."""
    return cast("FilteringBoundLogger", structlog.get_logger(name))

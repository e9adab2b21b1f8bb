"""What opening a session is called, for adapters and those who use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

Kind = Literal["publish", "watch", "talk"]
"""Who opens it; `talk` is a viewer's microphone."""
Close = Callable[[], Awaitable[None]]
"""Ends a session at the server; never raises, may be called again."""

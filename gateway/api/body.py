"""Request bodies, read with a cap and a deadline whatever Content-Length claims."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.errors import Malformed, TooLarge, UnsupportedType

MAX_SDP = 128 * 1024
MAX_FRAGMENT = 16 * 1024
MAX_JSON = 16 * 1024
_DEADLINE = 10.0
"""Seconds for a whole body: every one of them fits into a few packets."""


def media_type(request: web.Request) -> str:
    """The Content-Type without parameters, lower-case; empty when absent."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def require_type(request: web.Request, expected: str) -> None:
    """Raise UnsupportedType unless the body is declared to be `expected`."""
    if media_type(request) != expected:
        raise UnsupportedType(f"expected Content-Type {expected}")


async def read_text(request: web.Request, limit: int) -> str:
    """The body as UTF-8 text.

    Raises:
        TooLarge: more than `limit` bytes, announced or arrived; the rest is not read.
        Malformed: no valid UTF-8, or broken on the way.
        HTTPRequestTimeout: not complete in time.
    """
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge(f"at most {limit} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(_DEADLINE):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise TooLarge(f"at most {limit} bytes")
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("the body is no UTF-8 text") from None
    except (web.RequestPayloadError, ClientPayloadError, HttpProcessingError, ConnectionError):
        raise Malformed("the body is damaged or cut off") from None
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def read_json(request: web.Request, limit: int = MAX_JSON) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        UnsupportedType: declared to be something other than JSON.
        Malformed: no JSON object; besides everything that `read_text` raises.
    """
    require_type(request, "application/json")
    text = await read_text(request, limit)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the body is no valid JSON") from None
    if not isinstance(value, dict):
        raise Malformed("the body is no JSON object")
    return value

"""The HTTP side of WHIP and WHEP: one POST, one resource, one DELETE (RFC 9725, draft-ietf-wish-whep-03)."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from gateway.client.errors import ClientError, Refused

MAX_ANSWER = 128 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=15)
DELETE_TIMEOUT = aiohttp.ClientTimeout(total=2)


@dataclass(frozen=True, slots=True)
class Resource:
    """A session at the server: the URL behind `Location`, and the SDP answer."""

    url: URL
    answer: str = field(repr=False)
    etag: str | None
    token: str = field(repr=False)


async def post_offer(http: aiohttp.ClientSession, endpoint: str, token: str, offer: str) -> Resource:
    """Offer a session to a WHIP or WHEP endpoint.

    Raises Refused for any status but 201 (`retry_after` in seconds where the server names one), and
    ClientError when there is no server, no Location or no readable answer.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    try:
        async with http.post(endpoint, data=offer.encode(), headers=headers, timeout=TIMEOUT) as response:
            if response.status != 201:
                raise Refused(response.status, await _reason(response), retry_after=_retry_after(response))
            location = response.headers.get("Location")
            if not location:
                raise ClientError("the server sent no Location")
            answer = (await response.content.read(MAX_ANSWER)).decode("utf-8", "replace")
            return Resource(response.url.join(URL(location)), answer, response.headers.get("ETag"), token)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ClientError(f"no answer from the server: {type(error).__name__}") from error


async def delete(http: aiohttp.ClientSession, resource: Resource) -> int | None:
    """End the session at the server. The status, or None when the server cannot be reached."""
    headers = {"Authorization": f"Bearer {resource.token}"}
    try:
        async with http.delete(resource.url, headers=headers, timeout=DELETE_TIMEOUT) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return None


async def _reason(response: aiohttp.ClientResponse) -> str:
    if "json" not in response.content_type:
        return ""
    try:
        body = await response.json(content_type=None)
    except ValueError:
        return ""
    return str(body.get("detail") or body.get("error") or "") if isinstance(body, dict) else ""


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None

"""How a session is opened and closed at one kind of server: WHIP and WHEP, and servers' quirks.

The engine makes an SDP offer and connects to what comes back; paths, headers and goodbyes are known here
only. A further server is one more entry of `_ALL`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import aiohttp
from yarl import URL

from gateway.client.errors import ClientError, Refused
from loadtest.janus import Janus
from loadtest.messages import Endpoint
from loadtest.opening import Close, Kind

__all__ = ["ADAPTERS", "Adapter", "Close", "Kind", "WhipServer", "find", "open"]

TIMEOUT = aiohttp.ClientTimeout(total=15)
CLOSE_TIMEOUT = aiohttp.ClientTimeout(total=3)
MAX_ANSWER = 128 * 1024
_QUOTED = 200
"""Characters of a refusal that are repeated."""


class Adapter(Protocol):
    """One kind of server."""

    @property
    def name(self) -> str:
        """How scenarios and `--adapter` call it."""
        ...

    def endpoint(self, base: str, order: str, camera: str, publish_token: str, watch_token: str) -> Endpoint:
        """Where one camera of an order (elsewhere: stream, path, room) is published and watched."""
        ...

    async def open(
        self, kind: Kind, endpoint: Endpoint, offer: str, http: aiohttp.ClientSession
    ) -> tuple[str, Close]:
        """See `open`."""
        ...


async def open(kind: Kind, endpoint: Endpoint, offer: str, http: aiohttp.ClientSession) -> tuple[str, Close]:
    """Offer a session; returns the SDP answer and what ends the session at the server.

    The second never raises and may be called again. Raises Refused with the server's status, or ClientError
    when there is no server, no usable answer or no such thing at this kind of server.
    """
    return await find(endpoint.adapter).open(kind, endpoint, offer, http)


def find(name: str) -> Adapter:
    """The adapter of that name. Raises ClientError for none."""
    if name not in ADAPTERS:
        raise ClientError(f"no adapter {name!r}; there are {', '.join(ADAPTERS)}")
    return ADAPTERS[name]


@dataclass(frozen=True, slots=True)
class WhipServer:
    """A server that speaks WHIP and WHEP: an offer posted, a resource that is deleted (RFC 9725).

    The paths may name `{order}` and `{camera}`, and `{token}` where a server wants it in the query.
    """

    name: str
    whip: str
    whep: str | None
    talk: str | None = None
    bearer: bool = True
    statuses: tuple[int, ...] = (201,)

    def endpoint(self, base: str, order: str, camera: str, publish_token: str, watch_token: str) -> Endpoint:
        """See `Adapter`."""

        def url(path: str | None, token: str) -> str:
            if path is None:
                return ""
            names = {"order": order, "camera": camera, "token": token}
            values = {name: quote(value, safe="") for name, value in names.items()}
            return base.rstrip("/") + path.format_map(values)

        return Endpoint(
            whip=url(self.whip, publish_token),
            whep=url(self.whep, watch_token),
            publish_token=publish_token,
            watch_token=watch_token,
            adapter=self.name,
            talk=url(self.talk, watch_token),
        )

    async def open(
        self, kind: Kind, endpoint: Endpoint, offer: str, http: aiohttp.ClientSession
    ) -> tuple[str, Close]:
        """See `open` of the module."""
        url = {"publish": endpoint.whip, "watch": endpoint.whep, "talk": endpoint.talk}[kind]
        if not url:
            raise ClientError(f"a server of kind {endpoint.adapter!r} has nothing to {kind}")
        token = endpoint.publish_token if kind == "publish" else endpoint.watch_token
        authorization = {"Authorization": f"Bearer {token}"} if self.bearer and token else {}
        headers = {**authorization, "Content-Type": "application/sdp"}
        try:
            async with http.post(url, data=offer.encode(), headers=headers, timeout=TIMEOUT) as response:
                body = await response.content.read(MAX_ANSWER)
                if response.status not in self.statuses:
                    raise Refused(response.status, body[:_QUOTED].decode("utf-8", "replace"))
                location = response.headers.get("Location")
                resource = response.url.join(URL(location)) if location else None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClientError(f"no answer from the server: {type(error).__name__}") from error
        if resource is None:
            raise ClientError("the server sent no Location")
        return body.decode("utf-8", "replace"), _deleter(http, resource, authorization)


def _deleter(http: aiohttp.ClientSession, resource: URL, headers: Mapping[str, str]) -> Close:
    open_still = True

    async def close() -> None:
        nonlocal open_still
        if not open_still:
            return
        open_still = False
        try:
            async with http.delete(resource, headers=headers, timeout=CLOSE_TIMEOUT):
                pass
        except (aiohttp.ClientError, TimeoutError):
            pass  # the server will notice by itself that nobody is there

    return close


_ALL: tuple[Adapter, ...] = (
    # This gateway, and whoever has the same paths.
    WhipServer("whip", "/whip/{order}/{camera}", "/whep/{order}/{camera}", "/whip/{order}/talk"),
    # Tokens go into the query; its Location has one of the session's own.
    WhipServer(
        "srs",
        "/rtc/v1/whip/?app=live&stream={order}-{camera}&secret={token}",
        "/rtc/v1/whep/?app=live&stream={order}-{camera}&token={token}",
        bearer=False,
    ),
    WhipServer("mediamtx", "/{order}/{camera}/whip", "/{order}/{camera}/whep"),
    # The room is in the token. It has no WHEP: viewers need its own protocol.
    WhipServer("livekit", "/whip/v1", None, statuses=(200, 201)),
    Janus(),
)
ADAPTERS: dict[str, Adapter] = {adapter.name: adapter for adapter in _ALL}
"""By name."""

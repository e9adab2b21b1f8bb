"""Link header fields (RFC 8288): a client's ICE servers, and the extensions that its session has.

Source: RFC 9725 sections 4.6 and 4.8, for WHIP and WHEP alike.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.signalling.ice_servers import IceServer


def ice_server_links(servers: Iterable[IceServer]) -> list[str]:
    """One field value a server, never joined: OBS splits at commas without trimming.

    The parameters' order `rel; username; credential; credential-type` is what clients were built against.
    """
    return [_link(server) for server in servers]


def extension_link(url: str, urn: str, **attributes: str) -> str:
    """One field value for one extension: players find `rel` first, as with ICE servers."""
    parts = [
        f"<{url}>",
        f'rel="{urn}"',
        *(f'{name}="{_escaped(value)}"' for name, value in attributes.items()),
    ]
    return "; ".join(parts)


def _link(server: IceServer) -> str:
    parts = [f"<{server.url}>", 'rel="ice-server"']
    if server.username is not None and server.credential is not None:
        parts += [
            f'username="{_escaped(server.username)}"',
            f'credential="{_escaped(server.credential)}"',
            'credential-type="password"',
        ]
    return "; ".join(parts)


def _escaped(value: str) -> str:
    """As a quoted-string (RFC 9110 section 5.6.4)."""
    return value.replace("\\", "\\\\").replace('"', '\\"')

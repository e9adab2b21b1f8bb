"""Link header fields (RFC 8288) that tell a client its ICE servers (RFC 9725 section 4.6)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.signalling.ice_servers import IceServer


def ice_server_links(servers: Iterable[IceServer]) -> list[str]:
    """One field value a server, never joined: OBS splits at commas without trimming.

    The parameters' order `rel; username; credential; credential-type` is what clients were built against.
    """
    return [_link(server) for server in servers]


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

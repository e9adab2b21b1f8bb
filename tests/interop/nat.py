"""A NAT between a client and the gateway that can forget its mappings in mid-session.

Clients talk to `url`, a proxy that forwards HTTP and puts the NAT's port into the candidates of answers, so
that any client works unchanged. After `rebind` the gateway sees everybody at another port, and what it sends
to the former one is lost: a router restarted, or a phone went from Wi-Fi to mobile data.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import ClientSession, web
from multidict import CIMultiDict

from gateway.protocol.description import Address
from tests.gateway_server import GatewayServer

_LARGEST = 2_048
_HOP_BY_HOP = ("Content-Length", "Transfer-Encoding", "Connection", "Host", "Keep-Alive")


def _socket(address: Address) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind(address)
    return sock


class Nat:
    """Made by `nat`."""

    def __init__(self, gateway: GatewayServer, http: ClientSession) -> None:
        self.url = ""
        self.offers = 0
        """POSTs that were forwarded: sessions that clients opened."""
        self._gateway = gateway.url
        self._media: Address = ("127.0.0.1", int(gateway.environment["GATEWAY_MEDIA_PORT"]))
        self._http = http
        self._loop = asyncio.get_running_loop()
        self._inside = _socket(("0.0.0.0", 0))
        self._outside: dict[Address, socket.socket] = {}
        self._loop.add_reader(self._inside, self._from_clients)

    @property
    def mappings(self) -> list[Address]:
        """The addresses at which the gateway sees clients now."""
        return [sock.getsockname() for sock in self._outside.values()]

    def rebind(self) -> None:
        """Give every client another port, from its next packet on."""
        self._forget()

    def close(self) -> None:
        self._forget()
        self._loop.remove_reader(self._inside)
        self._inside.close()

    def _forget(self) -> None:
        for sock in self._outside.values():
            self._loop.remove_reader(sock)
            sock.close()
        self._outside.clear()

    def _from_clients(self) -> None:
        with suppress(BlockingIOError):
            while True:
                data, client = self._inside.recvfrom(_LARGEST)
                if client not in self._outside:
                    sock = self._outside[client] = _socket(("127.0.0.1", 0))
                    self._loop.add_reader(sock, self._to_client, sock, client)
                self._outside[client].sendto(data, self._media)

    def _to_client(self, sock: socket.socket, client: Address) -> None:
        with suppress(BlockingIOError):
            while True:
                self._inside.sendto(sock.recv(_LARGEST), client)

    async def forward(self, request: web.Request) -> web.Response:
        """One HTTP exchange, with our port in the answer's candidates."""
        self.offers += request.method == "POST"
        asked = CIMultiDict((k, v) for k, v in request.headers.items() if k not in _HOP_BY_HOP)
        async with self._http.request(
            request.method, f"{self._gateway}{request.path_qs}", headers=asked, data=await request.read()
        ) as response:
            ours = f" {self._inside.getsockname()[1]} typ host"
            body = (await response.text()).replace(f" {self._media[1]} typ host", ours)
            told = CIMultiDict((k, v) for k, v in response.headers.items() if k not in _HOP_BY_HOP)
            return web.Response(status=response.status, headers=told, body=body.encode())


@asynccontextmanager
async def nat(gateway: GatewayServer) -> AsyncIterator[Nat]:
    """A NAT in front of `gateway`, on loopback and on the addresses that the gateway announces."""
    async with ClientSession() as http:
        between = Nat(gateway, http)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", between.forward)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        between.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield between
        finally:
            await runner.cleanup()
            between.close()

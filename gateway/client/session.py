"""The asyncio shell of one client session: HTTP, one UDP socket, one timer.

What is sent and received on it is the business of `publisher` and `player`.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Callable

import aiohttp

from gateway.client.answer import Answer, read_answer
from gateway.client.connection import ClientConnection, ConnectionState
from gateway.client.errors import ClientError
from gateway.client.http import Resource, delete, post_offer
from gateway.client.offer import Offer
from gateway.client.udp import UdpSocket
from gateway.clock import SystemClock
from gateway.protocol.datagram import DatagramKind
from gateway.protocol.dtls import Certificate

CONNECT_TIMEOUT = 15.0


@functools.cache
def process_certificate() -> Certificate:
    """The certificate that all sessions of this process share."""
    return Certificate.generate()


class ClientSession:
    """From an offer to its end: `open`, then `send_rtp` and `send_rtcp`, then `close`.

    `on_packet(kind, packet, now)` gets what arrives, unprotected. `closed` resolves with the reason
    when the session ends, whoever ended it.
    """

    def __init__(
        self,
        endpoint: str,
        token: str,
        http: aiohttp.ClientSession,
        on_packet: Callable[[DatagramKind, bytes, float], None],
        *,
        certificate: Certificate | None = None,
        timestamps: bool = False,
    ) -> None:
        self.certificate = certificate or process_certificate()
        self.drops: Counter[str] = Counter()
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.resource: Resource | None = None
        self._endpoint = endpoint
        self._token = token
        self._http = http
        self._on_packet = on_packet
        self._timestamps = timestamps
        self._clock = SystemClock()
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._connection: ClientConnection | None = None
        self._socket: UdpSocket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False

    async def open(self, offer: Offer) -> Answer:
        """Offer, connect, and return what was agreed. Raises Refused or another ClientError."""
        self.resource = await post_offer(self._http, self._endpoint, self._token, offer.text)
        try:
            answer = read_answer(offer, self.resource.answer)
            self._start(offer, answer)
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._connected
        except TimeoutError:
            await self.close()
            raise ClientError("no connection in time") from None
        except BaseException:
            await self.close()
            raise
        return answer

    @property
    def connection(self) -> ClientConnection:
        """The transport of an opened session."""
        if self._connection is None:
            raise ClientError("the session is not open")
        return self._connection

    @property
    def arrived_at(self) -> float | None:
        """Unix time at which the kernel took the packet now being handed over (with `timestamps`)."""
        return self._socket.arrived_at if self._socket else None

    def send_rtp(self, packet: bytes, index: int) -> bool:
        """Protect and send one RTP packet; False when it could not be sent."""
        return self._send(self.connection.protect_rtp(packet, index))

    def send_rtcp(self, packet: bytes) -> bool:
        """Protect and send a compound RTCP packet; False when it could not be sent."""
        return self._send(self.connection.protect_rtcp(packet))

    async def close(self) -> None:
        """End the session here and at the server. May be called again."""
        self._closing = True
        resource, self.resource = self.resource, None
        if resource is not None:
            await delete(self._http, resource)
        if self._connection is not None:
            self._connection.close()
            self._drain()
        else:
            self._release("closed")

    def _start(self, offer: Offer, answer: Answer) -> None:
        self._socket = UdpSocket(family=answer.family, timestamps=self._timestamps)
        now = self._clock.monotonic()
        self._connection = ClientConnection(self.certificate, offer.ice, answer.remote, now, self.drops)
        self._loop.add_reader(self._socket.fileno(), self._read)
        self._drain()

    def _send(self, protected: bytes | None) -> bool:
        connection, socket = self._connection, self._socket
        if protected is None or connection is None or socket is None or connection.address is None:
            return False
        return socket.send(protected, connection.address)

    def _read(self) -> None:
        connection, socket = self._connection, self._socket
        if connection is None or socket is None:
            return
        now = self._clock.monotonic()
        transport = False
        for data, address in socket.receive():
            media = connection.receive(data, address, now)
            if media is None:
                transport = True
            elif not self.closed.done():
                self._on_packet(media[0], media[1], now)
        if transport:
            self._drain()

    def _on_timer(self) -> None:
        self._timer = None
        if self._connection is not None:
            self._connection.handle_timer(self._clock.monotonic())
            self._drain()

    def _drain(self) -> None:
        """After every step of the connection: send, look at its state, arm the timer."""
        connection, socket = self._connection, self._socket
        if connection is None or socket is None:
            return
        for data, address in connection.take_datagrams():
            socket.send(data, address)
        if connection.state is ConnectionState.ENDED:
            self._release(connection.reason)
            return
        if connection.state is ConnectionState.CONNECTED and not self._connected.done():
            self._connected.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = connection.next_timer()
        if due is not None:
            delay = max(0.001, due - self._clock.monotonic())
            self._timer = self._loop.call_later(delay, self._on_timer)

    def _release(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if not self._connected.done():
            self._connected.set_exception(ClientError(reason))
            self._connected.exception()  # seen: `open` may already have given up waiting
        if not self.closed.done():
            self.closed.set_result("closed" if self._closing else reason)

"""One session's transport: signalling by an adapter, a UDP socket, ICE and DTLS; then its owner reads."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable

import aiohttp

from gateway.client.answer import Answer, read_answer
from gateway.client.connection import ClientConnection, ConnectionState
from gateway.client.errors import ClientError
from gateway.client.offer import Offer
from gateway.client.session import process_certificate
from gateway.clock import SystemClock
from gateway.protocol.datagram import DatagramKind
from gateway.protocol.description import Address, IceCredentials
from loadtest import adapters
from loadtest.messages import Endpoint

CONNECT_TIMEOUT = 15.0
RECEIVE_BUFFER = 1 << 20
"""Bytes that wait in a socket: over a second of any stream, so that a busy moment loses nothing."""
_UDP_SEGMENT, _UDP_GRO, _SO_TIMESTAMPNS, _SO_MEMINFO = 103, 104, 35, 55
"""Linux numbers that the standard library does not name."""
_MEMINFO_DROPS = struct.Struct("@9I")
MAX_SEGMENTS = 48
"""Segments in one send; the kernel takes 64, and 64 KB in all."""


class Link:
    """`open`, then `send_rtp`, `send_rtcp`, `send`; in the end `close`. `on_packet(kind, packet)` gets what
    arrives, unprotected, until the socket is taken over by `detach`. `ended(reason)` is called once unless it
    was closed here."""

    def __init__(
        self, on_packet: Callable[[DatagramKind, bytes], None], ended: Callable[[str], None]
    ) -> None:
        self.drops: Counter[str] = Counter()
        self.remote_ice = IceCredentials("", "")
        self._on_packet = on_packet
        self._ended: Callable[[str], None] | None = ended
        self._clock = SystemClock()
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._goodbye: adapters.Close | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._connection: ClientConnection | None = None
        self._address: Address = ("", 0)
        self._detached = False
        self.socket: socket.socket | None = None

    async def open(
        self, kind: adapters.Kind, endpoint: Endpoint, offer: Offer, http: aiohttp.ClientSession
    ) -> Answer:
        """Offer and connect. Raises Refused or another ClientError."""
        text, self._goodbye = await adapters.open(kind, endpoint, offer.text, http)
        try:
            answer = read_answer(offer, text)
            self._start(offer, answer)
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._connected
        except TimeoutError:
            await self.close()
            raise ClientError("no connection in time") from None
        except BaseException:
            await self.close()
            raise
        self._settle()
        return answer

    @property
    def connection(self) -> ClientConnection:
        """The transport of an opened session."""
        assert self._connection is not None
        return self._connection

    def detach(self) -> socket.socket:
        """Give the socket to somebody who reads it; what is for ICE and DTLS comes back by `handle`."""
        assert self.socket is not None
        self._detached = True
        self._loop.remove_reader(self.socket.fileno())
        self._stop_timer()
        return self.socket

    def handle(self, data: bytes) -> tuple[DatagramKind, bytes] | None:
        """A datagram that somebody else read: unprotected media, or None for all else."""
        media = self.connection.receive(data, self._address, self._clock.monotonic())
        if media is None:
            self._drain()
        return media

    def unprotect(self, data: bytes) -> bytes | None:
        """The RTP or RTCP packet in `data`, None when it is not authentic."""
        media = self.connection.receive(data, self._address, self._clock.monotonic())
        return media[1] if media else None

    def send(self, data: bytes) -> bool:
        """Send a datagram; False when the kernel has no room."""
        if self.socket is None:
            return False
        try:
            self.socket.send(data)
        except OSError:
            return False
        return True

    def send_run(self, packets: list[bytes]) -> None:
        """Send protected packets of which all but the last are equally long, by as few calls as can be."""
        if self.socket is None:
            return
        size = len(packets[0])
        room = max(1, min(MAX_SEGMENTS, 65_000 // size))
        for start in range(0, len(packets), room):
            part = packets[start : start + room]
            ancillary = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("@H", size))] if len(part) > 1 else []
            try:
                self.socket.sendmsg([b"".join(part)], ancillary)
            except OSError:
                self.drops["send"] += len(part)

    def send_rtcp(self, packet: bytes) -> bool:
        """Protect and send a compound RTCP packet."""
        protected = self.connection.protect_rtcp(packet)
        return protected is not None and self.send(protected)

    def kernel_drops(self) -> int:
        """Datagrams that the kernel has dropped at this socket so far, as its buffer was full."""
        if self.socket is None:
            return 0
        try:
            return int(
                _MEMINFO_DROPS.unpack(
                    self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_DROPS.size)
                )[8]
            )
        except (OSError, struct.error):
            return 0

    async def close(self) -> None:
        """End the session here and at the server. May be called again."""
        self._ended = None
        self._stop_timer()
        goodbye, self._goodbye = self._goodbye, None
        if goodbye is not None:
            await goodbye()
        if self._connection is not None:
            self._connection.close()
            self._drain()
        self._release("closed")

    def _start(self, offer: Offer, answer: Answer) -> None:
        self.remote_ice = answer.remote.ice
        self.socket = socket.socket(answer.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind(("", 0))
        now = self._clock.monotonic()
        self._connection = ClientConnection(process_certificate(), offer.ice, answer.remote, now, self.drops)
        self._loop.add_reader(self.socket.fileno(), self._read)
        self._drain()

    def _settle(self) -> None:
        """The handshake is over: one address from now on, and segments by the train."""
        assert self.socket is not None
        assert self.connection.address is not None
        self._address = self.connection.address
        self.socket.connect(self._address)
        try:
            self.socket.setsockopt(socket.IPPROTO_UDP, _UDP_GRO, 1)
        except OSError:
            self.drops["no_gro"] += 1  # an older kernel gives one packet a read

    def _read(self) -> None:
        assert self.socket is not None
        now = self._clock.monotonic()
        while self.socket is not None:
            try:
                data, address = self.socket.recvfrom(65_536)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP answer to something sent earlier
            media = self.connection.receive(data, address[:2], now)
            if media is not None:
                self._on_packet(*media)
                continue
            connecting = not self._connected.done()
            self._drain()
            if connecting and self._connected.done():
                return  # what follows may be media, which is its owner's to read

    def _drain(self) -> None:
        connection, sock = self._connection, self.socket
        if connection is None or sock is None:
            return
        for data, address in connection.take_datagrams():
            try:
                sock.sendto(data, address)
            except OSError:
                self.drops["send"] += 1
        if connection.state is ConnectionState.ENDED:
            self._release(connection.reason)
            return
        if connection.state is ConnectionState.CONNECTED and not self._connected.done():
            self._connected.set_result(None)
        if not self._detached:
            self._arm()

    def _arm(self) -> None:
        self._stop_timer()
        due = self.connection.next_timer()
        if due is not None:
            delay = max(0.001, due - self._clock.monotonic())
            self._timer = self._loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self.connection.handle_timer(self._clock.monotonic())
        self._drain()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release(self, reason: str) -> None:
        self._stop_timer()
        if self.socket is not None:
            self._loop.remove_reader(self.socket.fileno())
            self.socket.close()
            self.socket = None
        if not self._connected.done():
            self._connected.set_exception(ClientError(reason))
            self._connected.exception()  # seen: `open` may already have given up waiting
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(reason)

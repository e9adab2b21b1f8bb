"""One non-blocking UDP socket: reads what has arrived in as few system calls as the kernel allows."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from gateway.protocol.description import Address

UDP_GRO = 104
SO_TIMESTAMPNS = 35
"""Linux numbers that the standard library does not name."""
_BUFFER = 65_536
_ANCILLARY = 128
_TIMESPEC = struct.Struct("@qq")
_INT = struct.Struct("@i")


class UdpSocket:
    """A bound socket of one session. Linux coalesces segments into one read where it can (UDP_GRO)."""

    def __init__(
        self, host: str = "", *, family: int = socket.AF_INET, timestamps: bool = False, buffer: int = 0
    ) -> None:
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        if buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        with contextlib.suppress(OSError):  # an older kernel gives one datagram a read
            self._socket.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        if timestamps:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((host, 0))
        self.arrived_at: float | None = None
        """When the kernel took the last datagram read, in Unix seconds; only with `timestamps`."""

    def fileno(self) -> int:
        """For the event loop's `add_reader`."""
        return self._socket.fileno()

    def send(self, data: bytes, address: Address) -> bool:
        """Send a datagram; False when the kernel has no room or no route."""
        try:
            self._socket.sendto(data, address)
        except OSError:
            return False
        return True

    def receive(self, limit: int = 64) -> Iterator[tuple[bytes, Address]]:
        """The datagrams that wait now, at most `limit` reads."""
        for _ in range(limit):
            try:
                data, ancillary, _, source = self._socket.recvmsg(_BUFFER, _ANCILLARY)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue  # an ICMP answer to something sent earlier
            except OSError:
                return
            address: Address = source[:2]
            segment = self._read_ancillary(ancillary)
            if not segment or segment >= len(data):
                yield data, address
                continue
            for offset in range(0, len(data), segment):
                yield data[offset : offset + segment], address

    def close(self) -> None:
        """Give the socket back. May be called again."""
        self._socket.close()

    def _read_ancillary(self, ancillary: list[tuple[int, int, bytes]]) -> int:
        segment = 0
        for level, kind, value in ancillary:
            if level == socket.IPPROTO_UDP and kind == UDP_GRO:
                segment = _INT.unpack_from(value)[0]
            elif level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack_from(value)
                self.arrived_at = seconds + nanoseconds / 1e9
        return segment

"""The media socket's sending side, with generic segmentation offload where the device has it."""

from __future__ import annotations

import errno
import socket
import struct
from collections import Counter
from collections.abc import Sequence

from gateway.clock import Clock
from gateway.log import get_logger
from gateway.protocol.description import Address
from gateway.sfu.load import Load

UDP_SEGMENT = 103
"""`linux/udp.h`; Python's socket module does not name it."""
MAX_SEGMENTS = 64
_REFUSALS = {errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOPROTOOPT}
"""What devices without checksum offload answer to UDP_SEGMENT."""
_FULL = {errno.EAGAIN, errno.ENOBUFS}

log = get_logger("gateway.transport.egress")


class UdpEgress:
    """Implements `sfu.ports.Egress` on a non-blocking UDP socket."""

    def __init__(self, sock: socket.socket, clock: Clock, drops: Counter[str]) -> None:
        self.max_segments = MAX_SEGMENTS
        self.load = Load()
        self.sendmsg = sock.sendmsg
        self.clock = clock.monotonic
        self._sock = sock
        self._drops = drops
        self._ancillary: dict[int, Sequence[tuple[int, int, bytes]]] = {}

    def segmentation(self, segment_size: int) -> Sequence[tuple[int, int, bytes]]:
        """Ancillary data that cuts a buffer into segments of this size."""
        known = self._ancillary.get(segment_size)
        if known is None:
            value = struct.pack("H", segment_size)
            known = self._ancillary[segment_size] = [(socket.IPPROTO_UDP, UDP_SEGMENT, value)]
        return known

    def refused(self, error: OSError, burst: memoryview, segment_size: int, address: Address) -> None:
        """Count a full socket; where offload itself is refused, send packet by packet from now on.

        The first packet sent alone tells whether offload or the address was refused.
        """
        if error.errno in _FULL:
            self._drops["egress_socket_full"] += -(-len(burst) // segment_size)
            return
        if error.errno not in _REFUSALS or len(burst) <= segment_size:
            self._drops["egress_unreachable"] += 1
            return
        if self.send(burst[:segment_size], address) and self.max_segments > 1:
            self.max_segments = 1
            log.warning("segmentation offload refused, sending packet by packet", error=error.strerror)
        for start in range(segment_size, len(burst), segment_size):
            self.send(burst[start : start + segment_size], address)

    def send(self, datagram: bytes | memoryview, address: Address) -> bool:
        """Send one datagram; False, and counted, when the kernel refused it."""
        try:
            self._sock.sendto(datagram, address)
        except OSError as error:
            full = error.errno in _FULL
            self._drops["egress_socket_full" if full else "egress_unreachable"] += 1
            return False
        return True

"""One UDP socket for all sessions: reads it empty and hands each datagram to its peer.

Sessions are told apart by the local username fragment of a STUN check first, by remote address after.
An address belongs to a peer only once a check with the peer's password came from it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from gateway.clock import Clock
from gateway.log import get_logger
from gateway.protocol.datagram import DatagramKind, classify
from gateway.protocol.description import Address
from gateway.protocol.stun import peek_username

BATCH = 48
"""Datagrams read before media is forwarded and others get their turn: 2 ms of the costliest flood."""
LARGEST = 2048
ADDRESSES_PER_PEER = 8
_BUFFER = 8 << 20

LATEST_READ = 1.0
"""Seconds that a datagram may have waited in the socket; an older stamp means that the clock was set."""
_SO_TIMESTAMPNS = 35  # Linux; Python's socket module does not name it
_STAMP = struct.Struct("@ll")
_STAMP_SPACE = socket.CMSG_SPACE(_STAMP.size)

log = get_logger("gateway.transport.mux")


class MuxedPeer(Protocol):
    """What the mux drives; `PeerDriver` is one."""

    addresses: list[Address]
    """The addresses that lead to this peer, the one proven last at the end; the mux keeps them."""

    def on_control(self, data: bytes, address: Address, now: float) -> bool:
        """Take STUN or DTLS; True when this datagram proves that the address is this peer's."""
        ...

    def holds(self, address: Address, now: float) -> bool:
        """Whether authentic media came from `address` a moment ago."""
        ...

    def on_rtp(self, data: bytes, address: Address, now: float) -> None: ...

    def on_rtcp(self, data: bytes, address: Address, now: float) -> None: ...


def open_media_socket(host: str, port: int) -> socket.socket:
    """A bound non-blocking UDP socket with buffers for bursts. OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        with suppress(OSError):  # without stamps a datagram came when it was read
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class UdpMux:
    """Reads the media socket. `after_batch(now)` is called when all that came was handed out, and then
    `worked(begin, end)`."""

    def __init__(
        self,
        sock: socket.socket,
        clock: Clock,
        drops: Counter[str],
        after_batch: Callable[[float], None],
        worked: Callable[[float, float], None] = lambda begin, end: None,
    ) -> None:
        self._sock = sock
        self._clock = clock
        self._drops = drops
        self._after_batch = after_batch
        self._worked = worked
        self._by_ufrag: dict[str, MuxedPeer] = {}
        self._by_address: dict[Address, MuxedPeer] = {}
        self.received = 0
        """Datagrams read so far."""

    def start(self) -> None:
        """Begin to read on the running loop."""
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._readable)

    def stop(self) -> None:
        """Stop reading; idempotent."""
        if self._sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._sock.fileno())

    def add(self, ufrag: str, peer: MuxedPeer) -> None:
        """Checks that name this local username fragment are this peer's."""
        self._by_ufrag[ufrag] = peer

    def remove(self, peer: MuxedPeer) -> None:
        """Forget a peer and all that leads to it."""
        for address in peer.addresses:
            if self._by_address.get(address) is peer:
                del self._by_address[address]
        peer.addresses.clear()
        for ufrag in [ufrag for ufrag, known in self._by_ufrag.items() if known is peer]:
            del self._by_ufrag[ufrag]

    def _readable(self) -> None:
        now, wall = self._clock.monotonic(), self._clock.time()
        receive = self._sock.recvmsg
        dispatch = self._dispatch
        for _ in range(BATCH):
            try:
                data, ancillary, _, address = receive(LARGEST, _STAMP_SPACE)
            except BlockingIOError:
                break
            except OSError:  # an ICMP error for something sent earlier: its session notices by itself
                self._drops["ingress_socket_error"] += 1
                continue
            self.received += 1
            try:
                dispatch(data, address, now - _waited(ancillary, wall))
            except Exception:  # a defect met by one peer's packet must not cost another peer its own
                self._drops["datagram_defect"] += 1
                log.exception("a datagram met a defect")
        self._after_batch(now)
        self._worked(now, self._clock.monotonic())

    def _dispatch(self, data: bytes, address: Address, now: float) -> None:
        kind = classify(data)
        if kind is DatagramKind.STUN:
            self._dispatch_check(data, address, now)
            return
        peer = self._by_address.get(address)
        if peer is None:
            self._drops["datagram_unknown_address"] += 1
        elif kind is DatagramKind.RTP:
            peer.on_rtp(data, address, now)
        elif kind is DatagramKind.RTCP:
            peer.on_rtcp(data, address, now)
        elif kind is DatagramKind.DTLS:
            peer.on_control(data, address, now)
        else:
            self._drops["datagram_unknown_kind"] += 1

    def _dispatch_check(self, data: bytes, address: Address, now: float) -> None:
        names = peek_username(data)
        peer = self._by_ufrag.get(names[0]) if names else None
        if names is None or peer is None:
            self._drops["stun_unknown_ufrag"] += 1
        elif self._is_held_by_another(address, peer, now):
            self._drops["stun_address_in_use"] += 1
        elif peer.on_control(data, address, now) and self._by_ufrag.get(names[0]) is peer:
            self._learn(address, peer, now)

    def _is_held_by_another(self, address: Address, peer: MuxedPeer, now: float) -> bool:
        """Whether this address is alive in another session: then a check from there has a forged source.

        Its sender knows a password, but of its own session; the address would take the other's media away.
        """
        former = self._by_address.get(address)
        return former is not None and former is not peer and former.holds(address, now)

    def _learn(self, address: Address, peer: MuxedPeer, now: float) -> None:
        former = self._by_address.get(address)
        if former is not None:  # itself, or a NAT gave the port to somebody else, who proved it
            former.addresses.remove(address)
        self._by_address[address] = peer
        peer.addresses.append(address)
        if len(peer.addresses) > ADDRESSES_PER_PEER:
            # Checks go round all pairs of a browser with many interfaces; media has but one.
            spare = next((x for x in peer.addresses if not peer.holds(x, now)), address)
            peer.addresses.remove(spare)
            del self._by_address[spare]


def _waited(ancillary: list[tuple[int, int, bytes]], wall: float) -> float:
    """Seconds that a datagram lay in the socket before `wall`, by the kernel's stamp.

    Senders steer their bitrate by when packets came, so that must not be when we got round to reading them.
    """
    for level, kind, stamp in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(stamp) == _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack(stamp)
            waited = wall - seconds - nanoseconds * 1e-9
            return waited if 0.0 < waited < LATEST_READ else 0.0
    return 0.0

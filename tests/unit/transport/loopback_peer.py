"""A browser's half of a session against a media plane on loopback: real sockets, ICE, DTLS and SRTP."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable

from gateway.client.connection import ClientConnection, ConnectionState, RemotePeer
from gateway.clock import SystemClock
from gateway.protocol.datagram import DatagramKind
from gateway.protocol.description import Address, DtlsRole, NegotiatedMedia, NegotiatedSession
from gateway.protocol.dtls import Certificate
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.rtcp import RtcpPacket, parse_rtcp
from gateway.protocol.rtp import RtpPacket, parse_rtp
from gateway.signalling.ports import SessionKind, SessionSpec
from gateway.transport.media_plane import UdpMediaPlane
from gateway.transport.peer_driver import PeerDriver
from tests.unit.sfu.fakes import sender

_CERTIFICATE = Certificate.generate()
_clock = SystemClock()


class LoopbackPeer:
    """Opened at once; `pump` lets it read, answer and keep time."""

    def __init__(
        self,
        plane: UdpMediaPlane,
        kind: SessionKind,
        *media: NegotiatedMedia,
        order: str = "order",
        camera: str = "main",
    ) -> None:
        self.ours, self.theirs = new_ice_credentials(), new_ice_credentials()
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[RtcpPacket] = []
        self.sock = self._socket()
        self.plane = plane
        senders = {m.mid: sender(m.mid, 0x1000 + place) for place, m in enumerate(media)}
        self.driver: PeerDriver = plane.open(
            SessionSpec(
                session_id="s",
                kind=kind,
                order_id=order,
                camera=camera,
                subject="somebody",
                negotiated=NegotiatedSession(media, self.ours, (_CERTIFICATE.fingerprint,), DtlsRole.SERVER),
                local_ice=self.theirs,
                senders=senders if kind is SessionKind.WHEP else {},
            )
        )
        remote = RemotePeer(self.theirs, (plane.fingerprint,), (self.gateway,), DtlsRole.CLIENT)
        self.connection = ClientConnection(_CERTIFICATE, self.ours, remote, _clock.monotonic(), Counter())

    @property
    def gateway(self) -> Address:
        return ("127.0.0.1", self.plane.port)

    @staticmethod
    def _socket() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        return sock

    def move(self) -> None:
        """Go on from another port."""
        self.sock.close()
        self.sock = self._socket()

    def pump(self) -> None:
        now = _clock.monotonic()
        while True:
            try:
                data, address = self.sock.recvfrom(2_048)
            except BlockingIOError:
                break
            media = self.connection.receive(data, address, now)
            if media is not None and media[0] is DatagramKind.RTP:
                self.rtp.append(parse_rtp(media[1]))
            elif media is not None:
                self.rtcp += parse_rtcp(media[1])
        self.connection.handle_timer(now)
        self.drain()

    def drain(self) -> None:
        for data, address in self.connection.take_datagrams():
            self.sock.sendto(data, address)

    def send_rtp(self, packet: bytes, index: int) -> None:
        protected = self.connection.protect_rtp(packet, index)
        assert protected is not None
        self.sock.sendto(protected, self.gateway)

    def send_rtcp(self, packet: bytes) -> None:
        protected = self.connection.protect_rtcp(packet)
        assert protected is not None
        self.sock.sendto(protected, self.gateway)

    @property
    def connected(self) -> bool:
        return self.connection.state is ConnectionState.CONNECTED

    @property
    def ended(self) -> bool:
        return self.connection.state is ConnectionState.ENDED


async def until(condition: Callable[[], object], *peers: LoopbackPeer) -> None:
    """Let everybody work until `condition()` holds; fails after ten seconds."""
    for _ in range(5_000):
        for peer in peers:
            peer.pump()
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it did not happen")

"""ICE, DTLS and SRTP of one client session, sans-IO: the counterpart of `protocol.peer` on the other side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from gateway.client.ice import IceControllingAgent, IceState
from gateway.protocol.datagram import DatagramKind, classify
from gateway.protocol.description import Address, DtlsRole, Fingerprint, IceCredentials
from gateway.protocol.dtls import Certificate, DtlsEndpoint, DtlsState
from gateway.protocol.srtp import InboundSrtp, OutboundSrtp, SrtpError, SrtpProfile


class ConnectionState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RemotePeer:
    """What an answer says about the transport of the server."""

    ice: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    addresses: tuple[Address, ...]
    our_role: DtlsRole


class ClientConnection:
    """Feed datagrams and timers in, take datagrams and media out; times are monotonic seconds."""

    def __init__(
        self,
        certificate: Certificate,
        local_ice: IceCredentials,
        remote: RemotePeer,
        now: float,
        drops: Counter[str],
    ) -> None:
        self._drops = drops
        self._role = remote.our_role
        self._ice = IceControllingAgent(local_ice, remote.ice, remote.addresses, now, drops)
        self._dtls = DtlsEndpoint(certificate, remote.our_role, remote.fingerprints, drops)
        self._started = False
        self._inbound: InboundSrtp | None = None
        self._outbound: OutboundSrtp | None = None
        self.state = ConnectionState.CONNECTING
        self.reason = ""
        """Why it ended: "ice_timeout", "consent_lost", "closed_by_peer", "closed", or what DTLS says."""

    @property
    def address(self) -> Address | None:
        """The server's address in use."""
        return self._ice.selected

    @property
    def profile(self) -> SrtpProfile | None:
        """The SRTP profile agreed on, once connected."""
        return self._outbound.profile if self._outbound else None

    @property
    def round_trip(self) -> float | None:
        """Seconds, of the last consent check."""
        return self._ice.round_trip

    def receive(self, data: bytes, address: Address, now: float) -> tuple[DatagramKind, bytes] | None:
        """Take a datagram. Returns unprotected RTP or RTCP with its kind; None when it was neither."""
        kind = classify(data)
        if kind is DatagramKind.STUN:
            self._ice.receive(data, address, now)
        elif address != self._ice.selected:
            self._drops["client_unproven_address"] += 1
        elif kind is DatagramKind.RTP or kind is DatagramKind.RTCP:
            return self._unprotect(kind, data)
        elif kind is DatagramKind.DTLS:
            self._dtls.receive(data, now)
        else:
            self._drops["client_unknown_datagram"] += 1
        self._advance(now)
        return None

    def protect_rtp(self, packet: bytes, index: int) -> bytes | None:
        """An RTP packet under its extended sequence number; None when not connected."""
        return None if self._outbound is None else self._outbound.protect_rtp(packet, index)

    def protect_rtcp(self, packet: bytes) -> bytes | None:
        """A compound RTCP packet, protected; None when not connected."""
        return None if self._outbound is None else self._outbound.protect_rtcp(packet)

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """What is to be sent now."""
        datagrams = self._ice.take_datagrams()
        if self._ice.selected is not None:
            datagrams += [(data, self._ice.selected) for data in self._dtls.take_datagrams()]
        return datagrams

    def next_timer(self) -> float | None:
        """When `handle_timer` is due; None when nothing is to be waited for."""
        if self.state is ConnectionState.ENDED:
            return None
        times = [time for time in (self._ice.next_timer(), self._dtls.deadline) if time is not None]
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Retransmit, refresh consent, or give up."""
        self._ice.handle_timer(now)
        deadline = self._dtls.deadline
        if self._started and deadline is not None and now >= deadline:
            self._dtls.handle_timer(now)
        self._advance(now)

    def close(self) -> None:
        """Say goodbye (DTLS close_notify) and stop. May be called again."""
        self._dtls.close()
        self._end("closed")

    def _advance(self, now: float) -> None:
        if self.state is ConnectionState.ENDED:
            return
        if self._ice.state is IceState.FAILED:
            self._end("consent_lost" if self._ice.selected else "ice_timeout")
        elif self._ice.state is IceState.CONNECTED and not self._started:
            self._started = True
            if self._role is DtlsRole.CLIENT:
                self._dtls.start(now)
        if self._dtls.state is DtlsState.FAILED:
            self._end(self._dtls.failure or "dtls_handshake")
        elif self._dtls.state is DtlsState.CLOSED:
            self._end("closed_by_peer")
        elif self._dtls.keys is not None and self._outbound is None:
            self._outbound = OutboundSrtp(self._dtls.keys.local)
            self._inbound = InboundSrtp(self._dtls.keys.remote)
            self.state = ConnectionState.CONNECTED

    def _end(self, reason: str) -> None:
        if self.state is not ConnectionState.ENDED:
            self.state = ConnectionState.ENDED
            self.reason = reason

    def _unprotect(self, kind: DatagramKind, data: bytes) -> tuple[DatagramKind, bytes] | None:
        if self._inbound is None:
            self._drops["client_srtp_early"] += 1
            return None
        try:
            if kind is DatagramKind.RTP:
                return kind, self._inbound.unprotect_rtp(data)
            return kind, self._inbound.unprotect_rtcp(data)
        except SrtpError as error:
            self._drops[f"client_srtp_{error.reason}"] += 1
            return None

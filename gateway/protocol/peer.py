"""One peer's connection, sans-IO: ICE-lite, DTLS and SRTP put together under one state and one timer.

Feed datagrams and timers; drain `take_datagrams` and `take_events` after every call. What the media means is
not known here. Rule of trust: DTLS and media are taken only from addresses that passed an ICE check, and
nothing but the answers to those checks goes anywhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.datagram import DatagramKind, classify
from gateway.protocol.description import Address, DtlsRole, Fingerprint, IceCredentials
from gateway.protocol.dtls import Certificate, DtlsEndpoint, DtlsState
from gateway.protocol.ice import IceLiteAgent, IceState
from gateway.protocol.srtp import InboundSrtp, OutboundSrtp, SrtpError

ICE_TIMEOUT = 15.0
"""Seconds from the start to the first valid check."""
DTLS_TIMEOUT = 15.0
"""Seconds from the first valid check to the end of the DTLS handshake."""


class PeerState(StrEnum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


_TRANSITIONS: dict[PeerState, frozenset[PeerState]] = {
    PeerState.NEW: frozenset((PeerState.CONNECTING, PeerState.FAILED, PeerState.CLOSED)),
    PeerState.CONNECTING: frozenset((PeerState.CONNECTED, PeerState.FAILED, PeerState.CLOSED)),
    PeerState.CONNECTED: frozenset((PeerState.DISCONNECTED, PeerState.FAILED, PeerState.CLOSED)),
    PeerState.DISCONNECTED: frozenset((PeerState.CONNECTED, PeerState.FAILED, PeerState.CLOSED)),
    PeerState.FAILED: frozenset((PeerState.CLOSED,)),
    PeerState.CLOSED: frozenset(),
}
_ENDED = frozenset((PeerState.FAILED, PeerState.CLOSED))


class IllegalTransition(RuntimeError):
    """A defect in this module: the state machine was asked for a step it does not have."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Keys are agreed; `outbound` and `address` are set."""


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """Send to `address` from now on; also tells the first one."""

    address: Address


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The peer has been silent for 10 s; it may come back."""


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The peer is heard again after Disconnected."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It will not work (again): ice_timeout, dtls_timeout, consent_lost, or a `DtlsEndpoint.failure`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """It has ended in order: "local" by `close`, "peer" by the peer's close_notify."""

    reason: str


PeerEvent = Connected | AddressChanged | Disconnected | Reconnected | Failed | Closed


class PeerConnection:
    """A peer from the first ICE check to the end. Raises Unacceptable when no fingerprint is usable.

    Counts in `drops`, beside what ICE and DTLS count: unknown_datagram, peer_ended, dtls_unproven_address,
    srtp_before_handshake, srtp_unproven_address, and srtp_ or srtcp_ with a reason of `SrtpError`.
    """

    __slots__ = (
        "_drops",
        "_dtls",
        "_dtls_deadline",
        "_events",
        "_ice",
        "_ice_deadline",
        "_inbound",
        "address",
        "outbound",
        "state",
    )

    def __init__(
        self,
        *,
        certificate: Certificate,
        local_ice: IceCredentials,
        remote_ice: IceCredentials,
        dtls_role: DtlsRole,
        remote_fingerprints: Iterable[Fingerprint],
        now: float,
        drops: Counter[str],
    ) -> None:
        self.state = PeerState.NEW
        self.address: Address | None = None
        """Where to send, None before the first nomination."""
        self.outbound: OutboundSrtp | None = None
        """Protects what we send, None before the handshake is done."""
        self._inbound: InboundSrtp | None = None
        self._ice = IceLiteAgent(local_ice, remote_ice, drops)
        self._dtls = DtlsEndpoint(certificate, dtls_role, remote_fingerprints, drops)
        self._ice_deadline: float | None = now + ICE_TIMEOUT
        self._dtls_deadline: float | None = None
        self._events: list[PeerEvent] = []
        self._drops = drops

    def receive(self, data: bytes, address: Address, now: float) -> bool:
        """Take a STUN or DTLS datagram.

        True when this datagram proves that `address` is the peer's: an authentic check, or DTLS from where
        one came from earlier.
        """
        if self.state in _ENDED:
            self._drops["peer_ended"] += 1
            return False
        kind = classify(data)
        if kind is DatagramKind.STUN:
            return self._receive_stun(data, address, now)
        if kind is DatagramKind.DTLS:
            return self._receive_dtls(data, address, now)
        self._drops["unknown_datagram"] += 1
        return False

    def holds(self, address: Address, now: float) -> bool:
        """Whether authentic media came from `address` a moment ago, so that it can be nobody else's."""
        return self._ice.holds(address, now)

    def unprotect_rtp(self, data: bytes, address: Address, now: float) -> bytes | None:
        """The RTP packet in `data`, None when it was dropped and counted."""
        inbound = self._inbound_for(address)
        if inbound is None:
            return None
        try:
            packet = inbound.unprotect_rtp(data)
        except SrtpError as error:
            self._drops["srtp_" + error.reason] += 1
            return None
        self._on_media(address, now)
        return packet

    def unprotect_rtcp(self, data: bytes, address: Address, now: float) -> bytes | None:
        """The compound RTCP packet in `data`, None when it was dropped and counted."""
        inbound = self._inbound_for(address)
        if inbound is None:
            return None
        try:
            packet = inbound.unprotect_rtcp(data)
        except SrtpError as error:
            self._drops["srtcp_" + error.reason] += 1
            return None
        self._on_media(address, now)
        return packet

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """What to send now. DTLS waits until there is an address to send it to."""
        datagrams = self._ice.take_datagrams()
        if self.address is not None:
            address = self.address
            datagrams += [(data, address) for data in self._dtls.take_datagrams()]
        return datagrams

    @property
    def has_events(self) -> bool:
        """Whether `take_events` has something: cheap enough to ask after every packet."""
        return bool(self._events)

    def take_events(self) -> list[PeerEvent]:
        """What has happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def next_timer(self) -> float | None:
        """When to call `handle_timer`. Media moves it later; it is enough to ask again when it fired."""
        if self.state in _ENDED:
            return None
        deadlines = (self._ice_deadline, self._dtls_deadline, self._dtls.deadline, self._ice.deadline)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; too early is harmless."""
        if self.state in _ENDED:
            return
        if self._ice_deadline is not None and now >= self._ice_deadline:
            self._fail("ice_timeout")
        elif self._dtls_deadline is not None and now >= self._dtls_deadline:
            self._fail("dtls_timeout")
        else:
            self._ice.handle_timer(now)
            self._dtls.handle_timer(now)
            self._follow_ice()
            self._follow_dtls()

    def restart_ice(self, local_ice: IceCredentials, remote_ice: IceCredentials) -> None:
        """Take new credentials (RFC 8445 section 9); the old ones work until the new ones are in use."""
        if self.state not in _ENDED:
            self._ice.restart(local_ice, remote_ice)

    def close(self) -> None:
        """End in order: a close_notify is queued when there is a connection. Idempotent."""
        if self.state is PeerState.CLOSED:
            return
        self._dtls.close()
        self._end(PeerState.CLOSED, Closed("local"))

    def _receive_stun(self, data: bytes, address: Address, now: float) -> bool:
        proven = self._ice.receive(data, address, now)
        if self.state is PeerState.NEW and self._ice.state is IceState.CONNECTED:
            self._move_to(PeerState.CONNECTING)
            self._ice_deadline = None
            self._dtls_deadline = now + DTLS_TIMEOUT
        self._follow_ice()
        if self._ice.selected is not None:
            self._dtls.start(now)
        return proven

    def _receive_dtls(self, data: bytes, address: Address, now: float) -> bool:
        if not self._ice.is_validated(address):
            self._drops["dtls_unproven_address"] += 1
            return False
        self._ice.on_handshake(address, now)
        self._follow_ice()
        self._dtls.receive(data, now)
        self._follow_dtls()
        return True

    def _inbound_for(self, address: Address) -> InboundSrtp | None:
        if self._inbound is None:
            self._drops["peer_ended" if self.state in _ENDED else "srtp_before_handshake"] += 1
            return None
        if address != self.address and not self._ice.is_validated(address):
            self._drops["srtp_unproven_address"] += 1
            return None
        return self._inbound

    def _on_media(self, address: Address, now: float) -> None:
        self._ice.on_authenticated_media(address, now)
        if self.state is not PeerState.CONNECTED or self._ice.selected != self.address:
            self._follow_ice()

    def _follow_ice(self) -> None:
        if self._ice.selected is not None and self._ice.selected != self.address:
            self.address = self._ice.selected
            self._events.append(AddressChanged(self.address))
        ice = self._ice.state
        if ice is IceState.FAILED:
            self._fail("consent_lost")
        elif ice is IceState.DISCONNECTED and self.state is PeerState.CONNECTED:
            self._move_to(PeerState.DISCONNECTED, Disconnected())
        elif ice is IceState.CONNECTED and self.state is PeerState.DISCONNECTED:
            self._move_to(PeerState.CONNECTED, Reconnected())

    def _follow_dtls(self) -> None:
        dtls = self._dtls
        if self.state in _ENDED:
            return
        if dtls.state is DtlsState.FAILED:
            self._fail(dtls.failure or "dtls_handshake")
        elif dtls.state is DtlsState.CLOSED:
            self._end(PeerState.CLOSED, Closed("peer"))
        elif dtls.keys is not None and self.outbound is None:
            self.outbound = OutboundSrtp(dtls.keys.local)
            self._inbound = InboundSrtp(dtls.keys.remote)
            self._dtls_deadline = None
            self._move_to(PeerState.CONNECTED, Connected())

    def _fail(self, reason: str) -> None:
        self._end(PeerState.FAILED, Failed(reason))

    def _end(self, state: PeerState, event: PeerEvent) -> None:
        self._move_to(state, event)
        self.outbound = None
        self._inbound = None

    def _move_to(self, state: PeerState, event: PeerEvent | None = None) -> None:
        if state not in _TRANSITIONS[self.state]:
            raise IllegalTransition(f"{self.state} to {state}")
        self.state = state
        if event is not None:
            self._events.append(event)

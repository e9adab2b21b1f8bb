"""A full (controlling) WebRTC endpoint and a lossy network in virtual time, to drive a PeerConnection.

The gateway's agent is lite and never begins; this one sends the checks, does the other half of DTLS and has
SRTP of its own. Nothing here is used outside tests.
"""

from __future__ import annotations

import heapq
import random
import struct
from collections import Counter
from dataclasses import dataclass

from aioice import stun

from gateway.protocol.datagram import DatagramKind, classify
from gateway.protocol.description import Address, DtlsRole, Fingerprint, IceCredentials
from gateway.protocol.dtls import Certificate, DtlsEndpoint, DtlsState
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.peer import PeerConnection, PeerEvent
from gateway.protocol.srtp import InboundSrtp, OutboundSrtp

GATEWAY_CERTIFICATE = Certificate.generate()
CLIENT_CERTIFICATE = Certificate.generate()
HOME: Address = ("192.0.2.10", 50000)
AWAY: Address = ("198.51.100.20", 60000)
CHECK_INTERVAL = 0.05
KEEPALIVE_INTERVAL = 2.5
OTHER_ROLE = {DtlsRole.SERVER: DtlsRole.CLIENT, DtlsRole.CLIENT: DtlsRole.SERVER}


def binding_request(
    local: IceCredentials,
    remote: IceCredentials,
    *,
    nominate: bool = False,
    password: str | None = None,
    drop: tuple[str, ...] = (),
    extra: dict[str, object] | None = None,
) -> bytes:
    """A Binding request from the holder of `local` to the holder of `remote`."""
    attributes: dict[str, object] = {
        "USERNAME": f"{remote.ufrag}:{local.ufrag}",
        "PRIORITY": 1,
        "ICE-CONTROLLING": 7,
        **(extra or {}),
    }
    if nominate:
        attributes["USE-CANDIDATE"] = None
    kept = {name: value for name, value in attributes.items() if name not in drop}
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=kept)
    message.add_message_integrity((password or remote.pwd).encode())
    if "FINGERPRINT" in drop:
        del message.attributes["FINGERPRINT"]
    return bytes(message)


def rtp(index: int, ssrc: int = 0x1234, payload: bytes = b"media payload") -> bytes:
    return struct.pack("!BBHII", 0x80, 96, index & 0xFFFF, index * 3000 & 0xFFFFFFFF, ssrc) + payload


def receiver_report(ssrc: int = 0x1234) -> bytes:
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


class ControllingPeer:
    """The browser's half of one session."""

    def __init__(self, role: DtlsRole, fingerprint: Fingerprint = GATEWAY_CERTIFICATE.fingerprint) -> None:
        self.local = new_ice_credentials()
        self.remote = new_ice_credentials()
        self.dtls = DtlsEndpoint(CLIENT_CERTIFICATE, role, [fingerprint], Counter())
        self.address = HOME
        self.answered: list[stun.Message] = []
        self.outbox: list[bytes] = []
        self.outbound: OutboundSrtp | None = None
        self.inbound: InboundSrtp | None = None
        self.next_check = 0.0

    def receive(self, data: bytes, now: float) -> None:
        if classify(data) is DatagramKind.STUN:
            message = stun.parse_message(data)
            assert message.check_message_integrity(self.remote.pwd.encode())
            self.answered.append(message)
            self.dtls.start(now)
        else:
            self.dtls.receive(data, now)
            if self.dtls.keys is not None and self.outbound is None:
                self.outbound = OutboundSrtp(self.dtls.keys.local)
                self.inbound = InboundSrtp(self.dtls.keys.remote)

    def check(self, *, nominate: bool = True) -> bytes:
        return binding_request(self.local, self.remote, nominate=nominate)

    def handle_timer(self, now: float) -> None:
        if now >= self.next_check:
            self.outbox.append(self.check())
            self.next_check = now + (KEEPALIVE_INTERVAL if self.answered else CHECK_INTERVAL)
        self.dtls.handle_timer(now)

    def next_timer(self) -> float:
        return min(self.next_check, self.dtls.deadline or self.next_check)

    def take_datagrams(self) -> list[bytes]:
        outbox, self.outbox = self.outbox, []
        return outbox + self.dtls.take_datagrams()


@dataclass
class Link:
    """Seeded impairment of both directions."""

    seed: int = 0
    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.02
    jitter: float = 0.0


class Session:
    """A PeerConnection, its peer and the network between them."""

    def __init__(
        self, role: DtlsRole = DtlsRole.SERVER, link: Link | None = None, **overrides: object
    ) -> None:
        self.now = 100.0
        self.drops: Counter[str] = Counter()
        self.client = ControllingPeer(OTHER_ROLE[role])
        self.client.next_check = self.now
        arguments: dict[str, object] = {
            "certificate": GATEWAY_CERTIFICATE,
            "local_ice": self.client.remote,
            "remote_ice": self.client.local,
            "dtls_role": role,
            "remote_fingerprints": [CLIENT_CERTIFICATE.fingerprint],
            "now": self.now,
            "drops": self.drops,
        }
        self.peer = PeerConnection(**{**arguments, **overrides})  # type: ignore[arg-type]
        self.events: list[PeerEvent] = []
        self.sent: list[tuple[bytes, Address]] = []
        self.silent = False
        self._link = link or Link()
        self._random = random.Random(self._link.seed)
        self._flying: list[tuple[float, int, bool, bytes, Address]] = []
        self._serial = 0

    def run(self, seconds: float) -> None:
        """Let virtual time pass; timers and datagrams happen in order."""
        end = self.now + seconds
        while True:
            self._collect()
            due = self._next_due()
            if due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            while self._flying and self._flying[0][0] <= self.now:
                _, _, to_gateway, data, address = heapq.heappop(self._flying)
                if to_gateway:
                    self.peer.receive(data, address, self.now)
                elif address == self.client.address:
                    self.client.receive(data, self.now)
            if not self.silent:
                self.client.handle_timer(self.now)
            self.peer.handle_timer(self.now)

    def run_until_connected(self, seconds: float = 15.0) -> float:
        """Run until both sides have keys; the virtual seconds that took."""
        start = self.now
        while not self.connected and self.now < start + seconds:
            self.run(0.01)
        return self.now - start

    def lose_everything_in_flight(self) -> None:
        self._flying.clear()

    @property
    def connected(self) -> bool:
        return self.peer.outbound is not None and self.client.dtls.state is DtlsState.CONNECTED

    def _next_due(self) -> float:
        due = [self._flying[0][0]] if self._flying else []
        if not self.silent:
            due.append(self.client.next_timer())
        timer = self.peer.next_timer()
        if timer is not None:
            due.append(timer)
        return min(due, default=float("inf"))

    def _collect(self) -> None:
        self.events += self.peer.take_events()
        for data, address in self.peer.take_datagrams():
            self.sent.append((data, address))
            self._fly(data, address, to_gateway=False)
        for data in self.client.take_datagrams():
            self._fly(data, self.client.address, to_gateway=True)

    def _fly(self, data: bytes, address: Address, *, to_gateway: bool) -> None:
        link, chance = self._link, self._random
        copies = 0 if chance.random() < link.loss else 2 if chance.random() < link.duplication else 1
        for _ in range(copies):
            self._serial += 1
            arrival = self.now + link.delay + chance.random() * link.jitter
            heapq.heappush(self._flying, (arrival, self._serial, to_gateway, data, address))

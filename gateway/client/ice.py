"""The controlling ICE agent of a client whose server has host candidates (RFC 8445), sans-IO.

One component, one local socket, no gathering: the server learns our address from the check itself.
Every candidate is checked; the first that answers is nominated. Consent is refreshed afterwards
(RFC 7675). Requests of a full peer are answered.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from aioice import stun

from gateway.protocol.description import Address, IceCredentials

PRIORITY_PEER_REFLEXIVE = (110 << 24) | (65535 << 8) | 255
FIRST_RETRANSMISSION = 0.1
MAX_RETRANSMISSION = 1.6
PACE = 0.02
"""Seconds between the first checks of two candidates."""
CHECKING_TIMEOUT = 10.0
CONSENT_INTERVAL = 2.5
CONSENT_TIMEOUT = 10.0
"""Shorter than RFC 7675's 30 s: a restarted server has forgotten us, and a client wants to know."""


class IceState(StrEnum):
    CHECKING = "checking"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(slots=True)
class _Check:
    """A binding request under way to one address."""

    address: Address
    nominate: bool
    transaction_id: bytes
    data: bytes
    next_send: float
    sent_at: float = 0.0
    times_sent: int = 0


class IceControllingAgent:
    """Four verbs: `receive`, `take_datagrams`, `next_timer`, `handle_timer`; times are monotonic seconds."""

    def __init__(
        self,
        local: IceCredentials,
        remote: IceCredentials,
        addresses: Sequence[Address],
        now: float,
        drops: Counter[str],
    ) -> None:
        self._local = local
        self._remote = remote
        self._drops = drops
        self._tie_breaker = random.SystemRandom().getrandbits(64)
        self._outgoing: list[tuple[bytes, Address]] = []
        self._checks: dict[bytes, _Check] = {}
        self._deadline = now + CHECKING_TIMEOUT
        self._consent_until = 0.0
        self._consent_due = 0.0
        self.state = IceState.CHECKING
        self.selected: Address | None = None
        """Where media goes once CONNECTED."""
        self.round_trip: float | None = None
        """Seconds, of the last check answered at its first attempt."""
        for position, address in enumerate(addresses):
            self._start_check(address, now + position * PACE, nominate=False)
        self.handle_timer(now)

    def receive(self, data: bytes, address: Address, now: float) -> None:
        """Take a STUN datagram. Whatever is not ours is dropped and counted."""
        try:
            message = stun.parse_message(data)
        except (ValueError, IndexError, KeyError, OverflowError):
            self._drops["client_stun_malformed"] += 1
            return
        if message.message_method != stun.Method.BINDING:
            self._drops["client_stun_unexpected"] += 1
        elif message.message_class == stun.Class.REQUEST:
            self._answer(message, address)
        elif message.message_class in (stun.Class.RESPONSE, stun.Class.ERROR):
            self._answered(message, address, now)

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """What is to be sent now."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def next_timer(self) -> float | None:
        """When `handle_timer` is due; None when there is nothing to wait for."""
        if self.state in (IceState.FAILED, IceState.CLOSED):
            return None
        times = [check.next_send for check in self._checks.values()]
        if self.state is IceState.CHECKING:
            times.append(self._deadline)
        else:
            times += [self._consent_due, self._consent_until]
        return min(times)

    def handle_timer(self, now: float) -> None:
        """Retransmit, refresh consent, or give up."""
        if now >= (self._deadline if self.state is IceState.CHECKING else self._consent_until):
            self._end(IceState.FAILED)
        if self.state in (IceState.FAILED, IceState.CLOSED):
            return
        if self.state is IceState.CONNECTED and now >= self._consent_due and self.selected is not None:
            self._checks.clear()
            self._start_check(self.selected, now, nominate=True)
            # RFC 7675 section 5.1 wants the interval randomised by a fifth either way.
            self._consent_due = now + CONSENT_INTERVAL * random.uniform(0.8, 1.2)  # noqa: S311
        for check in self._checks.values():
            if now >= check.next_send:
                self._outgoing.append((check.data, check.address))
                check.sent_at = now
                check.next_send = now + min(FIRST_RETRANSMISSION * 2**check.times_sent, MAX_RETRANSMISSION)
                check.times_sent += 1

    def close(self) -> None:
        """Stop sending. May be called again."""
        self._end(IceState.CLOSED)

    def _end(self, state: IceState) -> None:
        if self.state in (IceState.CHECKING, IceState.CONNECTED):
            self.state = state
        self._checks.clear()

    def _start_check(self, address: Address, when: float, *, nominate: bool) -> None:
        attributes: dict[str, object] = {
            "USERNAME": f"{self._remote.ufrag}:{self._local.ufrag}",
            "PRIORITY": PRIORITY_PEER_REFLEXIVE,
            "ICE-CONTROLLING": self._tie_breaker,
        }
        if nominate:
            attributes["USE-CANDIDATE"] = None
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=attributes)
        request.add_message_integrity(self._remote.pwd.encode())
        identity = request.transaction_id
        self._checks[identity] = _Check(address, nominate, identity, bytes(request), when)

    def _answered(self, message: stun.Message, address: Address, now: float) -> None:
        check = self._checks.get(message.transaction_id)
        if check is None or check.address != address:
            self._drops["client_stun_unexpected"] += 1
            return
        if not message.check_message_integrity(self._remote.pwd.encode()):
            self._drops["client_stun_bad_integrity"] += 1
            return
        del self._checks[check.transaction_id]
        if message.message_class == stun.Class.ERROR:
            self._drops["client_stun_refused"] += 1
            return
        if not check.nominate:
            self._checks.clear()
            self._start_check(address, now, nominate=True)
            self.handle_timer(now)
            return
        if self.state is IceState.CHECKING:
            self.state = IceState.CONNECTED
            self.selected = address
            self._consent_due = now + CONSENT_INTERVAL
        if check.times_sent == 1:  # which of several requests was answered, nobody knows
            self.round_trip = now - check.sent_at
        self._consent_until = now + CONSENT_TIMEOUT

    def _answer(self, request: stun.Message, address: Address) -> None:
        """Answer a full peer's own check; a lite server never sends one."""
        username = f"{self._local.ufrag}:{self._remote.ufrag}"
        key = self._local.pwd.encode()
        if request.attributes.get("USERNAME") != username or not request.check_message_integrity(key):
            self._drops["client_stun_bad_integrity"] += 1
            return
        response = stun.Message(
            stun.Method.BINDING,
            stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": address},
        )
        response.add_message_integrity(key)
        self._outgoing.append((bytes(response), address))

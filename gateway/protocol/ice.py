"""ICE-lite agent of one peer, sans-IO (RFC 8445, RFC 7675): answers checks, follows, notices silence.

A lite agent never sends checks: it is always controlled, and an address is *validated* when a Binding request
with our credentials came from it. Which validated address media goes to:

- the first one nominated (USE-CANDIDATE), or the first that carries DTLS or media without any nomination;
- then the one that carries authenticated media. Firefox nominates every pair it has against a lite peer, so a
  nomination alone moves nothing while the present address carries media.
"""

from __future__ import annotations

import math
import secrets
import string
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.description import Address, IceCredentials
from gateway.protocol.stun import (
    BindingRequest,
    StunError,
    read_binding_request,
    role_conflict_response,
    success_response,
)

DISCONNECTED_AFTER = 10.0
"""Seconds without an authenticated check or media until the peer counts as disconnected."""
FAILED_AFTER = 15.0
"""Seconds of the same silence until the connection has failed."""
MAX_VALIDATED = 16
"""Validated addresses that are remembered; the one longest unheard of goes first."""

HELD_FOR = 2.0
"""Seconds after authentic media for which its address is nobody else's: clients report each second."""

_SETTLED = 1.0
"""Seconds a nomination must find the selected address without media to move it."""
_OVERLAP = 0.1
"""Seconds within which media on two addresses is taken for reordering, not for a move."""
_FAREWELL = 3.0
"""Seconds after a restart for which media may still come from the addresses before it (RFC 8445 section 8.3):
a peer that nominates at once sends there until our answer has reached it."""

# ice-char without '+' and '/' (RFC 8839 section 5.4): easier to read in logs and URLs.
_ICE_CHARS = string.ascii_letters + string.digits
_UFRAG_LENGTH = 8
_PWD_LENGTH = 24


class IceState(StrEnum):
    NEW = "new"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"


def new_ice_credentials() -> IceCredentials:
    """Fresh random credentials: 47 bits of ufrag, 142 bits of password (RFC 8445 section 5.3)."""
    return IceCredentials(_random_text(_UFRAG_LENGTH), _random_text(_PWD_LENGTH))


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ICE_CHARS) for _ in range(length))


class _Generation:
    """One pair of credentials: the first, or those of an ICE restart."""

    __slots__ = ("key", "number", "username")

    def __init__(self, number: int, local: IceCredentials, remote: IceCredentials) -> None:
        self.number = number
        self.username = f"{local.ufrag}:{remote.ufrag}".encode()
        self.key = local.pwd.encode()


@dataclass(slots=True)
class _Path:
    """A validated address of the peer."""

    generation: int
    seen_at: float
    nominated_at: float = -math.inf
    media_at: float = -math.inf


class IceLiteAgent:
    """Feed STUN datagrams and what proves the peer alive; read `selected` and `state`.

    Counts in `drops`: the reasons of `stun.read_binding_request`, and stun_would_amplify.
    """

    __slots__ = (
        "_current",
        "_drops",
        "_farewell",
        "_keys",
        "_outbox",
        "_paths",
        "_previous",
        "last_seen",
        "selected",
        "state",
    )

    def __init__(self, local: IceCredentials, remote: IceCredentials, drops: Counter[str]) -> None:
        self._current = _Generation(0, local, remote)
        self._previous: _Generation | None = None
        self._keys: dict[bytes, bytes] = {self._current.username: self._current.key}
        self._paths: dict[Address, _Path] = {}
        self._drops = drops
        self._outbox: list[tuple[bytes, Address]] = []
        self._farewell: float | None = None
        self.selected: Address | None = None
        self.last_seen: float | None = None
        """When the peer last proved to be alive, None if never."""
        self.state = IceState.NEW

    def receive(self, data: bytes, address: Address, now: float) -> bool:
        """Take a STUN datagram; what is not an authentic Binding request is dropped without an answer.

        True when this very check proved the address.
        """
        try:
            username, request = read_binding_request(data, self._keys)
        except StunError as error:
            self._drops[error.reason] += 1
            return False
        if not self._answer(request, self._keys[username], len(data), address):
            return False
        current = self._current
        generation = current if username == current.username or self._previous is None else self._previous
        self._validate(address, generation, now)
        if request.use_candidate:
            self._nominate(address, now)
        return True

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """Answers to send now."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def is_validated(self, address: Address) -> bool:
        """Whether a check with our credentials came from `address`; for a farewell also with those before."""
        return address in self._paths

    def holds(self, address: Address, now: float) -> bool:
        """Whether authentic media came from `address` a moment ago."""
        path = self._paths.get(address)
        return path is not None and now - path.media_at <= HELD_FOR

    def on_authenticated_media(self, address: Address, now: float) -> None:
        """SRTP or SRTCP that passed authentication came from `address`: consent, and a reason to follow."""
        path = self._paths.get(address)
        if path is None:
            return
        self._alive(now)
        path.seen_at = path.media_at = now
        if address != self.selected and self._has_moved_to(path, now):
            self.selected = address
        if self._previous is not None:
            self._finish_restart(now)

    def on_handshake(self, address: Address, now: float) -> None:
        """DTLS came from `address`: the best hint before there are keys, worthless after."""
        path = self._paths.get(address)
        selected = self._paths.get(self.selected) if self.selected else None
        if path is None or (selected is not None and path.generation < selected.generation):
            return
        if selected is None or selected.media_at == -math.inf:
            self.selected = address

    def restart(self, local: IceCredentials, remote: IceCredentials) -> None:
        """Begin a new generation; the one in use stays valid until the new one selects an address."""
        if self._is_in_use(self._current):
            self._previous = self._current
        self._current = _Generation(self._current.number + 1, local, remote)
        self._keys = {self._current.username: self._current.key}
        if self._previous is not None:
            self._keys[self._previous.username] = self._previous.key

    @property
    def deadline(self) -> float | None:
        """When `handle_timer` is due if the peer stays silent."""
        if self.last_seen is None or self.state is IceState.FAILED:
            return None
        silence = DISCONNECTED_AFTER if self.state is IceState.CONNECTED else FAILED_AFTER
        due = self.last_seen + silence
        return due if self._farewell is None else min(due, self._farewell)

    def handle_timer(self, now: float) -> None:
        """Notice silence; let go of the addresses from before a restart."""
        if self._farewell is not None and now >= self._farewell:
            self._forget_former()
        if self.last_seen is None:
            return
        if now >= self.last_seen + FAILED_AFTER:
            self.state = IceState.FAILED
        elif now >= self.last_seen + DISCONNECTED_AFTER and self.state is IceState.CONNECTED:
            self.state = IceState.DISCONNECTED

    def _answer(self, request: BindingRequest, key: bytes, size: int, address: Address) -> bool:
        """Queue the answer; False when the request counts for nothing."""
        if request.claims_controlled:
            response = role_conflict_response(request, key)
        else:
            response = success_response(request, address, key)
        # Requests carry at least a username more than answers do; one that does not is no honest ICE check.
        if len(response) > size:
            self._drops["stun_would_amplify"] += 1
            return False
        self._outbox.append((response, address))
        return not request.claims_controlled

    def _validate(self, address: Address, generation: _Generation, now: float) -> None:
        self._alive(now)
        path = self._paths.get(address)
        if path is None:
            self._forget_oldest()
            self._paths[address] = _Path(generation.number, now)
        else:
            path.seen_at = now
            path.generation = max(path.generation, generation.number)

    def _alive(self, now: float) -> None:
        self.last_seen = now
        if self.state is not IceState.FAILED:
            self.state = IceState.CONNECTED

    def _forget_oldest(self) -> None:
        if len(self._paths) >= MAX_VALIDATED:
            candidates = (address for address in self._paths if address != self.selected)
            del self._paths[min(candidates, key=lambda address: self._paths[address].seen_at)]

    def _nominate(self, address: Address, now: float) -> None:
        path = self._paths[address]
        path.nominated_at = now
        selected = self._paths[self.selected] if self.selected else None
        if selected is None or selected.generation < path.generation or now - selected.media_at > _SETTLED:
            self.selected = address
        if self._previous is not None:
            self._finish_restart(now)

    def _has_moved_to(self, path: _Path, now: float) -> bool:
        if self.selected is None:
            return True
        selected = self._paths[self.selected]
        if path.generation != selected.generation:
            return path.generation > selected.generation
        return path.nominated_at > selected.nominated_at or now - selected.media_at > _OVERLAP

    def _is_in_use(self, generation: _Generation) -> bool:
        return self.selected is not None and self._paths[self.selected].generation == generation.number

    def _finish_restart(self, now: float) -> None:
        """Let the previous generation go once the selected address belongs to the current one."""
        if self._is_in_use(self._current):
            self._previous = None
            self._keys = {self._current.username: self._current.key}
            self._farewell = now + _FAREWELL

    def _forget_former(self) -> None:
        """Addresses older than the selected one's generation count no longer."""
        self._farewell = None
        if self.selected is not None:
            oldest = self._paths[self.selected].generation
            self._paths = {a: path for a, path in self._paths.items() if path.generation >= oldest}

"""STUN as ICE uses it: reject cheaply, authenticate, answer Binding requests (RFC 8489, RFC 8445).

The codec is aioice's. Before it, a scan over the raw attributes finds what decides about a request, so that a
flood of wrong credentials costs a few microseconds each and is never parsed in full.
"""

from __future__ import annotations

import binascii
import hmac
import struct
from dataclasses import dataclass

from aioice import stun

from gateway.errors import Malformed
from gateway.protocol.description import Address

_HEADER = 20
_COOKIE = b"\x21\x12\xa4\x42"
_BINDING_REQUEST = b"\x00\x01"
_BINDING_INDICATION = b"\x00\x11"
_USERNAME = 0x0006
_MESSAGE_INTEGRITY = 0x0008
_FINGERPRINT = 0x8028
_INTEGRITY_SIZE = 24
_FINGERPRINT_SIZE = 8
_FINGERPRINT_XOR = 0x5354554E
_MAX_USERNAME = 513
"""RFC 8489 section 14.3."""


class StunError(Malformed):
    """A STUN datagram that is not served; `reason` is the drop counter's key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """An authenticated Binding request."""

    transaction_id: bytes
    use_candidate: bool
    claims_controlled: bool
    """The sender says it has the controlled role."""


def peek_username(data: bytes) -> tuple[str, str] | None:
    """The (our, their) username fragments of a Binding request, for finding its session. Never raises.

    RFC 8445 section 7.2.2: the USERNAME is the receiver's fragment, a colon, the sender's fragment.
    """
    if len(data) < _HEADER or data[:2] != _BINDING_REQUEST or data[4:8] != _COOKIE:
        return None
    position, end = _HEADER, len(data) - 4
    while position <= end:
        length = (data[position + 2] << 8) | data[position + 3]
        if data[position] == 0 and data[position + 1] == _USERNAME:
            value = data[position + 4 : position + 4 + length]
            if len(value) != length or length > _MAX_USERNAME or not value.isascii():
                return None
            ours, colon, theirs = value.decode("ascii").partition(":")
            return (ours, theirs) if colon else None
        position += 4 + (length + 3 & ~3)
    return None


def read_binding_request(data: bytes, keys: dict[bytes, bytes]) -> tuple[bytes, BindingRequest]:
    """Authenticate a Binding request: its username, which is one of `keys`, and its content.

    `keys` maps a username "ours:theirs" to our password. Checks the cheapest property first. Raises StunError
    with stun_malformed, stun_indication, stun_unexpected, stun_bad_username, stun_bad_fingerprint or
    stun_bad_integrity.
    """
    _check_header(data)
    username, integrity, fingerprint = _scan(data, keys)
    # FFmpeg and others leave FINGERPRINT out; MESSAGE-INTEGRITY is what counts.
    if fingerprint is not None and not _fingerprint_matches(data, fingerprint):
        raise StunError("stun_bad_fingerprint")
    if not _integrity_matches(data, integrity, keys[username]):
        raise StunError("stun_bad_integrity")
    try:
        message = stun.parse_message(data)
    except (ValueError, struct.error):
        raise StunError("stun_malformed") from None
    attributes = message.attributes
    return username, BindingRequest(
        message.transaction_id, "USE-CANDIDATE" in attributes, "ICE-CONTROLLED" in attributes
    )


def success_response(request: BindingRequest, address: Address, key: bytes) -> bytes:
    """The answer that tells the peer its address as seen from here (RFC 8489 section 14.2)."""
    message = stun.Message(
        stun.Method.BINDING,
        stun.Class.RESPONSE,
        request.transaction_id,
        {"XOR-MAPPED-ADDRESS": address},
    )
    message.add_message_integrity(key)
    return bytes(message)


def role_conflict_response(request: BindingRequest, key: bytes) -> bytes:
    """The 487 answer to a peer that claims the controlled role, which is always ours (RFC 8445 7.3.1.1)."""
    message = stun.Message(
        stun.Method.BINDING, stun.Class.ERROR, request.transaction_id, {"ERROR-CODE": (487, "Role Conflict")}
    )
    message.add_message_integrity(key)
    return bytes(message)


def _check_header(data: bytes) -> None:
    length = len(data)
    if length < _HEADER or length & 3 or data[4:8] != _COOKIE:
        raise StunError("stun_malformed")
    if (data[2] << 8) | data[3] != length - _HEADER:
        raise StunError("stun_malformed")
    if data[:2] != _BINDING_REQUEST:
        # A lite agent sends no requests, so responses are nobody's; indications prove nothing.
        raise StunError("stun_indication" if data[:2] == _BINDING_INDICATION else "stun_unexpected")


def _scan(data: bytes, keys: dict[bytes, bytes]) -> tuple[bytes, int, int | None]:
    """A username out of `keys`, and the positions of MESSAGE-INTEGRITY and, if there is one, FINGERPRINT."""
    username: bytes | None = None
    integrity: int | None = None
    fingerprint: int | None = None
    position, end = _HEADER, len(data)
    while position < end:
        kind = (data[position] << 8) | data[position + 1]
        length = (data[position + 2] << 8) | data[position + 3]
        following = position + 4 + (length + 3 & ~3)
        if following > end:
            raise StunError("stun_malformed")
        if kind == _USERNAME and username is None and integrity is None:
            username = data[position + 4 : position + 4 + length]
            if username not in keys:
                raise StunError("stun_bad_username")
        elif kind == _MESSAGE_INTEGRITY and integrity is None:
            integrity = position
            if length != _INTEGRITY_SIZE - 4:
                raise StunError("stun_malformed")
        elif kind == _FINGERPRINT:
            fingerprint = position
            if length != _FINGERPRINT_SIZE - 4 or following != end:
                raise StunError("stun_malformed")
        position = following
    if username is None:
        raise StunError("stun_bad_username")
    if integrity is None:
        raise StunError("stun_bad_integrity")
    return username, integrity, fingerprint


def _fingerprint_matches(data: bytes, position: int) -> bool:
    # The FINGERPRINT is the last attribute, so the length in the header already covers it (RFC 8489 14.7).
    expected = binascii.crc32(data[:position]) ^ _FINGERPRINT_XOR
    return int.from_bytes(data[position + 4 : position + 8], "big") == expected


def _integrity_matches(data: bytes, position: int, key: bytes) -> bool:
    # The HMAC covers the text before the attribute, under a length that ends behind it (RFC 8489 14.5).
    length = position + _INTEGRITY_SIZE - _HEADER
    covered = data[:2] + length.to_bytes(2, "big") + data[4:position]
    expected = hmac.digest(key, covered, "sha1")
    return hmac.compare_digest(expected, data[position + 4 : position + _INTEGRITY_SIZE])

"""DTLS 1.2 records: where one ends and the next begins, and reading alerts once OpenSSL is gone.

A finished handshake leaves OpenSSL with some 60 kB a connection and nothing to do but to notice the peer's
close_notify. `AlertReader` does that with two AES-GCM parameters, so that the big object can be dropped.
Nothing here negotiates or encrypts.
Sources: RFC 6347 section 4.1, RFC 5246 sections 5, 6.3 and 7.2, RFC 5288 section 3.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23

_HEADER = 13
_CONTENT_TYPES = frozenset((CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA))
_VERSIONS = frozenset((b"\xfe\xff", b"\xfe\xfd"))  # a ClientHello may be framed as DTLS 1.0
_EXPLICIT_NONCE = 8
_TAG = 16
_IMPLICIT_NONCE = 4
_FATAL = 2
_CLOSE_NOTIFY = 0


class Record(NamedTuple):
    """One record; `data` is all of it, header included."""

    content_type: int
    epoch: int
    data: bytes


def split_records(data: bytes) -> Iterator[Record]:
    """The well-formed records at the start of `data`; stops silently at the first that is not."""
    position = 0
    while len(data) - position > _HEADER:
        content_type = data[position]
        end = position + _HEADER + int.from_bytes(data[position + 11 : position + 13], "big")
        if content_type not in _CONTENT_TYPES or data[position + 1 : position + 3] not in _VERSIONS:
            return
        if end > len(data):
            return
        yield Record(
            content_type, int.from_bytes(data[position + 3 : position + 5], "big"), data[position:end]
        )
        position = end


def pack_datagrams(data: bytes, mtu: int) -> list[bytes]:
    """Distribute concatenated records over datagrams of at most `mtu` bytes, in order; records stay whole."""
    datagrams: list[bytes] = []
    for record in split_records(data):
        if datagrams and len(datagrams[-1]) + len(record.data) <= mtu:
            datagrams[-1] += record.data
        else:
            datagrams.append(record.data)
    return datagrams


class AlertReader:
    """Decrypts the alerts of one direction of an established AES-GCM connection."""

    __slots__ = ("_implicit_nonce", "_key")

    def __init__(self, key: bytes, implicit_nonce: bytes) -> None:
        self._key = key
        self._implicit_nonce = implicit_nonce

    @classmethod
    def from_session(
        cls,
        cipher: str,
        master_secret: bytes,
        client_random: bytes,
        server_random: bytes,
        *,
        peer_is_client: bool,
    ) -> AlertReader:
        """Derive the peer's write key from the session (RFC 5246 section 6.3).

        `cipher` is OpenSSL's name of an AES-GCM suite, which also names the hash of the key derivation.
        """
        hash_name = "sha384" if cipher.endswith("SHA384") else "sha256"
        length = 32 if "AES256" in cipher else 16
        seed = b"key expansion" + server_random + client_random
        block = _expand(master_secret, seed, 2 * (length + _IMPLICIT_NONCE), hash_name)
        nonces = 2 * length
        if peer_is_client:
            return cls(block[:length], block[nonces : nonces + _IMPLICIT_NONCE])
        return cls(block[length:nonces], block[nonces + _IMPLICIT_NONCE :])

    def ends_connection(self, record: Record) -> bool:
        """Whether `record` is an authentic close_notify or fatal alert (RFC 5246 section 7.2)."""
        alert = self._read(record)
        return alert is not None and (alert[0] == _FATAL or alert[1] == _CLOSE_NOTIFY)

    def _read(self, record: Record) -> tuple[int, int] | None:
        header, fragment = record.data[:_HEADER], record.data[_HEADER:]
        if record.content_type != ALERT or len(fragment) != _EXPLICIT_NONCE + 2 + _TAG:
            return None
        nonce = self._implicit_nonce + fragment[:_EXPLICIT_NONCE]
        # RFC 5246 section 6.2.3.3: epoch and sequence number, type, version, length of the plaintext.
        associated = header[3:11] + header[:3] + b"\0\2"
        try:
            level, description = AESGCM(self._key).decrypt(nonce, fragment[_EXPLICIT_NONCE:], associated)
        except InvalidTag:
            return None
        return level, description


def _expand(secret: bytes, seed: bytes, length: int, hash_name: str) -> bytes:
    """P_hash of RFC 5246 section 5."""
    output, block = b"", seed
    while len(output) < length:
        block = hmac.digest(secret, block, hash_name)
        output += hmac.digest(secret, block + seed, hash_name)
    return output[:length]

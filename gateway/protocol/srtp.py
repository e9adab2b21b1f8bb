"""SRTP and SRTCP of one peer: keys, inbound with replay protection, outbound by explicit index.

Sources: RFC 3711 (SRTP), RFC 7714 (AES-GCM), RFC 5764 section 4.2 (keys from DTLS).

Inbound is libsrtp. Outbound is a cipher call with a nonce made from the packet's index, so that the fan-out
encrypts without any state in between.

Danger: with GCM a nonce (ssrc, index) must never be used for two different texts, or the authentication key
leaks. The caller owns the indices: an index may be sent again *only with identical bytes*, header and
payload. Identical input gives the identical datagram, which is what a plain retransmission is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import pylibsrtp
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.utils import Buffer

from gateway.errors import Malformed

Encrypt = Callable[[bytes, Buffer, Buffer, Buffer], int]
"""`encrypt(nonce, plaintext, associated_data, output)` puts ciphertext and tag into `output`."""

REPLAY_WINDOW = 1024
"""Packets behind the newest one that are still taken, per ssrc: over a second of video at 8 Mbit/s."""
MAX_STREAMS = 256
"""Inbound ssrcs of one peer; each costs memory in libsrtp, so a peer must not make them without end."""

_RTP_HEADER = 12
_RTCP_HEADER = 8
_SRTCP_INDEX = 4
_ENCRYPTED = 1 << 31
_MAX_PACKET_INDEX = 1 << 48
_MAX_SRTCP_INDEX = 1 << 31
_MAX_INBOUND = 1500
_CM_TAG = 10
_CM_AUTHENTICATION_KEY = 20


class SrtpProfile(IntEnum):
    """Protection profiles by their DTLS code point (RFC 5764 section 4.1.2, RFC 7714 section 14.2)."""

    AES128_CM_SHA1_80 = 1
    AEAD_AES_128_GCM = 7
    AEAD_AES_256_GCM = 8

    @property
    def key_length(self) -> int:
        """Length of the master and encryption keys in bytes."""
        return 32 if self is SrtpProfile.AEAD_AES_256_GCM else 16

    @property
    def salt_length(self) -> int:
        """Length of the master salt in bytes."""
        return 14 if self is SrtpProfile.AES128_CM_SHA1_80 else 12

    @property
    def is_gcm(self) -> bool:
        return self is not SrtpProfile.AES128_CM_SHA1_80


class SrtpError(Malformed):
    """A packet that cannot be protected or unprotected.

    `reason` is "auth" (tag wrong), "replay" (seen already, or behind the window), "streams" (one ssrc too
    many), "exhausted" (the key has done its work) or "malformed".
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class MasterKey:
    """Master key and salt of one direction.

    Raises ValueError when the lengths are not those of `profile`.
    """

    profile: SrtpProfile
    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != self.profile.key_length or len(self.salt) != self.profile.salt_length:
            raise ValueError("key or salt length does not fit the SRTP profile")


class SrtpKeys(NamedTuple):
    """What a DTLS handshake yields: `local` protects what we send, `remote` what the peer sends."""

    local: MasterKey
    remote: MasterKey

    @staticmethod
    def exported_length(profile: SrtpProfile) -> int:
        """Bytes of keying material to export from DTLS for `profile`."""
        return 2 * (profile.key_length + profile.salt_length)

    @classmethod
    def from_exported(cls, profile: SrtpProfile, material: bytes, *, is_server: bool) -> SrtpKeys:
        """Cut up client key, server key, client salt and server salt (RFC 5764 section 4.2)."""
        key, salts = profile.key_length, 2 * profile.key_length
        middle = salts + profile.salt_length
        client = MasterKey(profile, material[:key], material[salts:middle])
        server = MasterKey(profile, material[key:salts], material[middle:])
        return cls(server, client) if is_server else cls(client, server)


def derive_key(master: MasterKey, label: int, length: int) -> bytes:
    """The session key for `label`, key derivation rate zero (RFC 3711 section 4.3, RFC 7714 section 11)."""
    # A 96-bit salt is padded to 112 bits on the right; two more zero bytes are the block counter.
    counter = int.from_bytes(master.salt.ljust(14, b"\0"), "big") ^ (label << 48)
    encryptor = Cipher(AES(master.key), CTR((counter << 16).to_bytes(16, "big"))).encryptor()
    return encryptor.update(bytes(length))


_LABEL_RTP_KEY, _LABEL_RTCP_KEY = 0, 3

_LIBSRTP_PROFILE = {
    SrtpProfile.AES128_CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
_LIBSRTP_REASON = {
    "authentication failure": "auth",
    "cipher failure": "auth",
    "replay check failed (bad index)": "replay",
    "replay check failed (index too old)": "replay",
    "packet index is too old to consider": "replay",
    "can't use key any more": "exhausted",
}


def _inbound_session(master: MasterKey) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(
        key=master.key + master.salt,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND,
        srtp_profile=_LIBSRTP_PROFILE[master.profile],
    )
    policy.window_size = REPLAY_WINDOW
    return pylibsrtp.Session(policy)


def _as_srtp_error(error: pylibsrtp.Error) -> SrtpError:
    return SrtpError(_LIBSRTP_REASON.get(str(error), "malformed"), str(error))


class InboundSrtp:
    """Takes what the peer sends: authenticates, rejects replays, decrypts."""

    __slots__ = ("_session", "_ssrcs")

    def __init__(self, master: MasterKey) -> None:
        self._session = _inbound_session(master)
        self._ssrcs: set[bytes] = set()

    def unprotect_rtp(self, data: bytes) -> bytes:
        """The RTP packet in `data`. Raises SrtpError."""
        if not _RTP_HEADER <= len(data) <= _MAX_INBOUND:
            raise SrtpError("malformed", "length")
        return self._unprotect(self._session.unprotect, data, data[8:12])

    def unprotect_rtcp(self, data: bytes) -> bytes:
        """The compound RTCP packet in `data`. Raises SrtpError."""
        if not _RTCP_HEADER + _SRTCP_INDEX <= len(data) <= _MAX_INBOUND:
            raise SrtpError("malformed", "length")
        return self._unprotect(self._session.unprotect_rtcp, data, data[4:8])

    def _unprotect(self, unprotect: Callable[[bytes], bytes], data: bytes, ssrc: bytes) -> bytes:
        known = ssrc in self._ssrcs
        if not known and len(self._ssrcs) >= MAX_STREAMS:
            raise SrtpError("streams", "too many ssrcs")
        try:
            packet = unprotect(data)
        except pylibsrtp.Error as error:
            raise _as_srtp_error(error) from None
        if not known:
            self._ssrcs.add(ssrc)
        return packet


class _Gcm:
    """AES-GCM under explicit indices (RFC 7714 sections 8 and 9)."""

    __slots__ = ("aead", "salt")

    def __init__(self, key: bytes, salt: bytes) -> None:
        self.aead = AESGCM(key)
        self.salt = int.from_bytes(salt, "big")

    def seal_rtp(self, ssrc: int, index: int, header: bytes, payload: bytes) -> bytes:
        nonce = (self.salt ^ (ssrc << 48) ^ index).to_bytes(12, "big")
        return header + self.aead.encrypt(nonce, payload, header)

    def seal_rtcp(self, ssrc: int, index: int, header: bytes, body: bytes) -> bytes:
        nonce = (self.salt ^ (ssrc << 48) ^ index).to_bytes(12, "big")
        trailer = (_ENCRYPTED | index).to_bytes(_SRTCP_INDEX, "big")
        return header + self.aead.encrypt(nonce, body, header + trailer) + trailer


class _CounterMode:
    """AES-CM with HMAC-SHA1-80 under explicit indices (RFC 3711 sections 4.1.1, 4.2.1).

    Not libsrtp: that guesses the roll-over counter, and its binding takes no packet over 1,352 bytes, which
    publishers with a payload size of 1,400 (GStreamer) send.
    """

    __slots__ = ("_encryptor", "_mac", "_salt")

    def __init__(self, key: bytes, salt: bytes, authentication_key: bytes) -> None:
        self._encryptor = Cipher(AES(key), CTR(bytes(16))).encryptor()
        self._salt = int.from_bytes(salt, "big")
        self._mac = HMAC(authentication_key, SHA1())  # noqa: S303 - what RFC 3711 names

    def seal_rtp(self, ssrc: int, index: int, header: bytes, payload: bytes) -> bytes:
        packet = header + self._encrypt(ssrc, index, payload)
        return packet + self._tag(packet + (index >> 16).to_bytes(4, "big"))

    def seal_rtcp(self, ssrc: int, index: int, header: bytes, body: bytes) -> bytes:
        trailer = (_ENCRYPTED | index).to_bytes(_SRTCP_INDEX, "big")
        packet = header + self._encrypt(ssrc, index, body) + trailer
        return packet + self._tag(packet)

    def _encrypt(self, ssrc: int, index: int, text: bytes) -> bytes:
        counter = (self._salt ^ (ssrc << 48) ^ index) << 16
        self._encryptor.reset_nonce(counter.to_bytes(16, "big"))
        return self._encryptor.update(text)

    def _tag(self, text: bytes) -> bytes:
        mac = self._mac.copy()  # half the cost of keying a new one
        mac.update(text)
        return mac.finalize()[:_CM_TAG]


class OutboundSrtp:
    """Protects what we send. See the module's text for the rule about indices.

    An index is 48 bits: roll-over counter << 16 | sequence number. Receivers start to count roll-overs at
    zero, so the first index of an ssrc must be below 2**16.
    """

    __slots__ = ("_rtcp", "_rtcp_index", "_rtp", "profile")

    def __init__(self, master: MasterKey) -> None:
        self.profile = master.profile
        self._rtp = _cipher(master, _LABEL_RTP_KEY)
        self._rtcp = _cipher(master, _LABEL_RTCP_KEY)
        self._rtcp_index = 0

    def gcm_stream(self, ssrc: int) -> tuple[Encrypt, int] | None:
        """For the hot loop: `encrypt` and `nonce_base`, or None when the profile is not GCM.

        `encrypt((nonce_base ^ index).to_bytes(12, "big"), payload, header, output)` fills `output`, which is
        16 bytes longer than the payload, with what follows `header` in the SRTP packet. `header` is all that
        precedes the payload: fixed header, CSRCs, header extensions (RFC 7714 section 8).
        """
        if not isinstance(self._rtp, _Gcm):
            return None
        return self._rtp.aead.encrypt_into, self._rtp.salt ^ (ssrc << 48)

    def protect_rtp(self, packet: bytes, index: int) -> bytes:
        """The SRTP packet for `packet`, whose sequence number ends `index`. Raises SrtpError."""
        if len(packet) < _RTP_HEADER or packet[2:4] != (index & 0xFFFF).to_bytes(2, "big"):
            raise SrtpError("malformed", "not an RTP packet of this index")
        if not 0 <= index < _MAX_PACKET_INDEX:
            raise SrtpError("exhausted", "packet index")
        header = _header_length(packet)
        ssrc = int.from_bytes(packet[8:12], "big")
        return self._rtp.seal_rtp(ssrc, index, packet[:header], packet[header:])

    def protect_rtcp(self, packet: bytes) -> bytes:
        """The SRTCP packet for a compound RTCP packet; each call takes a new index. Raises SrtpError."""
        if len(packet) < _RTCP_HEADER:
            raise SrtpError("malformed", "not an RTCP packet")
        if self._rtcp_index >= _MAX_SRTCP_INDEX:
            raise SrtpError("exhausted", "SRTCP index")
        index, self._rtcp_index = self._rtcp_index, self._rtcp_index + 1
        ssrc = int.from_bytes(packet[4:8], "big")
        return self._rtcp.seal_rtcp(ssrc, index, packet[:_RTCP_HEADER], packet[_RTCP_HEADER:])


def _cipher(master: MasterKey, first_label: int) -> _Gcm | _CounterMode:
    """Keys by label: encryption, authentication, salt follow each other (RFC 3711 section 4.3.1)."""
    profile = master.profile
    key = derive_key(master, first_label, profile.key_length)
    salt = derive_key(master, first_label + 2, profile.salt_length)
    if profile.is_gcm:
        return _Gcm(key, salt)
    return _CounterMode(key, salt, derive_key(master, first_label + 1, _CM_AUTHENTICATION_KEY))


def _header_length(packet: bytes) -> int:
    """Length of the fixed header, CSRCs and header extension. Raises SrtpError."""
    length = _RTP_HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        length += 4 + 4 * int.from_bytes(packet[length + 2 : length + 4], "big")
    if length > len(packet):
        raise SrtpError("malformed", "header longer than the packet")
    return length

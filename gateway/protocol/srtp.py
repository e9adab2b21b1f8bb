"""SRTP and SRTCP of one peer: keys, inbound with replay protection, outbound by explicit index.

Sources: RFC 3711 (SRTP), RFC 7714 (AES-GCM), RFC 5764 section 4.2 (keys from DTLS).

Inbound is libsrtp. Outbound is libsrtp for AES128_CM_SHA1_80; for the GCM profiles it is one AES-GCM call
with a nonce made from the packet's index, so that the fan-out encrypts without any state in between.

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
from cryptography.utils import Buffer

from gateway.errors import Malformed

Encrypt = Callable[[bytes, Buffer, Buffer, Buffer], int]
"""`encrypt(nonce, plaintext, associated_data, output)` puts ciphertext and tag into `output`."""

REPLAY_WINDOW = 1024
"""Packets behind the newest one that are still taken, per ssrc: over a second of video at 8 Mbit/s."""
RETRANSMISSION_WINDOW = 8192
"""Packets behind the newest one that may still be sent again under AES128_CM_SHA1_80."""
MAX_STREAMS = 256
"""Inbound ssrcs of one peer; each costs memory in libsrtp, so a peer must not make them without end."""

_RTP_HEADER = 12
_RTCP_HEADER = 8
_SRTCP_INDEX = 4
_ENCRYPTED = 1 << 31
_MAX_PACKET_INDEX = 1 << 48
_MAX_SRTCP_INDEX = 1 << 31
_MAX_INBOUND = 1500
_MAX_OUTBOUND = 1500 - 16 - 128 - 4


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


_LABEL_RTP_KEY, _LABEL_RTP_SALT = 0, 2
_LABEL_RTCP_KEY, _LABEL_RTCP_SALT = 3, 5

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


def _session(master: MasterKey, *, inbound: bool) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(
        key=master.key + master.salt,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=_LIBSRTP_PROFILE[master.profile],
    )
    policy.allow_repeat_tx = not inbound
    policy.window_size = REPLAY_WINDOW if inbound else RETRANSMISSION_WINDOW
    return pylibsrtp.Session(policy)


def _as_srtp_error(error: pylibsrtp.Error) -> SrtpError:
    return SrtpError(_LIBSRTP_REASON.get(str(error), "malformed"), str(error))


class InboundSrtp:
    """Takes what the peer sends: authenticates, rejects replays, decrypts."""

    __slots__ = ("_session", "_ssrcs")

    def __init__(self, master: MasterKey) -> None:
        self._session = _session(master, inbound=True)
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


class OutboundSrtp:
    """Protects what we send. See the module's text for the rule about indices.

    An index is 48 bits: roll-over counter << 16 | sequence number. Receivers start to count roll-overs at
    zero, so the first index of an ssrc must be below 2**16.
    """

    __slots__ = ("_cm", "_highest", "_rtcp", "_rtcp_index", "_rtcp_salt", "_rtp", "_rtp_salt", "profile")

    def __init__(self, master: MasterKey) -> None:
        self.profile = master.profile
        self._cm: pylibsrtp.Session | None = None
        self._highest: dict[int, int] = {}
        self._rtcp_index = 0
        if not master.profile.is_gcm:
            self._cm = _session(master, inbound=False)
            return
        self._rtp = AESGCM(derive_key(master, _LABEL_RTP_KEY, master.profile.key_length))
        self._rtp_salt = int.from_bytes(derive_key(master, _LABEL_RTP_SALT, 12), "big")
        self._rtcp = AESGCM(derive_key(master, _LABEL_RTCP_KEY, master.profile.key_length))
        self._rtcp_salt = int.from_bytes(derive_key(master, _LABEL_RTCP_SALT, 12), "big")

    def gcm_stream(self, ssrc: int) -> tuple[Encrypt, int] | None:
        """For the hot loop: `encrypt` and `nonce_base`, or None when the profile is not GCM.

        `encrypt((nonce_base ^ index).to_bytes(12, "big"), payload, header, output)` fills `output`, which is
        16 bytes longer than the payload, with what follows `header` in the SRTP packet. `header` is all that
        precedes the payload: fixed header, CSRCs, header extensions (RFC 7714 section 8).
        """
        if self._cm is not None:
            return None
        return self._rtp.encrypt_into, self._rtp_salt ^ (ssrc << 48)

    def protect_rtp(self, packet: bytes, index: int) -> bytes:
        """The SRTP packet for `packet`, whose sequence number ends `index`. Raises SrtpError."""
        if len(packet) < _RTP_HEADER or packet[2:4] != (index & 0xFFFF).to_bytes(2, "big"):
            raise SrtpError("malformed", "not an RTP packet of this index")
        if not 0 <= index < _MAX_PACKET_INDEX:
            raise SrtpError("exhausted", "packet index")
        if self._cm is not None:
            return self._protect_cm(packet, index)
        header = packet[: _header_length(packet)]
        ssrc = int.from_bytes(packet[8:12], "big")
        nonce = (self._rtp_salt ^ (ssrc << 48) ^ index).to_bytes(12, "big")
        return header + self._rtp.encrypt(nonce, packet[len(header) :], header)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """The SRTCP packet for a compound RTCP packet; each call takes a new index. Raises SrtpError."""
        if len(packet) < _RTCP_HEADER:
            raise SrtpError("malformed", "not an RTCP packet")
        if self._cm is not None:
            return self._call_libsrtp(self._cm.protect_rtcp, packet)
        if self._rtcp_index >= _MAX_SRTCP_INDEX:
            raise SrtpError("exhausted", "SRTCP index")
        index, self._rtcp_index = self._rtcp_index, self._rtcp_index + 1
        ssrc = int.from_bytes(packet[4:8], "big")
        nonce = (self._rtcp_salt ^ (ssrc << 48) ^ index).to_bytes(12, "big")
        trailer = (_ENCRYPTED | index).to_bytes(_SRTCP_INDEX, "big")
        header = packet[:_RTCP_HEADER]
        return header + self._rtcp.encrypt(nonce, packet[_RTCP_HEADER:], header + trailer) + trailer

    def _protect_cm(self, packet: bytes, index: int) -> bytes:
        # libsrtp guesses the roll-over counter from the sequence numbers it saw. The guess is right while
        # an index stays within half the sequence space of the highest: all that a receiver can follow.
        ssrc = int.from_bytes(packet[8:12], "big")
        highest = self._highest.get(ssrc)
        if abs(index - highest) >= 1 << 15 if highest is not None else index >= 1 << 16:
            raise SrtpError("malformed", "index jumps by more than half the sequence space")
        assert self._cm is not None
        protected = self._call_libsrtp(self._cm.protect, packet)
        self._highest[ssrc] = index if highest is None else max(index, highest)
        return protected

    @staticmethod
    def _call_libsrtp(protect: Callable[[bytes], bytes], packet: bytes) -> bytes:
        if len(packet) > _MAX_OUTBOUND:
            raise SrtpError("malformed", "length")
        try:
            return protect(packet)
        except pylibsrtp.Error as error:
            raise _as_srtp_error(error) from None


def _header_length(packet: bytes) -> int:
    """Length of the fixed header, CSRCs and header extension. Raises SrtpError."""
    length = _RTP_HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        length += 4 + 4 * int.from_bytes(packet[length + 2 : length + 4], "big")
    if length > len(packet):
        raise SrtpError("malformed", "header longer than the packet")
    return length

"""DTLS 1.2 handshake of one peer for SRTP keys, sans-IO (RFC 6347, RFC 5764, RFC 8842).

OpenSSL does the handshake over memory BIOs. Time is ours: lost flights are repeated on a schedule of `now`,
not of OpenSSL's wall clock. Two mechanisms: OpenSSL's own retransmission, with new record numbers, as soon as
its clock agrees (after 1 s); before that the last flight again as it was, so that a lossy join is fast.
A peer that has those records already drops them as replays (RFC 6347 section 4.1.2.6).

After the handshake the OpenSSL object is dropped. What may still be needed is kept as bytes: our last flight,
a close_notify made in advance, and the key to recognise the peer's close_notify.
"""

from __future__ import annotations

import datetime
import hmac
import secrets
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from gateway.errors import Unacceptable
from gateway.protocol.description import DtlsRole, Fingerprint
from gateway.protocol.dtls_record import (
    APPLICATION_DATA,
    HANDSHAKE,
    AlertReader,
    Record,
    pack_datagrams,
    split_records,
)
from gateway.protocol.srtp import SrtpKeys, SrtpProfile

MTU = 1200
"""Largest datagram we send, in bytes of UDP payload: fits every path that WebRTC runs over."""
RETRANSMIT_FIRST = 0.1
RETRANSMIT_MAX = 1.6
"""Seconds to the first and between the last repetitions of a flight; doubled in between."""

_DTLS_1_2 = 0xFEFD
_BIO_CHUNK = 1 << 16
# AEAD only, which every WebRTC endpoint has (RFC 8827 section 6.5); RSA for peers with an RSA certificate.
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
)
_PROFILE_BY_NAME = {
    b"SRTP_AEAD_AES_128_GCM": SrtpProfile.AEAD_AES_128_GCM,
    b"SRTP_AEAD_AES_256_GCM": SrtpProfile.AEAD_AES_256_GCM,
    b"SRTP_AES128_CM_SHA1_80": SrtpProfile.AES128_CM_SHA1_80,
}
# Strongest first (RFC 8122 section 5); sha-1 and weaker are not here on purpose.
_DIGEST_BY_ALGORITHM = {"sha-512": "sha512", "sha-384": "sha384", "sha-256": "sha256"}


class DtlsState(StrEnum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"
    FAILED = "failed"


class _PeerCheck:
    """Compares the peer's certificate with what its SDP promised; hangs on the OpenSSL connection."""

    __slots__ = ("_accepted", "_digest", "mismatch")

    def __init__(self, fingerprints: Iterable[Fingerprint]) -> None:
        accepted: dict[str, list[str]] = {}
        for fingerprint in fingerprints:
            accepted.setdefault(fingerprint.algorithm.lower(), []).append(fingerprint.value.upper())
        algorithm = next((name for name in _DIGEST_BY_ALGORITHM if name in accepted), None)
        if algorithm is None:
            raise Unacceptable("no certificate fingerprint of sha-256 or stronger")
        self._digest = _DIGEST_BY_ALGORITHM[algorithm]
        self._accepted = [value.encode("ascii", "replace") for value in accepted[algorithm]]
        self.mismatch = False

    def check(self, certificate: crypto.X509) -> bool:
        digest = certificate.digest(self._digest)
        self.mismatch = not any(hmac.compare_digest(digest, value) for value in self._accepted)
        return not self.mismatch


def _verify(connection: SSL.Connection, certificate: crypto.X509, _error: int, depth: int, _ok: int) -> bool:
    # The fingerprint alone decides (RFC 8827 section 6.5): issuer, dates and names say nothing here.
    if depth > 0:
        return True
    check = connection.get_app_data()
    return isinstance(check, _PeerCheck) and check.check(certificate)


class Certificate:
    """Our self-signed ECDSA P-256 certificate and the OpenSSL context made from it; one a process."""

    __slots__ = ("context", "fingerprint")

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        digest = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
        self.fingerprint = Fingerprint("sha-256", digest)
        self.context = _make_context(key, certificate)

    @classmethod
    def generate(cls) -> Certificate:
        """A new key and certificate. Peers trust the fingerprint, so it never expires (RFC 5280 4.1.2.5)."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(secrets.randbits(127) | 1)
            .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
            .not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC))
        )
        return cls(key, builder.sign(key, hashes.SHA256()))


def _make_context(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(_DTLS_1_2)
    context.set_max_proto_version(_DTLS_1_2)
    context.set_options(
        SSL.OP_NO_QUERY_MTU | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _verify)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_cipher_list(_CIPHERS)
    context.set_tlsext_use_srtp(b":".join(_PROFILE_BY_NAME))
    return context


class DtlsEndpoint:
    """One side of a handshake: feed datagrams and timers, take datagrams, read `state` and `keys`.

    A server waits for `receive`; a client needs `start`. Raises Unacceptable when no fingerprint is usable.
    Counts in `drops`: dtls_malformed, dtls_application_data, dtls_unexpected, dtls_ended.
    """

    __slots__ = (
        "_alerts",
        "_check",
        "_close_notify",
        "_connection",
        "_drops",
        "_flight",
        "_interval",
        "_outbox",
        "_repeat_after",
        "deadline",
        "failure",
        "keys",
        "role",
        "state",
    )

    def __init__(
        self,
        certificate: Certificate,
        role: DtlsRole,
        remote_fingerprints: Iterable[Fingerprint],
        drops: Counter[str],
    ) -> None:
        self.role = role
        self.state = DtlsState.NEW
        self.keys: SrtpKeys | None = None
        self.failure: str | None = None
        """Why the state is FAILED: "dtls_fingerprint", "dtls_no_srtp_profile" or "dtls_handshake"."""
        self.deadline: float | None = None
        """When to call `handle_timer`, None while nothing is to be repeated."""
        self._check = _PeerCheck(remote_fingerprints)
        self._connection: SSL.Connection | None = SSL.Connection(certificate.context, None)
        self._connection.set_app_data(self._check)
        self._connection.set_ciphertext_mtu(MTU)
        if role is DtlsRole.SERVER:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        self._drops = drops
        self._outbox: list[bytes] = []
        self._flight: list[bytes] = []
        self._interval = RETRANSMIT_FIRST
        self._repeat_after = 0.0
        self._alerts: AlertReader | None = None
        self._close_notify: list[bytes] = []

    def start(self, now: float) -> None:
        """Send the ClientHello, in the client role; a server has nothing to start."""
        if self.role is DtlsRole.CLIENT and self.state is DtlsState.NEW:
            self.state = DtlsState.CONNECTING
            self._advance(now)

    def receive(self, data: bytes, now: float) -> None:
        """Take one datagram of the peer."""
        records = list(split_records(data))
        if not records:
            self._drops["dtls_malformed"] += 1
        elif self.state is DtlsState.CONNECTED:
            self._receive_established(records, now)
        elif self.state in (DtlsState.CLOSED, DtlsState.FAILED):
            self._drops["dtls_ended"] += 1
        elif self.role is DtlsRole.CLIENT and self.state is DtlsState.NEW:
            self._drops["dtls_unexpected"] += 1
        else:
            self._receive_handshake(records, now)

    def take_datagrams(self) -> list[bytes]:
        """What to send to the peer now, each at most MTU bytes."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def handle_timer(self, now: float) -> None:
        """Repeat the last flight when `deadline` has passed and the answer is still missing."""
        if self.deadline is None or now < self.deadline or self._connection is None:
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:
            self._fail("dtls_handshake")
            return
        fresh = self._read_flight()
        if fresh:
            self._flight = fresh
        self._outbox += self._flight
        self._interval = min(2 * self._interval, RETRANSMIT_MAX)
        self.deadline = now + self._interval

    def close(self) -> None:
        """Queue close_notify if there is a connection to close. Idempotent."""
        if self.state is DtlsState.CONNECTED:
            self._outbox += self._close_notify
        if self.state is not DtlsState.FAILED:
            self._end(DtlsState.CLOSED)

    def _receive_handshake(self, records: list[Record], now: float) -> None:
        self.state = DtlsState.CONNECTING
        assert self._connection is not None
        handshake = b"".join(r.data for r in records if r.content_type != APPLICATION_DATA)
        if not handshake:
            self._drops["dtls_application_data"] += 1
            return
        self._connection.bio_write(handshake)
        self._advance(now)

    def _receive_established(self, records: list[Record], now: float) -> None:
        for record in records:
            if record.content_type == APPLICATION_DATA:
                self._drops["dtls_application_data"] += 1
            elif record.epoch == 0 or self._alerts is None:
                # Duplicates of the handshake: ours to ignore, a lost final flight shows by what follows them.
                self._drops["dtls_unexpected"] += 1
            elif record.content_type == HANDSHAKE:
                self._repeat_final_flight(now)
            elif self._alerts.ends_connection(record):
                self._end(DtlsState.CLOSED)
                return
            else:
                self._drops["dtls_unexpected"] += 1

    def _repeat_final_flight(self, now: float) -> None:
        # The peer repeats its Finished, so ours is lost (RFC 6347 section 4.2.4). Paced, since the repeated
        # Finished is not authenticated here.
        if now >= self._repeat_after and self.role is DtlsRole.SERVER:
            self._outbox += self._flight
            self._repeat_after = now + RETRANSMIT_FIRST / 2
        else:
            self._drops["dtls_unexpected"] += 1

    def _advance(self, now: float) -> None:
        assert self._connection is not None
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._send_flight(now)
        except SSL.Error:
            self._outbox += self._read_flight()
            self._fail("dtls_fingerprint" if self._check.mismatch else "dtls_handshake")
        else:
            self._send_flight(now)
            self._establish(self._connection)

    def _send_flight(self, now: float) -> None:
        flight = self._read_flight()
        if flight:
            self._flight = flight
            self._outbox += flight
            self._interval = RETRANSMIT_FIRST
            self.deadline = now + self._interval

    def _read_flight(self) -> list[bytes]:
        assert self._connection is not None
        output = b""
        while True:
            try:
                output += self._connection.bio_read(_BIO_CHUNK)
            except SSL.WantReadError:
                return pack_datagrams(output, MTU)

    def _establish(self, connection: SSL.Connection) -> None:
        profile = _PROFILE_BY_NAME.get(connection.get_selected_srtp_profile())
        if profile is None:
            connection.shutdown()
            self._outbox += self._read_flight()
            self._fail("dtls_no_srtp_profile")
            return
        length = SrtpKeys.exported_length(profile)
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        is_server = self.role is DtlsRole.SERVER
        self.keys = SrtpKeys.from_exported(profile, material, is_server=is_server)
        self._alerts = AlertReader.from_session(
            connection.get_cipher_name() or "",
            connection.master_key() or b"",
            connection.client_random() or b"",
            connection.server_random() or b"",
            peer_is_client=is_server,
        )
        connection.shutdown()
        self._close_notify = self._read_flight()
        self._connection = None
        self.deadline = None
        self.state = DtlsState.CONNECTED

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._end(DtlsState.FAILED)

    def _end(self, state: DtlsState) -> None:
        self.state = state
        self._connection = None
        self._alerts = None
        self._flight = []
        self._close_notify = []
        self.deadline = None

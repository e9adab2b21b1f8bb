"""The handshake of two endpoints, of an endpoint with aiortc's settings, and of damaged flights."""

from __future__ import annotations

import datetime
import random
from collections import Counter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from gateway.errors import Unacceptable
from gateway.protocol.description import DtlsRole, Fingerprint
from gateway.protocol.dtls import MTU, RETRANSMIT_FIRST, Certificate, DtlsEndpoint, DtlsState
from gateway.protocol.dtls_record import split_records
from gateway.protocol.srtp import SrtpProfile

OURS = Certificate.generate()
THEIRS = Certificate.generate()


class Pair:
    def __init__(self, *, accepted: list[Fingerprint] | None = None) -> None:
        self.drops: Counter[str] = Counter()
        self.server = DtlsEndpoint(OURS, DtlsRole.SERVER, accepted or [THEIRS.fingerprint], self.drops)
        self.client = DtlsEndpoint(THEIRS, DtlsRole.CLIENT, [OURS.fingerprint], Counter())

    def exchange(self, now: float = 0.0, rounds: int = 10) -> None:
        for _ in range(rounds):
            for data in self.client.take_datagrams():
                self.server.receive(data, now)
            for data in self.server.take_datagrams():
                self.client.receive(data, now)

    def connect(self) -> Pair:
        self.client.start(0.0)
        self.exchange()
        assert self.server.state is self.client.state is DtlsState.CONNECTED
        return self


class Peer:
    """A bare OpenSSL endpoint with settings of its own."""

    def __init__(self, context: SSL.Context, *, server: bool) -> None:
        self.connection = SSL.Connection(context, None)
        self.connection.set_ciphertext_mtu(MTU)
        (self.connection.set_accept_state if server else self.connection.set_connect_state)()

    def step(self) -> list[bytes]:
        try:
            self.connection.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error:
            return []
        try:
            return [self.connection.bio_read(65536)]
        except SSL.WantReadError:
            return []

    def handshake(self, endpoint: DtlsEndpoint) -> None:
        for _ in range(6):
            for data in self.step():
                endpoint.receive(data, 0.0)
            for data in endpoint.take_datagrams():
                self.connection.bio_write(data)


def peer_context(profiles: bytes = b"SRTP_AES128_CM_SHA1_80") -> tuple[SSL.Context, Fingerprint]:
    """An RSA peer, as GStreamer is one."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2025))
    certificate = builder.sign(key, hashes.SHA256())
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    if profiles:
        context.set_tlsext_use_srtp(profiles)
    return context, Fingerprint("sha-256", certificate.fingerprint(hashes.SHA256()).hex(":").upper())


RSA_CONTEXT, RSA_FINGERPRINT = peer_context()
BARE_CONTEXT, BARE_FINGERPRINT = peer_context(b"")


def test_certificate_is_p256_and_its_fingerprint_is_sha256() -> None:
    assert OURS.fingerprint.algorithm == "sha-256"
    assert len(OURS.fingerprint.value.split(":")) == 32
    assert OURS.fingerprint != THEIRS.fingerprint


def test_both_sides_get_the_same_gcm_keys() -> None:
    pair = Pair().connect()
    assert pair.server.keys is not None
    assert pair.client.keys is not None
    assert pair.server.keys.local == pair.client.keys.remote
    assert pair.server.keys.remote == pair.client.keys.local
    assert pair.server.keys.local.profile is SrtpProfile.AEAD_AES_128_GCM
    assert pair.server.deadline is None
    assert pair.client.deadline is None


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (b"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", SrtpProfile.AEAD_AES_128_GCM),
        (b"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", SrtpProfile.AEAD_AES_256_GCM),
        (b"SRTP_AES128_CM_SHA1_80", SrtpProfile.AES128_CM_SHA1_80),
    ],
)
def test_our_preference_decides_as_server(offered: bytes, chosen: SrtpProfile) -> None:
    context, fingerprint = peer_context(offered)
    endpoint = DtlsEndpoint(OURS, DtlsRole.SERVER, [fingerprint], Counter())
    Peer(context, server=False).handshake(endpoint)
    assert endpoint.keys is not None
    assert endpoint.keys.local.profile is chosen


@pytest.mark.parametrize("role", list(DtlsRole))
def test_a_peer_with_an_rsa_certificate(role: DtlsRole) -> None:
    endpoint = DtlsEndpoint(OURS, role, [RSA_FINGERPRINT], Counter())
    endpoint.start(0.0)
    peer = Peer(RSA_CONTEXT, server=role is DtlsRole.CLIENT)
    peer.handshake(endpoint)
    assert endpoint.state is DtlsState.CONNECTED
    peer.connection.shutdown()
    endpoint.receive(peer.connection.bio_read(4096), 1.0)
    assert endpoint.state is DtlsState.CLOSED


@pytest.mark.parametrize("role", list(DtlsRole))
def test_no_common_srtp_profile_fails(role: DtlsRole) -> None:
    endpoint = DtlsEndpoint(OURS, role, [BARE_FINGERPRINT], Counter())
    endpoint.start(0.0)
    Peer(BARE_CONTEXT, server=role is DtlsRole.CLIENT).handshake(endpoint)
    assert endpoint.state is DtlsState.FAILED
    assert endpoint.failure == "dtls_no_srtp_profile"
    assert endpoint.keys is None


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512", "SHA-256"])
def test_fingerprint_algorithms(algorithm: str) -> None:
    context, _ = peer_context()
    certificate = Peer(context, server=False).connection.get_certificate(as_cryptography=True)
    assert certificate is not None
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[-3:]]
    fingerprint = Fingerprint(algorithm, certificate.fingerprint(digest).hex(":"))
    endpoint = DtlsEndpoint(OURS, DtlsRole.SERVER, [fingerprint], Counter())
    Peer(context, server=False).handshake(endpoint)
    assert endpoint.state is DtlsState.CONNECTED


def test_the_strongest_algorithm_decides() -> None:
    wrong = Fingerprint("sha-512", ":".join(["00"] * 64))
    pair = Pair(accepted=[THEIRS.fingerprint, wrong])
    pair.client.start(0.0)
    pair.exchange()
    assert pair.server.failure == "dtls_fingerprint"


def test_any_certificate_of_several_is_accepted() -> None:
    Pair(accepted=[OURS.fingerprint, THEIRS.fingerprint]).connect()


@pytest.mark.parametrize("fingerprints", [[], [Fingerprint("sha-1", "AB:CD")], [Fingerprint("md5", "AB")]])
def test_weak_or_no_fingerprints_are_refused(fingerprints: list[Fingerprint]) -> None:
    with pytest.raises(Unacceptable):
        DtlsEndpoint(OURS, DtlsRole.SERVER, fingerprints, Counter())


@pytest.mark.parametrize("value", ["", "AB", "ÄÖ:" * 32, ":".join(["00"] * 32)])
def test_wrong_fingerprint_fails_both_sides(value: str) -> None:
    pair = Pair(accepted=[Fingerprint("sha-256", value)])
    pair.client.start(0.0)
    pair.exchange()
    assert (pair.server.state, pair.server.failure) == (DtlsState.FAILED, "dtls_fingerprint")
    assert (pair.client.state, pair.client.failure) == (DtlsState.FAILED, "dtls_handshake")
    pair.server.close()
    assert pair.server.state is DtlsState.FAILED
    pair.server.receive(b"\x16\xfe\xfd" + bytes(8) + b"\0\1x", 1.0)
    assert pair.drops == {"dtls_ended": 1}


def test_datagrams_fit_the_mtu() -> None:
    context, fingerprint = peer_context()
    endpoint = DtlsEndpoint(OURS, DtlsRole.SERVER, [fingerprint], Counter())
    peer = Peer(context, server=False)
    sizes = []
    for _ in range(6):
        for data in peer.step():
            endpoint.receive(data, 0.0)
        for data in endpoint.take_datagrams():
            sizes.append(len(data))
            peer.connection.bio_write(data)
    assert sizes
    assert max(sizes) <= MTU


def test_fragmented_client_hello() -> None:
    context, fingerprint = peer_context()
    endpoint = DtlsEndpoint(OURS, DtlsRole.SERVER, [fingerprint], Counter())
    peer = Peer(context, server=False)
    peer.connection.set_ciphertext_mtu(256)
    peer.connection.set_tlsext_host_name(b"a" * 200 + b".example")
    first = peer.step()
    hello = list(split_records(first[0]))
    assert len(hello) > 1, "more than one fragment"
    for record in reversed(hello):
        endpoint.receive(record.data, 0.0)
    for data in endpoint.take_datagrams():
        peer.connection.bio_write(data)
    peer.handshake(endpoint)
    assert endpoint.state is DtlsState.CONNECTED


def test_a_lost_client_hello_is_repeated_ever_more_slowly() -> None:
    pair = Pair()
    pair.client.start(0.0)
    hello = pair.client.take_datagrams()
    times = []
    while len(times) < 6:
        deadline = pair.client.deadline
        assert deadline is not None
        pair.client.handle_timer(deadline - 0.001)
        assert pair.client.take_datagrams() == [], "not yet"
        pair.client.handle_timer(deadline)
        assert pair.client.take_datagrams() == hello
        times.append(round(deadline, 3))
    assert times == [0.1, 0.3, 0.7, 1.5, 3.1, 4.7]


def test_openssl_repeats_by_its_own_clock_when_it_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one real second OpenSSL makes the flight anew; here it is made to look so without waiting."""
    pair = Pair()
    pair.client.start(0.0)
    pair.client.take_datagrams()
    fresh = Pair()
    fresh.client.start(0.0)
    (flight,) = fresh.client.take_datagrams()
    reads = iter([flight])

    def read(_size: int) -> bytes:
        try:
            return next(reads)
        except StopIteration:
            raise SSL.WantReadError from None

    monkeypatch.setattr(pair.client._connection, "bio_read", read)
    pair.client.handle_timer(RETRANSMIT_FIRST)
    assert pair.client.take_datagrams() == [flight]


def test_openssl_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up() -> bool:
        raise SSL.Error([])

    pair = Pair()
    pair.client.start(0.0)
    monkeypatch.setattr(pair.client._connection, "DTLSv1_handle_timeout", give_up)
    pair.client.handle_timer(RETRANSMIT_FIRST)
    assert pair.client.failure == "dtls_handshake"
    pair.client.handle_timer(5.0)


def test_the_final_flight_is_repeated_and_paced() -> None:
    pair = Pair()
    pair.client.start(0.0)
    pair.exchange(rounds=1)
    flight = pair.client.take_datagrams()
    for data in flight:
        pair.server.receive(data, 1.0)
    final = pair.server.take_datagrams()
    for _ in range(3):
        for data in flight:
            pair.server.receive(data, 2.0)
    assert pair.server.take_datagrams() == final, "once"
    assert pair.drops["dtls_unexpected"] > 0
    for data in final:
        pair.client.receive(data, 2.0)
    assert pair.client.state is DtlsState.CONNECTED


def test_a_client_never_repeats_after_the_end() -> None:
    pair = Pair()
    pair.client.start(0.0)
    pair.exchange(rounds=1)
    flight = pair.client.take_datagrams()
    for data in flight:
        pair.server.receive(data, 0.0)
    final = pair.server.take_datagrams()
    for data in final * 2:
        pair.client.receive(data, 0.0)
    assert pair.client.take_datagrams() == []


@pytest.mark.parametrize("closer", ["server", "client"])
def test_close_notify_reaches_the_other_side(closer: str) -> None:
    pair = Pair().connect()
    getattr(pair, closer).close()
    getattr(pair, closer).close()
    pair.exchange()
    assert pair.server.state is pair.client.state is DtlsState.CLOSED
    assert pair.server.failure is None


def test_closing_before_the_handshake_says_nothing() -> None:
    pair = Pair()
    pair.client.close()
    pair.client.start(0.0)
    assert pair.client.take_datagrams() == []
    assert pair.client.state is DtlsState.CLOSED


def test_close_during_the_handshake_stops_the_timer() -> None:
    pair = Pair()
    pair.client.start(0.0)
    pair.client.close()
    assert pair.client.deadline is None


def test_a_client_that_has_not_started_takes_nothing() -> None:
    pair = Pair()
    drops: Counter[str] = Counter()
    client = DtlsEndpoint(THEIRS, DtlsRole.CLIENT, [OURS.fingerprint], drops)
    pair.client.start(0.0)
    for data in pair.client.take_datagrams():
        client.receive(data, 0.0)
    assert drops == {"dtls_unexpected": 1}
    assert client.state is DtlsState.NEW


def test_a_server_does_not_start() -> None:
    pair = Pair()
    pair.server.start(0.0)
    assert pair.server.take_datagrams() == []


def test_forged_records_do_not_end_a_connection() -> None:
    pair = Pair().connect()
    plain_alert = b"\x15\xfe\xfd\0\0" + bytes(6) + b"\0\2\2\x28"
    sealed_alert = b"\x15\xfe\xfd\0\1" + bytes(6) + b"\0\x1a" + bytes(26)
    data = b"\x17\xfe\xfd\0\1" + bytes(6) + b"\0\x1a" + bytes(26)
    for forged in (plain_alert, sealed_alert, data, b"\x16junk"):
        pair.server.receive(forged, 1.0)
    assert pair.server.state is DtlsState.CONNECTED
    assert pair.drops == {"dtls_unexpected": 2, "dtls_application_data": 1, "dtls_malformed": 1}


def test_keys_are_not_shown() -> None:
    pair = Pair().connect()
    assert pair.server.keys is not None
    assert pair.server.keys.local.key.hex() not in repr(pair.server.keys)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x16\xfe\xfd" + bytes(8) + b"\0", b"\x15\xfe\xfd" + bytes(8) + b"\0"]),
)
def test_arbitrary_bytes_never_raise(data: bytes, prefix: bytes) -> None:
    pair = Pair()
    for endpoint in (pair.server, pair.client):
        endpoint.start(0.0)
        endpoint.receive(prefix + data, 0.0)
        endpoint.take_datagrams()
        endpoint.handle_timer(100.0)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_flights_never_raise_nor_agree_on_wrong_keys(seed: int) -> None:
    chance = random.Random(seed)
    pair = Pair()
    pair.client.start(0.0)

    def damaged(data: bytes) -> bytes:
        if chance.random() < 0.6:
            return data
        position = chance.randrange(13, len(data))
        return data[:position] + bytes([chance.randrange(256)]) + data[position + 1 :]

    for now in range(10):
        for data in pair.client.take_datagrams():
            pair.server.receive(damaged(data), now)
        for data in pair.server.take_datagrams():
            pair.client.receive(damaged(data), now)
        pair.client.handle_timer(now)
        pair.server.handle_timer(now)
    if pair.client.keys and pair.server.keys:
        assert pair.client.keys.local == pair.server.keys.remote

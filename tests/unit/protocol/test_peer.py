"""PeerConnection against a full endpoint in virtual time."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unacceptable
from gateway.protocol.description import DtlsRole, Fingerprint
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.peer import (
    AddressChanged,
    Closed,
    Connected,
    Disconnected,
    Failed,
    IllegalTransition,
    PeerState,
    Reconnected,
)
from gateway.protocol.srtp import InboundSrtp, MasterKey, OutboundSrtp, SrtpProfile
from tests.unit.protocol.controlling_peer import (
    AWAY,
    HOME,
    Link,
    Session,
    binding_request,
    receiver_report,
    rtp,
)

BOTH_ROLES = pytest.mark.parametrize("role", list(DtlsRole))


def connected(**arguments: object) -> Session:
    session = Session(**arguments)  # type: ignore[arg-type]
    session.run_until_connected()
    session.run(0.01)
    assert session.peer.state is PeerState.CONNECTED
    return session


@BOTH_ROLES
def test_connects_and_carries_media_both_ways(role: DtlsRole) -> None:
    session = Session(role=role)
    assert session.run_until_connected() < 0.3
    session.run(0.01)
    assert session.events == [AddressChanged(HOME), Connected()]
    assert session.peer.address == HOME
    client, peer = session.client, session.peer
    assert client.outbound is not None
    assert client.inbound is not None
    assert peer.outbound is not None
    sent = client.outbound.protect_rtp(rtp(1), 1)
    assert peer.unprotect_rtp(sent, HOME, session.now) == rtp(1)
    report = client.outbound.protect_rtcp(receiver_report())
    assert peer.unprotect_rtcp(report, HOME, session.now) == receiver_report()
    assert client.inbound.unprotect_rtp(peer.outbound.protect_rtp(rtp(9), 9)) == rtp(9)
    assert client.inbound.unprotect_rtcp(peer.outbound.protect_rtcp(receiver_report())) == receiver_report()
    assert not session.drops


@BOTH_ROLES
@pytest.mark.parametrize("seed", range(25))
def test_handshake_survives_loss_duplication_and_reordering(role: DtlsRole, seed: int) -> None:
    session = Session(role=role, link=Link(seed, loss=0.2, duplication=0.1, delay=0.02, jitter=0.05))
    session.run_until_connected()
    assert session.connected, (session.peer.state, session.client.dtls.state, session.drops)
    assert session.client.dtls.keys is not None
    assert session.peer.outbound is not None
    assert InboundSrtp(session.client.dtls.keys.remote).unprotect_rtp(
        session.peer.outbound.protect_rtp(rtp(1), 1)
    ) == rtp(1)


def test_a_lost_final_flight_is_repeated() -> None:
    session = Session(role=DtlsRole.SERVER)
    while session.peer.state is not PeerState.CONNECTED:
        session.run(0.001)
    assert not session.connected
    session.lose_everything_in_flight()
    session.run(1.0)
    assert session.connected


def test_nothing_larger_than_it_was_asked_goes_to_an_unproven_address() -> None:
    session = Session()
    check = session.client.check()
    session.peer.receive(b"\x16\xfe\xff" + bytes(300), AWAY, session.now)
    session.peer.receive(
        binding_request(session.client.local, session.client.remote, password="x"), AWAY, 100.0
    )
    assert session.peer.take_datagrams() == []
    session.peer.receive(check, AWAY, session.now)
    answers = session.peer.take_datagrams()
    assert [address for _, address in answers] == [AWAY]
    assert len(answers[0][0]) <= len(check)


def test_receive_tells_whether_the_address_is_proven() -> None:
    session = Session()
    assert not session.peer.receive(b"\x16\xfe\xfd" + bytes(20), HOME, 100.0)
    assert not session.peer.receive(bytes(20), HOME, 100.0)
    assert not session.peer.receive(b"\xff\xff\xff", HOME, 100.0)
    assert session.peer.receive(session.client.check(), HOME, 100.0)
    assert session.peer.receive(b"\x16\xfe\xfd" + bytes(20), HOME, 100.0)
    assert session.drops["dtls_unproven_address"] == 1
    assert session.drops["stun_malformed"] == 1
    assert session.drops["unknown_datagram"] == 1


def test_dtls_is_only_taken_from_proven_addresses() -> None:
    session = connected()
    session.peer.receive(b"\x16\xfe\xfd" + bytes(20), AWAY, session.now)
    assert session.drops["dtls_unproven_address"] == 1


def test_media_before_the_handshake_is_dropped() -> None:
    session = Session()
    assert session.peer.unprotect_rtp(rtp(1), HOME, 100.0) is None
    assert session.peer.unprotect_rtcp(receiver_report(), HOME, 100.0) is None
    assert session.drops == {"srtp_before_handshake": 2}


def test_media_that_is_not_authentic_is_dropped_and_is_no_sign_of_life() -> None:
    session = connected()
    assert session.client.outbound is not None
    good = session.client.outbound.protect_rtp(rtp(5), 5)
    report = session.client.outbound.protect_rtcp(receiver_report())
    session.silent = True
    session.run(9.0)
    assert session.peer.unprotect_rtp(good[:-1] + bytes([good[-1] ^ 1]), HOME, session.now) is None
    assert session.peer.unprotect_rtcp(report[:9] + b"?" + report[10:], HOME, session.now) is None
    assert session.peer.unprotect_rtp(good, AWAY, session.now) is None
    assert session.drops == {"srtp_auth": 1, "srtcp_auth": 1, "srtp_unproven_address": 1}
    session.run(2.0)
    assert session.peer.state is PeerState.DISCONNECTED


def test_replayed_media_is_dropped() -> None:
    session = connected()
    assert session.client.outbound is not None
    sent = session.client.outbound.protect_rtp(rtp(5), 5)
    assert session.peer.unprotect_rtp(sent, HOME, session.now) == rtp(5)
    assert session.peer.unprotect_rtp(sent, HOME, session.now) is None
    assert session.drops == {"srtp_replay": 1}


def test_follows_a_peer_that_moves() -> None:
    session = connected()
    assert session.client.outbound is not None
    session.peer.unprotect_rtp(session.client.outbound.protect_rtp(rtp(1), 1), HOME, session.now)
    session.client.address = AWAY
    session.client.next_check = session.now
    session.run(0.1)
    session.peer.unprotect_rtp(session.client.outbound.protect_rtp(rtp(2), 2), AWAY, session.now)
    assert session.peer.take_events() == [AddressChanged(AWAY)]
    assert session.peer.address == AWAY


def test_silence_disconnects_then_fails() -> None:
    session = connected()
    session.silent = True
    session.events.clear()
    session.run(10.1)
    assert session.events == [Disconnected()]
    session.run(5.0)
    assert session.events == [Disconnected(), Failed("consent_lost")]
    assert session.peer.next_timer() is None
    assert session.peer.outbound is None


@pytest.mark.parametrize("sign", ["stun", "media"])
def test_a_sign_of_life_reconnects(sign: str) -> None:
    session = connected()
    session.silent = True
    session.run(11.0)
    assert session.client.outbound is not None
    if sign == "stun":
        session.peer.receive(session.client.check(), HOME, session.now)
    else:
        session.peer.unprotect_rtp(session.client.outbound.protect_rtp(rtp(1), 1), HOME, session.now)
    session.run(5.0)
    assert session.events[-2:] == [Disconnected(), Reconnected()]
    assert session.peer.state is PeerState.CONNECTED


def test_media_alone_keeps_the_connection() -> None:
    session = connected()
    assert session.client.outbound is not None
    session.silent = True
    for index in range(60):
        report = session.client.outbound.protect_rtcp(receiver_report(index))
        assert session.peer.unprotect_rtcp(report, HOME, session.now) is not None
        session.run(1.0)
    assert session.peer.state is PeerState.CONNECTED


def test_ice_restart_keeps_media_and_moves_to_the_new_credentials() -> None:
    session = connected()
    old_local, old_remote = session.client.local, session.client.remote
    local, remote = new_ice_credentials(), new_ice_credentials()
    session.peer.restart_ice(remote, local)
    assert session.peer.receive(binding_request(old_local, old_remote), HOME, session.now), "old still valid"
    session.client.local, session.client.remote = local, remote
    session.peer.take_datagrams()
    session.client.address = AWAY
    session.client.next_check = session.now
    session.run(0.1)
    assert session.peer.address == AWAY
    assert not session.peer.receive(binding_request(old_local, old_remote), HOME, session.now)
    assert session.drops["stun_bad_username"] == 1
    assert session.peer.state is PeerState.CONNECTED


@BOTH_ROLES
def test_wrong_fingerprint_fails(role: DtlsRole) -> None:
    wrong = Fingerprint("sha-256", ":".join(["AB"] * 32))
    session = Session(role=role, remote_fingerprints=[wrong])
    session.run(2.0)
    assert session.events[-1] == Failed("dtls_fingerprint")
    assert session.peer.outbound is None
    assert session.client.dtls.state.value == "failed", "the peer is told by an alert"


def test_sha1_is_no_fingerprint() -> None:
    with pytest.raises(Unacceptable):
        Session(remote_fingerprints=[Fingerprint("sha-1", ":".join(["AB"] * 20))])


def test_garbage_between_handshake_messages_does_not_matter() -> None:
    session = Session()
    for step in range(40):
        session.run(0.005)
        for junk in (b"\x16\xfe\xfd" + bytes(10), b"\x14" * 60, b"\x17\xfe\xfd" + bytes(8) + b"\0\x01x"):
            session.peer.receive(junk + bytes(step), HOME, session.now)
    assert session.connected
    assert session.drops["dtls_malformed"] > 0
    assert session.drops["dtls_application_data"] > 0


def test_no_check_fails_in_time() -> None:
    session = Session()
    session.silent = True
    session.run(14.9)
    assert session.peer.state is PeerState.NEW
    session.run(0.2)
    assert session.events == [Failed("ice_timeout")]


def test_no_handshake_fails_in_time() -> None:
    session = Session()
    session.client.dtls.close()
    session.run(14.9)
    assert session.peer.state is PeerState.CONNECTING
    session.run(0.3)
    assert session.events[-1] == Failed("dtls_timeout")


@BOTH_ROLES
def test_close_tells_the_peer_and_is_idempotent(role: DtlsRole) -> None:
    session = connected(role=role)
    session.peer.close()
    session.peer.close()
    session.run(0.1)
    assert session.events[-1] == Closed("local")
    assert session.events.count(Closed("local")) == 1
    assert session.client.dtls.state.value == "closed"
    session.peer.handle_timer(session.now)
    session.peer.restart_ice(new_ice_credentials(), new_ice_credentials())
    assert not session.peer.receive(session.client.check(), HOME, session.now)
    assert session.peer.unprotect_rtp(rtp(1), HOME, session.now) is None
    assert session.drops == {"peer_ended": 2}


@BOTH_ROLES
def test_the_peers_close_notify_closes(role: DtlsRole) -> None:
    session = connected(role=role)
    session.client.dtls.close()
    session.run(0.1)
    assert session.events[-1] == Closed("peer")
    assert session.peer.state is PeerState.CLOSED


def test_close_before_anything_happened() -> None:
    session = Session()
    session.peer.close()
    assert session.peer.take_events() == [Closed("local")]
    assert session.peer.take_datagrams() == []


def test_close_after_failure() -> None:
    session = Session()
    session.silent = True
    session.run(16.0)
    session.peer.close()
    assert session.peer.take_events() == [Closed("local")]


def test_illegal_transition_raises() -> None:
    session = Session()
    with pytest.raises(IllegalTransition):
        session.peer._move_to(PeerState.DISCONNECTED)


@pytest.mark.parametrize("profile", list(SrtpProfile))
def test_all_profiles_carry_media(profile: SrtpProfile) -> None:
    session = connected()
    key = MasterKey(profile, bytes(profile.key_length), bytes(profile.salt_length))
    session.peer._inbound = InboundSrtp(key)
    sent = OutboundSrtp(key).protect_rtp(rtp(3), 3)
    assert session.peer.unprotect_rtp(sent, HOME, session.now) == rtp(3)


@given(st.lists(st.binary(max_size=80), max_size=5), st.integers(0, 255), st.integers(0, 255))
def test_arbitrary_bytes_never_raise(blobs: list[bytes], first: int, second: int) -> None:
    session = Session()
    session.peer.receive(session.client.check(), HOME, 100.0)
    for blob in blobs:
        for data in (blob, bytes([first, second]) + blob, b"\x16\xfe\xfd" + blob):
            session.peer.receive(data, HOME, 100.0)
            session.peer.unprotect_rtp(data, HOME, 100.0)
            session.peer.unprotect_rtcp(data, HOME, 100.0)
    session.peer.take_datagrams()
    assert isinstance(session.drops, Counter)


CONNECTED = connected()


@given(
    st.binary(max_size=80),
    st.sampled_from([b"", b"\x15\xfe\xfd\0\1", b"\x16\xfe\xfd\0\1", b"\x80\x60", b"\x80\xc8"]),
)
def test_arbitrary_bytes_never_raise_nor_end_a_connection(blob: bytes, prefix: bytes) -> None:
    session = CONNECTED
    session.peer.receive(prefix + blob, HOME, session.now)
    assert session.peer.unprotect_rtp(prefix + blob, HOME, session.now) is None
    assert session.peer.unprotect_rtcp(prefix + blob, HOME, session.now) is None
    session.peer.take_datagrams()
    assert session.peer.state is PeerState.CONNECTED

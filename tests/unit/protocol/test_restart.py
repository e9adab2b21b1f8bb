"""An ICE restart as a session lives it: nothing on its way is lost, and one that fails changes nothing."""

from __future__ import annotations

import pytest

from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.peer import AddressChanged, Failed, PeerState
from tests.unit.protocol.controlling_peer import (
    AWAY,
    HOME,
    Session,
    receiver_report,
    rtp,
)


def connected() -> Session:
    session = Session()
    session.run_until_connected()
    session.run(0.5)
    session.events.clear()
    return session


def from_client(session: Session, index: int) -> bytes:
    assert session.client.outbound is not None
    return session.client.outbound.protect_rtp(rtp(index), index)


def restart(session: Session) -> None:
    """Both sides take new credentials, the peer a new address."""
    session.client.local, session.client.remote = new_ice_credentials(), new_ice_credentials()
    session.peer.restart_ice(session.client.remote, session.client.local)
    session.client.address = AWAY


def test_a_publisher_may_send_from_where_it_was_until_it_knows_that_it_may_leave() -> None:
    session = connected()
    old = [from_client(session, index) for index in range(1, 6)]
    assert session.peer.unprotect_rtp(old[0], HOME, session.now)
    restart(session)
    session.client.next_check = session.now  # nominates with its first check, as Firefox does
    session.run(0.03)
    assert session.peer.address == AWAY
    for packet in old[1:4]:  # sent before the answer came back
        assert session.peer.unprotect_rtp(packet, HOME, session.now)
    assert session.peer.address == AWAY
    assert session.drops == {}
    session.run(3.1)
    assert session.peer.unprotect_rtp(old[4], HOME, session.now) is None
    assert session.drops == {"srtp_unproven_address": 1}


@pytest.mark.parametrize("sign", ["stun", "media"])
def test_a_restart_that_the_peer_never_takes_up_keeps_the_session(sign: str) -> None:
    session = connected()
    session.silent = sign == "media"
    for _ in range(3):
        session.peer.restart_ice(new_ice_credentials(), new_ice_credentials())
    for index in range(30):
        if sign == "media":
            assert session.client.outbound is not None
            report = session.client.outbound.protect_rtcp(receiver_report(index))
            assert session.peer.unprotect_rtcp(report, HOME, session.now)
        session.run(1.0)
    assert session.peer.state is PeerState.CONNECTED
    assert session.peer.address == HOME
    assert not [event for event in session.events if isinstance(event, Failed)]
    assert session.drops == {}


def test_a_restart_brings_back_who_was_silent_for_too_long_to_be_connected() -> None:
    session = connected()
    session.silent = True
    session.run(11.0)
    assert session.peer.state is PeerState.DISCONNECTED
    restart(session)
    session.silent = False
    session.client.next_check = session.now
    session.run(0.1)
    assert session.peer.state is PeerState.CONNECTED
    assert AddressChanged(AWAY) in session.events

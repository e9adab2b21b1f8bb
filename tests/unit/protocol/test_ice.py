"""The lite agent: whom it answers, which address it follows, when it gives up."""

from __future__ import annotations

from collections import Counter

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.description import Address, IceCredentials
from gateway.protocol.ice import HELD_FOR, MAX_VALIDATED, IceLiteAgent, IceState, new_ice_credentials
from tests.unit.protocol.controlling_peer import binding_request

WIFI: Address = ("192.0.2.1", 1000)
CELLULAR: Address = ("198.51.100.1", 2000)
THIRD: Address = ("2001:db8::1", 3000)


class Fixture:
    def __init__(self) -> None:
        self.ours, self.theirs = new_ice_credentials(), new_ice_credentials()
        self.drops: Counter[str] = Counter()
        self.agent = IceLiteAgent(self.ours, self.theirs, self.drops)

    def check(self, address: Address, now: float, *, nominate: bool = False) -> None:
        self.agent.receive(binding_request(self.theirs, self.ours, nominate=nominate), address, now)

    def renew(self) -> None:
        self.ours, self.theirs = new_ice_credentials(), new_ice_credentials()
        self.agent.restart(self.ours, self.theirs)


@pytest.fixture
def ice() -> Fixture:
    return Fixture()


def test_credentials_are_long_and_never_the_same() -> None:
    credentials = [new_ice_credentials() for _ in range(100)]
    assert len({c.ufrag for c in credentials}) == len({c.pwd for c in credentials}) == 100
    assert all(len(c.ufrag) >= 4 and len(c.pwd) >= 22 for c in credentials)
    assert all((c.ufrag + c.pwd).isalnum() for c in credentials)


@pytest.mark.parametrize("address", [WIFI, THIRD])
def test_answers_a_check_with_the_address_it_came_from(ice: Fixture, address: Address) -> None:
    ice.check(address, 1.0)
    ((data, to),) = ice.agent.take_datagrams()
    message = stun.parse_message(data)
    assert to == message.attributes["XOR-MAPPED-ADDRESS"] == address
    assert message.check_message_integrity(ice.ours.pwd.encode())
    assert ice.agent.is_validated(address)
    assert ice.agent.state is IceState.CONNECTED
    assert ice.agent.selected is None, "not nominated"
    assert ice.agent.take_datagrams() == []


def test_wrong_credentials_get_no_answer(ice: Fixture) -> None:
    stranger = new_ice_credentials()
    ice.agent.receive(binding_request(stranger, ice.ours), WIFI, 1.0)
    ice.agent.receive(binding_request(ice.theirs, ice.ours, password="guess"), WIFI, 1.0)
    ice.agent.receive(b"\0\1", WIFI, 1.0)
    assert ice.agent.take_datagrams() == []
    assert not ice.agent.is_validated(WIFI)
    assert ice.drops == {"stun_bad_username": 1, "stun_bad_integrity": 1, "stun_malformed": 1}
    assert ice.agent.state is IceState.NEW
    assert ice.agent.deadline is None
    ice.agent.handle_timer(1000.0)
    assert ice.agent.state is IceState.NEW


def test_a_controlled_peer_is_told_of_the_conflict(ice: Fixture) -> None:
    request = binding_request(
        ice.theirs, ice.ours, nominate=True, drop=("ICE-CONTROLLING",), extra={"ICE-CONTROLLED": 9}
    )
    ice.agent.receive(request, WIFI, 1.0)
    ((data, _),) = ice.agent.take_datagrams()
    assert stun.parse_message(data).error_code == 487
    assert len(data) <= len(request)
    assert not ice.agent.is_validated(WIFI)
    assert ice.agent.selected is None


@pytest.mark.parametrize(("address", "answered"), [(WIFI, True), (THIRD, False)])
def test_an_answer_is_never_larger_than_its_request(ice: Fixture, address: Address, answered: bool) -> None:
    smallest = binding_request(ice.theirs, ice.ours, drop=("PRIORITY", "ICE-CONTROLLING", "FINGERPRINT"))
    ice.agent.receive(smallest, address, 1.0)
    datagrams = ice.agent.take_datagrams()
    assert bool(datagrams) is answered
    assert all(len(data) <= len(smallest) for data, _ in datagrams)
    assert ice.agent.is_validated(address) is answered
    assert ice.drops == ({} if answered else {"stun_would_amplify": 1})


def test_ffmpeg_check_is_enough_on_ipv6(ice: Fixture) -> None:
    data = binding_request(ice.theirs, ice.ours, nominate=True, drop=("PRIORITY", "ICE-CONTROLLING"))
    ice.agent.receive(data, THIRD, 1.0)
    assert ice.agent.selected == THIRD


def test_the_first_nomination_selects(ice: Fixture) -> None:
    ice.check(WIFI, 1.0)
    ice.check(CELLULAR, 1.1, nominate=True)
    assert ice.agent.selected == CELLULAR


def test_traffic_selects_where_nothing_is_nominated(ice: Fixture) -> None:
    ice.check(WIFI, 1.0)
    ice.agent.on_authenticated_media(CELLULAR, 1.0)
    assert ice.agent.selected is None, "not validated"
    ice.agent.on_authenticated_media(WIFI, 1.1)
    assert ice.agent.selected == WIFI


def test_dtls_selects_until_media_flows(ice: Fixture) -> None:
    ice.agent.on_handshake(WIFI, 0.5)
    assert ice.agent.selected is None, "not validated"
    ice.check(WIFI, 1.0, nominate=True)
    ice.check(CELLULAR, 1.1)
    ice.agent.on_handshake(CELLULAR, 1.2)
    assert ice.agent.selected == CELLULAR
    ice.agent.on_authenticated_media(CELLULAR, 1.3)
    ice.agent.on_handshake(WIFI, 1.4)
    assert ice.agent.selected == CELLULAR


def test_firefox_nominates_everything_and_is_followed_by_its_traffic(ice: Fixture) -> None:
    for now in (1.0, 1.02, 1.04):
        for address in (WIFI, CELLULAR, THIRD):
            ice.check(address, now, nominate=True)
    ice.agent.on_authenticated_media(CELLULAR, 1.1)
    assert ice.agent.selected == CELLULAR
    for step in range(100):
        now = 1.2 + step * 0.05
        ice.agent.on_authenticated_media(CELLULAR, now)
        for address in (WIFI, CELLULAR, THIRD):
            ice.check(address, now, nominate=True)
        assert ice.agent.selected == CELLULAR


def test_a_late_packet_of_the_old_path_does_not_move_back(ice: Fixture) -> None:
    ice.check(WIFI, 1.0, nominate=True)
    ice.agent.on_authenticated_media(WIFI, 2.0)
    ice.check(CELLULAR, 2.0, nominate=True)
    assert ice.agent.selected == WIFI
    ice.agent.on_authenticated_media(CELLULAR, 2.01)
    assert ice.agent.selected == CELLULAR
    ice.agent.on_authenticated_media(WIFI, 2.02)
    assert ice.agent.selected == CELLULAR
    ice.agent.on_authenticated_media(WIFI, 2.2)
    assert ice.agent.selected == WIFI, "it really moved back"


def test_a_nomination_moves_away_from_a_silent_address(ice: Fixture) -> None:
    ice.check(WIFI, 1.0, nominate=True)
    ice.agent.on_authenticated_media(WIFI, 1.0)
    ice.check(CELLULAR, 1.9, nominate=True)
    assert ice.agent.selected == WIFI
    ice.check(CELLULAR, 2.1, nominate=True)
    assert ice.agent.selected == CELLULAR


def test_consent_by_checks_or_media(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    assert ice.agent.deadline == 10.0
    ice.agent.on_authenticated_media(WIFI, 5.0)
    assert ice.agent.deadline == 15.0
    ice.agent.handle_timer(14.9)
    assert ice.agent.state is IceState.CONNECTED
    ice.agent.handle_timer(15.0)
    assert ice.agent.state is IceState.DISCONNECTED
    assert ice.agent.deadline == 20.0
    ice.check(WIFI, 19.0)
    assert ice.agent.state is IceState.CONNECTED
    ice.agent.handle_timer(34.0)
    assert ice.agent.state is IceState.FAILED
    assert ice.agent.deadline is None
    ice.check(WIFI, 35.0)
    assert ice.agent.state is IceState.FAILED, "for good"


def test_an_address_is_held_by_authentic_media_alone_and_for_a_moment(ice: Fixture) -> None:
    ice.check(WIFI, 1.0, nominate=True)
    assert not ice.agent.holds(WIFI, 1.0)
    ice.agent.on_authenticated_media(WIFI, 1.0)
    assert ice.agent.holds(WIFI, 1.0 + HELD_FOR)
    assert not ice.agent.holds(WIFI, 1.1 + HELD_FOR)
    assert not ice.agent.holds(CELLULAR, 1.0)


def test_remembered_addresses_are_bounded_and_the_selected_one_stays(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    many = [("203.0.113.9", port) for port in range(1, 3 * MAX_VALIDATED)]
    for step, address in enumerate(many):
        ice.check(address, 1.0 + step)
    known = [address for address in many if ice.agent.is_validated(address)]
    assert known == many[-(MAX_VALIDATED - 1) :], "the latest ones"
    assert ice.agent.is_validated(WIFI)
    assert ice.agent.selected == WIFI


def test_restart_keeps_the_old_generation_until_the_new_one_is_used(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    ice.agent.on_authenticated_media(WIFI, 0.9)
    old = ice.ours, ice.theirs
    ice.renew()
    ice.agent.receive(binding_request(old[1], old[0]), WIFI, 1.0)
    assert not ice.drops
    ice.check(CELLULAR, 1.0)
    assert ice.agent.selected == WIFI, "validated, not used"
    ice.agent.on_authenticated_media(WIFI, 1.0)
    ice.check(CELLULAR, 1.0, nominate=True)
    assert ice.agent.selected == CELLULAR, "a restart's nomination counts at once"
    ice.agent.receive(binding_request(old[1], old[0]), WIFI, 1.1)
    assert ice.drops == {"stun_bad_username": 1}


def test_restart_on_the_same_address(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    ice.check(CELLULAR, 0.0)
    old = ice.ours, ice.theirs
    ice.renew()
    ice.check(WIFI, 1.0, nominate=True)
    assert ice.agent.selected == WIFI
    ice.agent.receive(binding_request(old[1], old[0]), WIFI, 1.1)
    assert ice.drops == {"stun_bad_username": 1}


def test_restart_finished_by_media_alone(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    ice.renew()
    ice.check(CELLULAR, 1.0)
    ice.agent.on_authenticated_media(CELLULAR, 1.0)
    assert ice.agent.selected == CELLULAR
    assert ice.agent.deadline == 4.0


def test_what_is_still_on_its_way_to_the_old_address_counts_a_little_longer(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    ice.agent.on_authenticated_media(WIFI, 0.9)
    ice.renew()
    ice.check(CELLULAR, 1.0, nominate=True)
    ice.agent.on_authenticated_media(WIFI, 1.2)
    ice.agent.on_handshake(WIFI, 1.2)
    assert ice.agent.is_validated(WIFI)
    assert ice.agent.selected == CELLULAR, "but leads nowhere"
    assert ice.agent.deadline == 4.0
    ice.agent.handle_timer(3.9)
    assert ice.agent.is_validated(WIFI)
    ice.agent.handle_timer(4.0)
    assert not ice.agent.is_validated(WIFI)
    assert ice.agent.is_validated(CELLULAR)
    assert ice.agent.deadline == 11.2


def test_a_farewell_during_the_next_restart_takes_nothing_that_is_in_use(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    ice.renew()
    ice.check(CELLULAR, 1.0, nominate=True)
    ice.renew()
    ice.check(THIRD, 2.0)
    ice.agent.handle_timer(4.0)
    assert [ice.agent.is_validated(a) for a in (WIFI, CELLULAR, THIRD)] == [False, True, True]
    assert ice.agent.selected == CELLULAR


def test_media_of_the_old_generation_does_not_win_over_the_new_one(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    ice.check(THIRD, 0.0)
    ice.renew()
    ice.check(WIFI, 1.0)
    ice.agent.on_authenticated_media(THIRD, 1.5)
    assert ice.agent.selected == WIFI


def test_a_second_restart_replaces_the_unused_first(ice: Fixture) -> None:
    ice.check(WIFI, 0.0, nominate=True)
    first = ice.ours, ice.theirs
    ice.renew()
    second = ice.ours, ice.theirs
    ice.renew()
    ice.agent.receive(binding_request(second[1], second[0]), WIFI, 1.0)
    assert ice.drops == {"stun_bad_username": 1}
    ice.agent.receive(binding_request(first[1], first[0]), WIFI, 1.0)
    ice.check(WIFI, 1.0, nominate=True)
    assert ice.drops == {"stun_bad_username": 1}
    assert ice.agent.selected == WIFI


def test_restart_before_anything_was_used(ice: Fixture) -> None:
    first = ice.ours, ice.theirs
    ice.renew()
    ice.agent.receive(binding_request(first[1], first[0], nominate=True), WIFI, 1.0)
    assert ice.drops == {"stun_bad_username": 1}
    ice.check(WIFI, 1.0, nominate=True)
    assert ice.agent.selected == WIFI


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_nor_get_an_answer(data: bytes) -> None:
    agent = IceLiteAgent(IceCredentials("a" * 8, "p" * 24), IceCredentials("b" * 4, "q" * 24), Counter())
    agent.receive(data, WIFI, 1.0)
    assert agent.take_datagrams() == []
    assert not agent.is_validated(WIFI)


ADDRESSES = st.sampled_from([WIFI, CELLULAR, THIRD] + [("203.0.113.9", port) for port in range(20)])


@given(
    st.lists(
        st.tuples(st.sampled_from(["check", "nominate", "media", "dtls", "renew", "timer"]), ADDRESSES),
        max_size=40,
    )
)
def test_any_order_keeps_the_selected_address_validated(steps: list[tuple[str, Address]]) -> None:
    ice = Fixture()
    now = 0.0
    for step, address in steps:
        now += 0.3
        match step:
            case "check":
                ice.check(address, now)
            case "nominate":
                ice.check(address, now, nominate=True)
            case "media":
                ice.agent.on_authenticated_media(address, now)
            case "dtls":
                ice.agent.on_handshake(address, now)
            case "renew":
                ice.renew()
            case _:
                ice.agent.handle_timer(now)
        assert ice.agent.selected is None or ice.agent.is_validated(ice.agent.selected)
        assert not ice.drops

"""The controlling agent against a small lite server, in virtual time."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
from aioice import stun

from gateway.client.ice import CHECKING_TIMEOUT, CONSENT_TIMEOUT, IceControllingAgent, IceState
from gateway.protocol.description import Address, IceCredentials

CLIENT = IceCredentials("clnt", "c" * 24)
SERVER = IceCredentials("srvr", "s" * 24)
FIRST: Address = ("192.0.2.1", 8189)
SECOND: Address = ("198.51.100.7", 8189)


@pytest.fixture
def drops() -> Counter[str]:
    return Counter()


def agent(drops: Counter[str], *addresses: Address, now: float = 0.0) -> IceControllingAgent:
    return IceControllingAgent(CLIENT, SERVER, addresses, now, drops)


def respond(request: bytes, *, key: str = SERVER.pwd, error: int | None = None) -> bytes:
    parsed = stun.parse_message(request)
    kind = stun.Class.ERROR if error else stun.Class.RESPONSE
    attributes: dict[str, object] = {"XOR-MAPPED-ADDRESS": ("203.0.113.9", 40_000)}
    if error:
        attributes = {"ERROR-CODE": (error, "no")}
    response = stun.Message(stun.Method.BINDING, kind, parsed.transaction_id, attributes)
    response.add_message_integrity(key.encode())
    return bytes(response)


def connect(client: IceControllingAgent, address: Address = FIRST) -> None:
    for _ in range(2):
        [(request, _)] = [sent for sent in client.take_datagrams() if sent[1] == address]
        client.receive(respond(request), address, 0.01)


def test_a_check_carries_what_rfc_8445_asks_for(drops: Counter[str]) -> None:
    [(data, address)] = agent(drops, FIRST).take_datagrams()
    request = stun.parse_message(data)
    assert address == FIRST
    assert request.attributes["USERNAME"] == "srvr:clnt"
    assert request.attributes["PRIORITY"] > 0
    assert "ICE-CONTROLLING" in request.attributes
    assert "USE-CANDIDATE" not in request.attributes
    assert request.check_message_integrity(SERVER.pwd.encode())


def test_the_first_candidate_that_answers_is_nominated(drops: Counter[str]) -> None:
    client = agent(drops, FIRST, SECOND)
    client.handle_timer(0.05)
    sent = client.take_datagrams()
    assert [address for _, address in sent] == [FIRST, SECOND]
    client.receive(respond(sent[1][0]), SECOND, 0.06)
    assert client.state is IceState.CHECKING
    [(nomination, address)] = client.take_datagrams()
    assert address == SECOND
    assert "USE-CANDIDATE" in stun.parse_message(nomination).attributes
    client.receive(respond(nomination), SECOND, 0.07)
    assert (client.state, client.selected) == (IceState.CONNECTED, SECOND)
    assert client.round_trip == pytest.approx(0.01)


def test_a_lost_check_is_repeated_at_growing_intervals_and_given_up(drops: Counter[str]) -> None:
    client = agent(drops, FIRST)
    sent_at = [0.0]
    client.take_datagrams()
    while (due := client.next_timer()) is not None:
        client.handle_timer(due)
        sent_at += [due for _ in client.take_datagrams()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent_at)]
    assert gaps[:5] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])
    assert max(gaps) == pytest.approx(1.6)
    assert client.state is IceState.FAILED
    assert sent_at[-1] < CHECKING_TIMEOUT


@pytest.mark.parametrize(
    ("forge", "counter"),
    [
        (lambda request: respond(request, key="x" * 24), "client_stun_bad_integrity"),
        (lambda request: respond(request)[:30], "client_stun_malformed"),
        (lambda request: respond(request, error=401), "client_stun_refused"),
        (
            lambda request: respond(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))),
            "client_stun_unexpected",
        ),
    ],
)
def test_what_does_not_answer_our_check_connects_nothing(
    drops: Counter[str], forge: Callable[[bytes], bytes], counter: str
) -> None:
    client = agent(drops, FIRST)
    [(request, _)] = client.take_datagrams()
    client.receive(forge(request), FIRST, 0.01)
    assert client.take_datagrams() == []
    assert client.state is IceState.CHECKING
    assert drops == {counter: 1}


def test_an_answer_from_elsewhere_is_not_taken(drops: Counter[str]) -> None:
    client = agent(drops, FIRST)
    [(request, _)] = client.take_datagrams()
    client.receive(respond(request), SECOND, 0.01)
    assert client.take_datagrams() == []
    assert drops == {"client_stun_unexpected": 1}


def test_consent_is_refreshed_and_its_loss_ends_the_session(drops: Counter[str]) -> None:
    client = agent(drops, FIRST)
    connect(client)
    now = 0.01
    for _ in range(4):
        due = client.next_timer()
        assert due is not None
        assert 1.9 <= due - now <= 3.1
        now = due
        client.handle_timer(now)
        [(request, _)] = client.take_datagrams()
        client.receive(respond(request), FIRST, now)
    last_answer = now
    while client.state is IceState.CONNECTED:
        due = client.next_timer()
        assert due is not None
        now = due
        client.handle_timer(now)
        client.take_datagrams()
    assert client.state is IceState.FAILED
    assert now - last_answer == pytest.approx(CONSENT_TIMEOUT)
    assert client.next_timer() is None


def test_a_full_peers_check_is_answered_when_it_is_signed_for_us(drops: Counter[str]) -> None:
    client = agent(drops, FIRST)
    client.take_datagrams()
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "clnt:srvr"})
    request.add_message_integrity(CLIENT.pwd.encode())
    client.receive(bytes(request), FIRST, 0.0)
    [(data, address)] = client.take_datagrams()
    response = stun.parse_message(data)
    assert address == FIRST
    assert response.transaction_id == request.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == FIRST
    assert response.check_message_integrity(CLIENT.pwd.encode())

    request.add_message_integrity(SERVER.pwd.encode())
    client.receive(bytes(request), FIRST, 0.0)
    assert client.take_datagrams() == []
    assert drops == {"client_stun_bad_integrity": 1}


def test_closed_stays_closed(drops: Counter[str]) -> None:
    client = agent(drops, FIRST)
    client.close()
    client.take_datagrams()
    client.handle_timer(100.0)
    client.close()
    assert client.state is IceState.CLOSED
    assert client.take_datagrams() == []

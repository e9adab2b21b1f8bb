"""Whose datagram is it? By ufrag first, by proven address after."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from ifaddr import get_adapters

from gateway.clock import ManualClock
from gateway.protocol.description import Address, IceCredentials
from gateway.transport import udp_mux
from gateway.transport.udp_mux import ADDRESSES_PER_PEER, UdpMux, open_media_socket
from tests.components import real_component
from tests.unit.protocol.controlling_peer import binding_request, receiver_report, rtp

HERE: Address = ("192.0.2.1", 1_000)
THERE: Address = ("192.0.2.2", 2_000)
DTLS = b"\x16\xfe\xfd" + bytes(20)


class FakePeer:
    def __init__(self) -> None:
        self.addresses: list[Address] = []
        self.got: list[tuple[str, Address]] = []
        self.times: list[float] = []
        self.proves = True
        self.held: set[Address] = set()
        self.on_check: Callable[[], None] = lambda: None

    def on_control(self, data: bytes, address: Address, now: float) -> bool:
        self.got.append(("control", address))
        self.on_check()
        return self.proves

    def holds(self, address: Address, now: float) -> bool:
        return address in self.held

    def on_rtp(self, data: bytes, address: Address, now: float) -> None:
        self.got.append(("rtp", address))
        self.times.append(now)

    def on_rtcp(self, data: bytes, address: Address, now: float) -> None:
        self.got.append(("rtcp", address))


def check(ufrag: str) -> bytes:
    return binding_request(IceCredentials("them", "t" * 22), IceCredentials(ufrag, "p" * 22))


class Rig:
    """A mux on a real socket, handed datagrams past it."""

    def __init__(self) -> None:
        self.drops: Counter[str] = Counter()
        self.batches: list[float] = []
        self.sock = open_media_socket("127.0.0.1", 0)
        self.clock = ManualClock()
        self.mux = UdpMux(self.sock, self.clock, self.drops, self.batches.append)

    def peer(self, ufrag: str) -> FakePeer:
        peer = FakePeer()
        self.mux.add(ufrag, peer)
        return peer

    def feed(self, data: bytes, address: Address = HERE) -> None:
        self.mux._dispatch(data, address, 0.0)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    rig.mux.stop()
    rig.sock.close()


async def test_what_belongs_to_nobody_is_counted_by_kind(rig: Rig) -> None:
    rig.peer("ours")
    rig.feed(check("other"))
    rig.feed(b"\x00\x01\x00\x00" + bytes(16))
    for data in (rtp(1), receiver_report(), DTLS, b"\xff\xff"):
        rig.feed(data)
    assert rig.drops == {"stun_unknown_ufrag": 2, "datagram_unknown_address": 4}


async def test_a_proven_address_leads_to_its_peer(rig: Rig) -> None:
    peer = rig.peer("ours")
    peer.proves = False
    rig.feed(check("ours"))
    rig.feed(rtp(1))
    assert rig.drops == {"datagram_unknown_address": 1}
    peer.proves = True
    rig.feed(check("ours"))
    for data in (rtp(1), receiver_report(), DTLS, b"\xff\xff"):
        rig.feed(data)
    assert [kind for kind, _ in peer.got] == ["control", "control", "rtp", "rtcp", "control"]
    assert rig.drops == {"datagram_unknown_address": 1, "datagram_unknown_kind": 1}
    assert peer.addresses == [HERE]


async def test_an_address_changes_hands_only_by_proof(rig: Rig) -> None:
    owner, thief = rig.peer("owner"), rig.peer("thief")
    rig.feed(check("owner"))
    thief.proves = False
    rig.feed(check("thief"))
    rig.feed(rtp(1))
    assert owner.got[-1] == ("rtp", HERE)
    thief.proves = True
    rig.feed(check("thief"))
    rig.feed(rtp(2))
    assert thief.got[-1] == ("rtp", HERE)
    assert (owner.addresses, thief.addresses) == ([], [HERE])
    rig.mux.remove(owner)
    rig.feed(rtp(3))
    assert len([kind for kind, _ in thief.got if kind == "rtp"]) == 2


async def test_an_address_that_is_alive_does_not_change_hands_even_by_proof(rig: Rig) -> None:
    owner, forger = rig.peer("owner"), rig.peer("forger")
    rig.feed(check("owner"))
    owner.held.add(HERE)
    rig.feed(check("forger"))
    assert forger.got == [], "not even answered"
    assert rig.drops == {"stun_address_in_use": 1}
    rig.feed(check("owner"))
    rig.feed(check("forger"), THERE)
    owner.held.clear()
    rig.feed(check("forger"))
    assert (owner.addresses, forger.addresses) == ([], [THERE, HERE])


async def test_a_peer_has_few_addresses_and_keeps_the_one_in_use(rig: Rig) -> None:
    peer = rig.peer("ours")
    rig.feed(check("ours"), HERE)
    for port in range(3 * ADDRESSES_PER_PEER):
        rig.feed(check("ours"), ("198.51.100.1", port))
        rig.feed(check("ours"), HERE)  # its keep-alive
        rig.feed(rtp(port), HERE)
    assert len(peer.addresses) == ADDRESSES_PER_PEER == len(rig.mux._by_address)
    assert peer.got.count(("rtp", HERE)) == 3 * ADDRESSES_PER_PEER
    assert rig.drops == {}


async def test_the_address_that_carries_media_stays_though_checks_come_from_many_others(rig: Rig) -> None:
    peer = rig.peer("ours")
    rig.feed(check("ours"), HERE)
    peer.held.add(HERE)
    for port in range(3 * ADDRESSES_PER_PEER):
        rig.feed(check("ours"), ("198.51.100.1", port))
        rig.feed(rtp(port), HERE)
    assert peer.got.count(("rtp", HERE)) == 3 * ADDRESSES_PER_PEER
    assert len(peer.addresses) == ADDRESSES_PER_PEER == len(rig.mux._by_address)
    assert set(peer.addresses) == set(rig.mux._by_address)
    assert rig.drops == {}


async def test_a_peer_has_several_ufrags_and_leaves_no_trace(rig: Rig) -> None:
    peer, other = rig.peer("first"), rig.peer("other")
    rig.mux.add("second", peer)
    rig.feed(check("first"), HERE)
    rig.feed(check("second"), THERE)
    rig.mux.remove(peer)
    rig.mux.remove(peer)
    assert (rig.mux._by_ufrag, rig.mux._by_address, peer.addresses) == ({"other": other}, {}, [])


async def test_one_who_is_removed_by_what_it_takes_is_not_learned(rig: Rig) -> None:
    peer = rig.peer("ours")
    peer.on_check = lambda: rig.mux.remove(peer)
    rig.feed(check("ours"))
    assert rig.mux._by_address == {}
    assert peer.addresses == []


async def test_the_socket_is_read_empty_in_bounded_batches(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_mux, "BATCH", 10)
    peer = rig.peer("ours")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        target = rig.sock.getsockname()
        client.sendto(check("ours"), target)
        for sequence in range(25):
            client.sendto(rtp(sequence), target)
        rig.mux.start()
        for _ in range(200):
            if rig.mux.received == 26:
                break
            await asyncio.sleep(0.005)
    assert [kind for kind, _ in peer.got] == ["control"] + ["rtp"] * 25
    assert rig.batches == [rig.clock.monotonic()] * 3
    assert rig.mux.received == 26
    rig.mux.stop()
    rig.mux.stop()


@pytest.mark.parametrize(
    ("late", "told"),
    [
        pytest.param(0.5, 0.5, id="read half a second late"),
        pytest.param(-5.0, 0.0, id="clock set back since"),
        pytest.param(3_600.0, 0.0, id="clock set forward since"),
    ],
)
async def test_a_packet_came_when_it_reached_the_socket(rig: Rig, late: float, told: float) -> None:
    rig.mux._clock = ManualClock(monotonic=100.0, epoch=time.time() + late)
    peer = rig.peer("ours")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        rig.feed(check("ours"), client.getsockname())
        client.sendto(rtp(1), rig.sock.getsockname())
        rig.mux._readable()
    assert peer.times == [pytest.approx(100.0 - told, abs=0.1)]
    assert rig.batches == [100.0]


async def test_an_icmp_error_does_not_stop_the_reading() -> None:
    answers: list[OSError | tuple[bytes, Address]] = [
        OSError(111, "refused"),
        (check("ours"), HERE),
        BlockingIOError(),
    ]

    class Complaining:
        def recvmsg(self, size: int, ancillary: int) -> tuple[bytes, list[object], int, Address]:
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer[0], [], 0, answer[1]

    drops: Counter[str] = Counter()
    batches: list[float] = []
    mux = UdpMux(Complaining(), ManualClock(), drops, batches.append)  # type: ignore[arg-type]
    peer = FakePeer()
    mux.add("ours", peer)
    mux._readable()
    assert peer.got == [("control", HERE)]
    assert drops == {"ingress_socket_error": 1}
    assert len(batches) == 1


async def test_stop_after_the_socket_is_closed_is_harmless() -> None:
    rig = Rig()
    rig.mux.start()
    rig.mux.stop()
    rig.sock.close()
    rig.mux.stop()


def test_a_port_in_use_is_an_error_and_leaks_no_socket() -> None:
    first = open_media_socket("127.0.0.1", 0)
    try:
        with pytest.raises(OSError, match="in use"):
            open_media_socket("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()


def test_ipv6_addresses_get_an_ipv6_socket() -> None:
    addresses = {ip.ip[0] for adapter in get_adapters() for ip in adapter.ips if ip.is_IPv6}
    real_component("IPv6 loopback", "::1" in addresses)
    sock = open_media_socket("::1", 0)
    assert sock.family is socket.AF_INET6
    assert not sock.getblocking()
    sock.close()


async def test_a_defect_met_by_one_peer_costs_the_others_nothing(rig: Rig) -> None:
    broken, fine = rig.peer("broken"), rig.peer("fine")

    def defect() -> None:
        raise ZeroDivisionError

    broken.on_check = defect
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for ufrag in ("broken", "fine", "broken"):
            client.sendto(check(ufrag), rig.sock.getsockname())
        rig.mux.start()
        for _ in range(200):
            if rig.mux.received == 3:
                break
            await asyncio.sleep(0.005)
    assert rig.drops == {"datagram_defect": 2}
    assert len(fine.got) == 1
    assert rig.batches

"""The shell of one peer: events at once, one timer, one end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.clock import ManualClock
from gateway.protocol.description import Address, IceCredentials
from gateway.protocol.peer import (
    AddressChanged,
    Closed,
    Connected,
    Disconnected,
    Failed,
    PeerEvent,
    Reconnected,
)
from gateway.protocol.srtp import SrtpError
from gateway.transport.peer_driver import PeerDriver

HERE: Address = ("192.0.2.1", 1_000)


class Outbound:
    """Seals by a prefix; refuses on demand."""

    refuses = False

    def protect_rtcp(self, packet: bytes) -> bytes:
        if self.refuses:
            raise SrtpError("exhausted")
        return b"sealed " + packet

    def protect_rtp(self, packet: bytes, index: int) -> bytes:
        return self.protect_rtcp(packet)


class ScriptedPeer:
    """Does what the test lined up."""

    def __init__(self) -> None:
        self.events: list[PeerEvent] = []
        self.datagrams: list[tuple[bytes, Address]] = []
        self.outbound: Outbound | None = None
        self.address: Address | None = None
        self.timer: float | None = None
        self.fired: list[float] = []
        self.upcoming: list[PeerEvent] = []
        self.closed = 0

    def _step(self) -> None:
        self.events += self.upcoming
        self.upcoming = []

    def receive(self, data: bytes, address: Address, now: float) -> bool:
        self._step()
        self.datagrams.append((b"answer", address))
        return data == b"right"

    def unprotect_rtp(self, data: bytes, address: Address, now: float) -> bytes | None:
        self._step()
        return None if data == b"wrong" else b"clear " + data

    unprotect_rtcp = unprotect_rtp

    @property
    def has_events(self) -> bool:
        return bool(self.events)

    def take_events(self) -> list[PeerEvent]:
        taken, self.events = self.events, []
        return taken

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        taken, self.datagrams = self.datagrams, []
        return taken

    def next_timer(self) -> float | None:
        return self.timer

    def handle_timer(self, now: float) -> None:
        self.fired.append(now)
        self.timer = None
        self._step()

    def restart_ice(self, local: IceCredentials, remote: IceCredentials) -> None:
        self.datagrams.append((b"restarted", HERE))

    def close(self) -> None:
        self.closed += 1
        self.datagrams.append((b"close_notify", HERE))
        self.events.append(Closed("local"))


class Recorder:
    """Egress, mux and endpoint in one: what the driver does to each, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.due = 0.0
        self.sooner: float | None = None

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))

    def on_timer(self, now: float) -> float:
        self.calls.append(("on_timer", now))
        return self.due

    def next_timer(self) -> float | None:
        return self.sooner

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]


class Rig:
    def __init__(self) -> None:
        self.peer, self.endpoint, self.mux, self.egress = ScriptedPeer(), Recorder(), Recorder(), Recorder()
        self.clock, self.drops = ManualClock(100.0), Counter[str]()
        self.endpoint.due = float("inf")
        self.driver = PeerDriver(
            self.peer,  # type: ignore[arg-type]
            self.endpoint,
            "ufrag",
            self.mux,  # type: ignore[arg-type]
            self.egress,  # type: ignore[arg-type]
            self.clock,
            self.drops,
        )

    def connect(self) -> None:
        self.peer.outbound, self.peer.address = Outbound(), HERE
        self.happens(Connected())

    def happens(self, *events: PeerEvent) -> None:
        self.peer.upcoming += events
        self.driver.on_control(b"", HERE, 100.0)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    rig.driver.close("end of the test")


async def test_control_is_answered_and_proof_passed_on(rig: Rig) -> None:
    assert rig.driver.on_control(b"right", HERE, 100.0)
    assert not rig.driver.on_control(b"wrong", HERE, 100.0)
    assert rig.egress.named("send") == [(b"answer", HERE)] * 2
    assert rig.mux.named("add") == [("ufrag", rig.driver)]


async def test_media_reaches_the_endpoint_once_it_is_clear(rig: Rig) -> None:
    rig.driver.on_rtp(b"a", HERE, 1.0)
    rig.driver.on_rtp(b"wrong", HERE, 2.0)
    rig.driver.on_rtcp(b"b", HERE, 3.0)
    rig.driver.on_rtcp(b"wrong", HERE, 4.0)
    assert rig.endpoint.calls == [("on_rtp", b"clear a", 1.0), ("on_rtcp", b"clear b", 3.0)]


async def test_connected_starts_the_endpoint(rig: Rig) -> None:
    rig.connect()
    assert rig.endpoint.calls == [
        ("connected", rig.driver, rig.peer.outbound, HERE, 100.0),
        ("on_timer", 100.0),
    ]


@pytest.mark.parametrize("path", ["on_rtp", "on_rtcp"])
@pytest.mark.parametrize("data", [b"media", b"wrong"])
async def test_what_media_tells_of_the_peer_is_acted_on_at_once(rig: Rig, path: str, data: bytes) -> None:
    rig.connect()
    rig.endpoint.calls.clear()
    rig.peer.upcoming = [AddressChanged(("192.0.2.9", 9)), Disconnected(), Reconnected()]
    getattr(rig.driver, path)(data, HERE, 101.0)
    expected = [("moved", ("192.0.2.9", 9)), ("lost",), ("found",)]
    assert [call for call in rig.endpoint.calls if call[0] != path] == expected


@pytest.mark.parametrize("event", [Failed("consent_lost"), Closed("peer")])
async def test_the_peers_end_is_the_sessions_end(rig: Rig, event: Failed | Closed) -> None:
    rig.connect()
    rig.happens(event)
    assert rig.driver.closed.result() == event.reason
    assert rig.endpoint.named("ended") == [(100.0,)]
    assert rig.mux.named("remove") == [(rig.driver,)]


async def test_close_says_goodbye_in_order_and_only_once(rig: Rig) -> None:
    rig.connect()
    rig.egress.calls.clear()
    rig.driver.close("expired")
    rig.driver.close("again")
    rig.driver.on_control(b"", HERE, 101.0)
    assert rig.driver.closed.result() == "expired"
    assert rig.endpoint.named("ended") == [(100.0,)]
    assert rig.peer.closed == 1
    assert rig.egress.named("send")[0] == (b"close_notify", HERE)
    assert rig.mux.named("remove") == [(rig.driver,)]
    assert rig.driver._timer is None or rig.driver._timer.cancelled()


async def test_nobody_waiting_for_the_end_any_more_is_fine(rig: Rig) -> None:
    rig.driver.closed.cancel()
    rig.driver.close("expired")
    assert rig.endpoint.named("ended") == [(100.0,)]


async def test_sending_is_sealed_and_never_raises(rig: Rig) -> None:
    rig.driver.send_rtcp(b"rr")
    rig.driver.send_rtp(b"rtp", 1)
    assert rig.drops == {"rtcp_without_peer": 1, "rtp_without_peer": 1}
    rig.connect()
    rig.egress.calls.clear()
    rig.driver.send_rtcp(b"rr")
    rig.driver.send_rtp(b"rtp", 1)
    assert rig.egress.named("send") == [(b"sealed rr", HERE), (b"sealed rtp", HERE)]
    assert rig.peer.outbound is not None
    rig.peer.outbound.refuses = True
    rig.driver.send_rtcp(b"rr")
    rig.driver.send_rtp(b"rtp", 1)
    assert rig.drops["srtcp_protect_exhausted"] == rig.drops["srtp_protect_exhausted"] == 1


async def test_an_ice_restart_opens_another_ufrag(rig: Rig) -> None:
    rig.driver.restart_ice(IceCredentials("new", "n" * 22), IceCredentials("them", "t" * 22))
    assert rig.mux.named("add") == [("ufrag", rig.driver), ("new", rig.driver)]
    assert rig.egress.named("send") == [(b"restarted", HERE)]


async def test_a_viewers_wish_is_handed_on(rig: Rig) -> None:
    rig.driver.select_layer("m", 360)
    rig.driver.select_camera("microscope", "2")
    assert rig.endpoint.named("select_layer") == [("m", 360, None, 100.0)]
    assert rig.endpoint.named("select_camera") == [("microscope", "2", 100.0)]


async def test_an_endpoint_in_a_hurry_gets_its_timer_after_rtcp(rig: Rig) -> None:
    rig.endpoint.sooner = 100.0
    rig.driver.on_rtcp(b"feedback", HERE, 100.0)
    await asyncio.sleep(0.01)
    assert rig.endpoint.named("on_timer") == [(100.0,)]


async def test_one_timer_for_whoever_is_due_first(rig: Rig) -> None:
    rig.peer.timer = 100.0
    rig.driver.on_control(b"", HERE, 100.0)
    armed = rig.driver._timer
    rig.driver.on_control(b"", HERE, 100.0)
    assert rig.driver._timer is armed, "armed anew only when the time changed"
    await asyncio.sleep(0.01)
    assert rig.peer.fired == [100.0]
    assert rig.driver._timer is None, "nothing is due"
    assert rig.endpoint.named("on_timer") == [], "not connected yet"
    rig.endpoint.due = 100.005
    rig.connect()
    rig.peer.timer = 500.0
    rig.driver.on_control(b"", HERE, 100.0)
    rig.clock.advance(0.01)
    rig.endpoint.due = 900.0
    await asyncio.sleep(0.02)
    assert len(rig.endpoint.named("on_timer")) == 2
    assert rig.driver._timer_at == 900.0


async def test_an_endpoint_that_closes_from_its_timer(rig: Rig) -> None:
    rig.connect()
    rig.endpoint.__dict__["on_timer"] = lambda now: (rig.driver.close("publisher_gone"), now)[1]
    rig.driver._endpoint_due = 100.0
    rig.driver._on_timer()
    assert rig.driver.closed.result() == "publisher_gone"
    assert rig.driver._timer is None


async def test_a_timer_that_ends_the_peer(rig: Rig) -> None:
    rig.peer.upcoming = [Failed("ice_timeout")]
    rig.driver._on_timer()
    assert rig.driver.closed.result() == "ice_timeout"
    assert rig.endpoint.named("on_timer") == []

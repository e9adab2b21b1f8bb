"""The media plane on loopback: sessions open, carry media, and end without a trace."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from gateway.clock import SystemClock
from gateway.errors import GatewayError
from gateway.protocol.description import (
    DtlsRole,
    Fingerprint,
    IceCredentials,
    MediaKind,
    NegotiatedSession,
)
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.rtcp import Bye, PictureLossIndication, ReceiverReport, SenderReport
from gateway.sfu.state import PublisherState, ViewerState
from gateway.signalling.ports import SessionKind, SessionSpec
from gateway.transport import media_plane as module
from gateway.transport.media_plane import UdpMediaPlane, host_candidates, own_addresses
from tests.unit.protocol.controlling_peer import binding_request
from tests.unit.sfu.fakes import OPUS, VP8, audio_media, marks, opus, video_media, vp8
from tests.unit.transport.loopback_peer import LoopbackPeer, until


class Rig:
    def __init__(self, patience: float = 60.0) -> None:
        self.drops: Counter[str] = Counter()
        self.changes: list[str] = []
        self.plane = UdpMediaPlane("127.0.0.1", 0, ["203.0.113.5"], SystemClock(), self.drops, patience)
        self.layer_changes: list[str] = []
        self.plane.on_change(self.changes.append)
        self.plane.on_layer_change(self.layer_changes.append)
        self.plane.start()
        self.sequence = 0

    async def publisher(self, **more: str) -> LoopbackPeer:
        peer = LoopbackPeer(self.plane, SessionKind.WHIP, video_media(), audio_media(), **more)
        await until(lambda: peer.connected, peer)
        return peer

    async def viewer(self, **more: str) -> LoopbackPeer:
        peer = LoopbackPeer(self.plane, SessionKind.WHEP, video_media(), audio_media(), **more)
        await until(lambda: peer.connected and peer.driver._peer.outbound, peer)
        return peer

    def speak(self, publisher: LoopbackPeer, count: int = 1, *, keyframe: bool = False) -> list[int]:
        sent = []
        for _ in range(count):
            self.sequence += 1
            publisher.send_rtp(vp8(self.sequence, keyframe=keyframe), self.sequence)
            sent.append(self.sequence)
        return sent

    async def play(self, publisher: LoopbackPeer, *viewers: LoopbackPeer) -> None:
        """Keyframes until everybody sees the picture; then nobody has anything to read."""
        seen = [len(viewer.rtp) for viewer in viewers]

        def everybody_sees() -> bool:
            self.speak(publisher, keyframe=True)
            return all(len(viewer.rtp) > before for viewer, before in zip(viewers, seen, strict=True))

        await until(everybody_sees, publisher, *viewers)
        last = self.speak(publisher)
        await until(lambda: all(marks(v.rtp[-1:]) == last for v in viewers), publisher, *viewers)
        for viewer in viewers:
            viewer.rtp.clear()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    rig.plane.stop()
    await asyncio.sleep(0)


def test_candidates_are_announced_best_first() -> None:
    first, second = host_candidates(["192.0.2.1", "192.0.2.2"], 3478)
    assert (first.host, second.host, first.port, first.type) == ("192.0.2.1", "192.0.2.2", 3478, "host")
    assert first.priority > second.priority
    assert first.priority == 126 << 24 | 0xFFFF << 8 | 255
    assert first.foundation != second.foundation


class Adapter:
    def __init__(self, *addresses: object) -> None:
        self.ips = [type("Ip", (), {"ip": address})() for address in addresses]


@pytest.mark.parametrize(
    ("host", "announced"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("192.0.2.77", ["192.0.2.77"]),
        ("0.0.0.0", ["192.0.2.1", "192.0.2.2"]),
        ("::", ["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
    ],
)
def test_own_addresses(host: str, announced: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = [
        Adapter("127.0.0.1", ("::1", 0, 0), ("fe80::1", 0, 2), ("2001:db8::1", 0, 0)),
        Adapter("192.0.2.1", "169.254.1.1", "192.0.2.2"),
    ]
    monkeypatch.setattr(module.ifaddr, "get_adapters", lambda: adapters)
    assert own_addresses(host) == announced


def test_a_machine_without_a_network_announces_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.ifaddr, "get_adapters", list)
    assert own_addresses("0.0.0.0") == ["127.0.0.1"]


async def test_media_flows_from_a_publisher_to_viewers(rig: Rig) -> None:
    assert [candidate.host for candidate in rig.plane.candidates] == ["203.0.113.5"]
    publisher, viewers = await rig.publisher(), [await rig.viewer(), await rig.viewer()]
    assert rig.plane.published("order", "main") is None, "no media yet"
    await rig.play(publisher, *viewers)
    sent = rig.speak(publisher, 20)
    await until(lambda: all(len(viewer.rtp) >= 20 for viewer in viewers), publisher, *viewers)
    for viewer in viewers:
        assert marks(viewer.rtp) == sent
        await until(lambda v=viewer: any(isinstance(x, SenderReport) for x in v.rtcp), publisher, *viewers)
    await until(lambda: any(isinstance(x, ReceiverReport) for x in publisher.rtcp), publisher, *viewers)
    assert rig.plane.published("order", "main") == {MediaKind.VIDEO: VP8, MediaKind.AUDIO: OPUS}
    (camera,) = rig.plane.cameras("order")
    assert (camera.name, camera.live, camera.codec) == ("main", True, "VP8")
    assert rig.plane.viewers("order") == 2
    assert rig.changes.count("order") >= 3
    assert rig.plane.max_segments >= 1
    assert rig.plane.datagrams_received > 25
    assert [name for name in rig.drops if "srtp" in name or "rtp_" in name] == []


async def test_what_is_unknown_is_empty(rig: Rig) -> None:
    assert rig.plane.published("nowhere", "main") is None
    assert rig.plane.cameras("nowhere") == []
    assert rig.plane.viewers("nowhere") == 0
    peer = await rig.viewer()
    assert rig.plane.published("order", "main") is None
    assert rig.plane.published("order", "other") is None
    peer.driver.close("done")


async def test_a_publisher_comes_back_and_the_viewers_session_goes_on(rig: Rig) -> None:
    first, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(first, viewer)
    first.driver.close("gone")
    await until(lambda: first.ended, first)
    assert rig.plane.published("order", "main") is None
    rig.sequence = 0
    second = await rig.publisher()
    await rig.play(second, viewer)
    assert not viewer.driver.closed.done()
    assert rig.plane.published("order", "main") is not None


async def test_a_viewer_leaves_with_goodbye_and_leaves_nothing(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    driver = viewer.driver
    viewer.driver.close("expired")
    assert await driver.closed == "expired"
    await until(lambda: viewer.ended, viewer)
    assert any(isinstance(packet, Bye) for packet in viewer.rtcp)
    assert rig.plane.viewers("order") == 0
    gone = weakref.ref(driver)
    gc.collect()
    gc.disable()
    try:
        del driver, viewer.driver
        await asyncio.sleep(0.01)
        assert gone() is None, "kept alive"
    finally:
        gc.enable()
    publisher.driver.close("done")
    await asyncio.sleep(0.01)
    assert rig.plane.rooms.all() == []
    assert len(rig.plane._drivers) == 0
    assert (rig.plane._mux._by_ufrag, rig.plane._mux._by_address) == ({}, {})


async def test_nothing_of_an_ended_publisher_stays(rig: Rig) -> None:
    publisher = await rig.publisher()
    await rig.play(publisher)
    driver = publisher.driver
    gone = [weakref.ref(driver), weakref.ref(driver._endpoint._publisher)]  # type: ignore[attr-defined]
    driver.close("done")
    gc.collect()
    gc.disable()
    try:
        del driver, publisher.driver
        await asyncio.sleep(0.01)
        assert [reference() for reference in gone] == [None, None], "kept alive"
    finally:
        gc.enable()


async def test_the_peer_may_hang_up(rig: Rig) -> None:
    viewer = await rig.viewer()
    viewer.connection.close()
    viewer.drain()
    await until(viewer.driver.closed.done, viewer)
    assert viewer.driver.closed.result() == "peer"
    assert rig.plane.rooms.all() == []


async def test_viewers_wait_for_a_publisher_only_so_long() -> None:
    rig = Rig(patience=0.05)
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    publisher.driver.close("gone")
    await until(viewer.driver.closed.done, viewer)
    assert viewer.driver.closed.result() == "publisher_gone"
    rig.plane.stop()


async def test_a_publisher_who_takes_over_is_not_ended_by_the_zombie(rig: Rig) -> None:
    zombie, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(zombie, viewer)
    rig.sequence = 0
    successor = await rig.publisher()
    await rig.play(successor, viewer)
    zombie.driver.close("at last")
    sent = rig.speak(successor, 3)
    await until(lambda: len(viewer.rtp) >= 3, successor, viewer)
    assert marks(viewer.rtp) == sent
    assert rig.plane.published("order", "main") is not None


async def test_a_viewer_who_moves_is_followed(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    viewer.move()
    check = binding_request(viewer.ours, viewer.theirs)  # proves the new address, nominates nothing
    await asyncio.sleep(0.15)
    viewer.sock.sendto(check, viewer.gateway)
    viewer.send_rtcp(PictureLossIndication(1, 0x1000).encode())  # the media that moves it
    here = viewer.sock.getsockname()
    (place,) = rig.plane.rooms.all()
    (subscriber,) = place.camera("main").subscribers
    await until(lambda: subscriber.down_tracks[0].address == here, publisher)
    sent = rig.speak(publisher, 3)
    await until(lambda: marks(viewer.rtp)[-3:] == sent, viewer, publisher)


async def test_ice_restarts_in_mid_session(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    ours, theirs = new_ice_credentials(), new_ice_credentials()
    viewer.driver.restart_ice(theirs, ours)
    viewer.sock.sendto(binding_request(ours, theirs, nominate=True), viewer.gateway)
    sent = rig.speak(publisher, 3)
    await until(lambda: len(viewer.rtp) >= 3, publisher, viewer)
    assert marks(viewer.rtp) == sent
    assert theirs.ufrag in rig.plane._mux._by_ufrag


async def test_media_from_a_viewer_is_dropped(rig: Rig) -> None:
    viewer = await rig.viewer()
    viewer.send_rtp(opus(1), 1)
    await until(lambda: rig.drops["rtp_from_viewer"] == 1, viewer)


async def test_a_flood_with_wrong_passwords_does_not_stop_a_stream(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    forged = [
        binding_request(publisher.ours, publisher.theirs, password="guess", nominate=True),
        binding_request(IceCredentials("them", "t" * 22), IceCredentials("nobody", "n" * 22)),
        b"\x00\x01\x00\x08" + bytes(24),
        b"\x16\xfe\xfd" + bytes(40),
        vp8(9, keyframe=True),
    ]
    sent = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        flood.bind(("127.0.0.1", 0))
        for round_ in range(200):
            for datagram in forged:
                flood.sendto(datagram, publisher.gateway)
            sent += rig.speak(publisher)
            publisher.pump()
            viewer.pump()
            await asyncio.sleep(0.001 if round_ % 4 else 0.004)
    await until(lambda: len(viewer.rtp) >= 200, publisher, viewer)
    assert marks(viewer.rtp) == sent
    assert rig.drops["stun_bad_integrity"] == 200
    assert rig.drops["stun_unknown_ufrag"] >= 400 - 10
    assert rig.drops["datagram_unknown_address"] == 400


async def test_a_session_that_cannot_be_carried_leaves_nothing_behind(rig: Rig) -> None:
    await rig.viewer(order="good")
    with pytest.raises(GatewayError):
        unusable(rig.plane)
    assert [room.order_id for room in rig.plane.rooms.all()] == ["good"]
    assert len(rig.plane._drivers) == 1


def unusable(plane: UdpMediaPlane) -> None:
    """Open a session whose certificate nobody can check."""
    ice = new_ice_credentials()
    negotiated = NegotiatedSession((video_media(),), ice, (Fingerprint("md2", "00"),), DtlsRole.SERVER)
    plane.open(
        SessionSpec(
            session_id="s",
            kind=SessionKind.WHEP,
            order_id="bad",
            camera="main",
            subject="x",
            negotiated=negotiated,
            local_ice=ice,
        )
    )


async def test_changes_are_told_once_and_outside_the_packet_path(rig: Rig) -> None:
    await rig.viewer(order="one")
    await asyncio.sleep(0.01)
    rig.changes.clear()
    for _ in range(5):
        rig.plane.rooms.changed("one")
    assert rig.changes == []
    await asyncio.sleep(0.01)
    assert rig.changes == ["one"]


async def test_stop_ends_every_session_and_can_be_repeated() -> None:
    rig = Rig()
    publisher, viewer = await rig.publisher(), await rig.viewer()
    rig.plane.stop()
    rig.plane.stop()
    assert publisher.driver.closed.result() == viewer.driver.closed.result() == "shutdown"
    await until(lambda: publisher.ended and viewer.ended, publisher, viewer)
    await asyncio.sleep(0.01)
    assert rig.plane.rooms.all() == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", rig.plane.port))


async def test_an_address_proven_earlier_is_not_taken_back_with_a_wrong_password(rig: Rig) -> None:
    publisher, former, owner = await rig.publisher(), await rig.viewer(), await rig.viewer()
    await rig.play(publisher, former, owner)
    here = owner.sock.getsockname()
    leads_to = rig.plane._mux._by_address

    async def send(who: LoopbackPeer, password: str | None = None) -> None:
        received = rig.plane.datagrams_received
        owner.sock.sendto(binding_request(who.ours, who.theirs, password=password), owner.gateway)
        await until(lambda: rig.plane.datagrams_received > received)

    await send(former)  # who once sat at this address
    assert leads_to[here] is former.driver
    await send(owner)
    assert leads_to[here] is owner.driver
    await send(former, password="guess")
    assert leads_to[here] is owner.driver


async def test_who_plays_what_is_told_and_shown(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    before = viewer.driver.state()
    assert isinstance(before, ViewerState)
    assert before.layer is None
    await rig.play(publisher, viewer)
    await asyncio.sleep(0)
    assert set(rig.layer_changes) == {"s"}
    playing = viewer.driver.state()
    assert isinstance(playing, ViewerState)
    assert playing.layer is not None
    assert (playing.layer.live, playing.camera) == (True, "main")
    rig.layer_changes.clear()
    viewer.driver.select_layer("f", 360)
    await asyncio.sleep(0)
    assert rig.layer_changes == ["s"]
    wished = viewer.driver.state()
    assert isinstance(wished, ViewerState)
    assert (wished.rid, wished.max_height) == ("f", 360)
    sent = publisher.driver.state()
    assert isinstance(sent, PublisherState)
    assert (sent.camera, len(sent.layers)) == ("main", 1)

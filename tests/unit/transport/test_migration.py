"""Addresses that change in mid-session, and those who would profit: real sockets, ICE, DTLS and SRTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.protocol.ice import HELD_FOR
from gateway.protocol.rtcp import Nack, ReceiverReport
from tests.unit.protocol.controlling_peer import binding_request, receiver_report
from tests.unit.sfu.fakes import marks, opus
from tests.unit.transport.loopback_peer import LoopbackPeer, until
from tests.unit.transport.test_media_plane import Rig

VIEWERS_SSRC = 0x1000
REPORT = ReceiverReport(1, ()).encode()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    rig.plane.stop()
    await asyncio.sleep(0)


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


def got(sock: socket.socket) -> list[bytes]:
    """What has arrived, without answers to checks."""
    taken = []
    while True:
        try:
            data = sock.recv(2_048)
        except BlockingIOError:
            return taken
        if data[0] > 3:
            taken.append(data)


async def taken_in(rig: Rig, sock: socket.socket, *datagrams: bytes) -> None:
    """Send, and wait until the gateway has read all of it."""
    before = rig.plane.datagrams_received
    for datagram in datagrams:
        sock.sendto(datagram, ("127.0.0.1", rig.plane.port))
    await until(lambda: rig.plane.datagrams_received >= before + len(datagrams))


def sends_to(rig: Rig) -> tuple[str, int]:
    """The address of the only viewer, as its down tracks have it."""
    (room,) = rig.plane.rooms.all()
    (subscriber,) = room.camera("main").subscribers
    return subscriber.down_tracks[0].address


def protected_report(viewer: LoopbackPeer) -> bytes:
    report = viewer.connection.protect_rtcp(REPORT)
    assert report is not None
    return report


async def test_a_publisher_who_moves_is_followed_and_asked_there_for_what_was_lost(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    publisher.move()
    lost = rig.speak(publisher, 2)
    await until(lambda: rig.drops["datagram_unknown_address"] == 2, viewer)
    await taken_in(rig, publisher.sock, binding_request(publisher.ours, publisher.theirs))
    sent = rig.speak(publisher, 2)
    await until(lambda: marks(viewer.rtp) == sent, viewer)

    def asked() -> bool:
        rig.speak(publisher)  # the address is new once nothing has come from the old one for a moment
        return set(lost) <= {n for packet in publisher.rtcp if isinstance(packet, Nack) for n in packet.lost}

    await until(asked, publisher, viewer)


async def test_a_viewer_is_followed_by_a_nomination_alone_where_it_was_silent(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    viewer.move()
    viewer.send_rtcp(REPORT)
    await until(lambda: rig.drops["datagram_unknown_address"] == 1)
    await taken_in(rig, viewer.sock, binding_request(viewer.ours, viewer.theirs, nominate=True))
    assert sends_to(rig) == viewer.sock.getsockname()
    sent = rig.speak(publisher, 2)
    await until(lambda: marks(viewer.rtp) == sent, viewer)


async def test_what_is_not_signed_takes_nothing_away(rig: Rig, stranger: socket.socket) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    here = viewer.sock.getsockname()
    captured = protected_report(viewer)
    guessed = binding_request(viewer.ours, viewer.theirs, password="guess", nominate=True)
    await taken_in(rig, stranger, guessed, receiver_report(), opus(1), captured, b"\x16\xfe\xfd" + bytes(20))
    assert rig.drops["stun_bad_integrity"] == 1
    assert rig.drops["datagram_unknown_address"] == 4
    assert sends_to(rig) == here
    sent = rig.speak(publisher, 2)
    await until(lambda: marks(viewer.rtp) == sent, viewer)
    assert got(stranger) == []


async def test_a_captured_check_gains_nothing_while_its_owner_is_heard(
    rig: Rig, stranger: socket.socket
) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    here = viewer.sock.getsockname()
    heard, forged = protected_report(viewer), bytearray(protected_report(viewer))
    forged[9] ^= 1
    await taken_in(rig, viewer.sock, heard)
    captured = binding_request(viewer.ours, viewer.theirs, nominate=True)
    await taken_in(rig, stranger, captured, heard, bytes(forged))
    assert (rig.drops["srtcp_replay"], rig.drops["srtcp_auth"]) == (1, 1)
    assert sends_to(rig) == here
    sent = rig.speak(publisher, 2)
    await until(lambda: marks(viewer.rtp) == sent, viewer)
    assert got(stranger) == []


async def test_a_captured_check_of_a_silent_viewer_lasts_until_its_next_word(
    rig: Rig, stranger: socket.socket
) -> None:
    """A lite agent cannot know better: it sends no checks. The words come once a second or faster."""
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    await taken_in(rig, stranger, binding_request(viewer.ours, viewer.theirs, nominate=True))
    assert sends_to(rig) == stranger.getsockname()
    await taken_in(rig, viewer.sock, protected_report(viewer))
    assert sends_to(rig) == viewer.sock.getsockname()
    sent = rig.speak(publisher, 2)
    await until(lambda: marks(viewer.rtp) == sent, viewer)


async def test_a_forged_source_does_not_take_another_sessions_media(rig: Rig) -> None:
    """A viewer may sign checks of its own session; with the technician's address as source they mean his."""
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    for _ in range(3):
        forged = binding_request(viewer.ours, viewer.theirs, nominate=True)
        await taken_in(rig, publisher.sock, forged)
    sent = rig.speak(publisher, 2)
    await until(lambda: marks(viewer.rtp) == sent, viewer)
    assert rig.drops["stun_address_in_use"] == 3
    assert sends_to(rig) == viewer.sock.getsockname()


async def test_an_address_that_fell_silent_may_go_to_somebody_else(rig: Rig) -> None:
    publisher, viewer = await rig.publisher(), await rig.viewer()
    await rig.play(publisher, viewer)
    await asyncio.sleep(HELD_FOR + 0.1)
    await taken_in(rig, publisher.sock, binding_request(viewer.ours, viewer.theirs, nominate=True))
    assert rig.drops["stun_address_in_use"] == 0
    assert sends_to(rig) == publisher.sock.getsockname()

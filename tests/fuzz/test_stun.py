"""Attacks with STUN, on a stream that plays."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator

import pytest
from aioice import stun

from gateway.protocol.description import Address, IceCredentials
from tests.fuzz.flood import flood
from tests.fuzz.stage import Stage, stage
from tests.gateway_server import GatewayServer

RATE = 20_000
SECONDS = 0.3
"""A receive buffer of a few megabytes holds all of it, so that a busy machine does not lose media."""


def check(username: str, password: str, *, fingerprint: bool = True, **attributes: object) -> bytes:
    """A Binding request as an ICE agent writes it."""
    message = stun.Message(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        os.urandom(12),
        {"USERNAME": username, "PRIORITY": 1_845_501_695, "ICE-CONTROLLING": 7, **attributes},
    )
    message.add_message_integrity(password.encode())
    if fingerprint:
        message.add_fingerprint()
    return bytes(message)


def credentials(on_air: Stage) -> tuple[IceCredentials, IceCredentials]:
    """The gateway's and our own, of the camera's session."""
    agent = on_air.camera.publisher.session.connection._ice
    return agent._remote, agent._local


def username(on_air: Stage) -> str:
    gateway, own = credentials(on_air)
    return f"{gateway.ufrag}:{own.ufrag}"


EMPTY = bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))


def with_attributes(request: bytes, attributes: bytes) -> bytes:
    """The request's header before other attributes."""
    return request[:2] + struct.pack("!H", len(attributes)) + request[4:20] + attributes


def floods(on_air: Stage) -> dict[str, tuple[bytes, str]]:
    """Attack → datagram and the counter that must tell of it."""
    return {
        "unknown ufrag": (check("stranger:someone", "x" * 24), "stun_unknown_ufrag"),
        "other username": (check(username(on_air) + "x", "x" * 24), "stun_bad_username"),
        "wrong password": (check(username(on_air), "x" * 24), "stun_bad_integrity"),
        "no credentials": (EMPTY, "stun_unknown_ufrag"),
    }


def address_of(sock: socket.socket) -> Address:
    host, port = sock.getsockname()[:2]
    return host, port


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """A socket that the gateway knows nothing of."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


@pytest.mark.parametrize("attack", ["unknown ufrag", "other username", "wrong password", "no credentials"])
async def test_a_flood_costs_no_stream_a_packet(gateway: GatewayServer, order: str, attack: str) -> None:
    async with stage(gateway, order) as on_air:
        datagram, counter = floods(on_air)[attack]
        before = await on_air.metrics()
        sent = await flood(on_air.media, [datagram], rate=RATE, seconds=SECONDS)
        await on_air.check_unharmed()
        after = await on_air.metrics()
        # A small receive buffer may overflow while the machine is busy: then the kernel drops the rest.
        assert sent / 4 < after.drops[counter] - before.drops.get(counter, 0) <= sent


async def test_a_check_with_wrong_credentials_gets_no_answer(
    gateway: GatewayServer, order: str, stranger: socket.socket
) -> None:
    async with stage(gateway, order, viewers=0) as on_air:
        good = check(username(on_air), credentials(on_air)[0].pwd)
        attacks = [datagram for datagram, _ in floods(on_air).values()]
        attacks += [good[:length] for length in range(0, len(good), 3)]  # truncated
        attacks += [good[:-1] + bytes((good[-1] ^ 1,))]  # a wrong fingerprint
        attacks += [with_attributes(good, bytes((0, 6, 0xFF, 0xFF)) + good[24:])]  # larger than the datagram
        attacks += [with_attributes(good, bytes((0x80, 0x22, 5, 0x74)) + bytes(1_396))]  # one huge
        attacks += [with_attributes(good, bytes(1_200))]  # 300 empty ones
        # An indication, a success, an error response.
        attacks += [kind + good[2:] for kind in (b"\0\x11", b"\1\1", b"\1\x11")]
        before = await on_air.metrics()
        for attack in attacks:
            stranger.sendto(attack, on_air.media)
        stranger.sendto(good, on_air.media)  # answered, behind all that was not
        answer = await asyncio.wait_for(receive(stranger), 2)
        assert answer[:2] == b"\1\1"
        assert answer[8:20] == good[8:20]
        with pytest.raises(BlockingIOError):
            stranger.recv(2048)
        after = await on_air.metrics()
        counted = sum(after.drops.values()) - sum(before.drops.values())
        assert counted == len(attacks), after.drops


async def receive(sock: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, 2048)


async def test_nothing_larger_than_what_came_goes_to_an_unproven_address(
    gateway: GatewayServer, order: str, stranger: socket.socket
) -> None:
    """Not even to one who knows the credentials: STUN is answered in less, DTLS not before a check."""
    async with stage(gateway, order) as on_air:
        password = credentials(on_air)[0].pwd
        hello = bytes.fromhex("16fefd0000000000000000002a0100001e000000000000001efefd") + bytes(28)
        srtp = b"\x80\x60" + os.urandom(60)
        for attack in (hello, srtp, b"\x80\xc8" + os.urandom(60), b"\x81\xc9" + os.urandom(28)):
            for _ in range(3):
                stranger.sendto(attack, on_air.media)
        good = check(username(on_air), password, fingerprint=False)
        conflict = check(username(on_air), password, **{"ICE-CONTROLLED": 7})
        for attack in (good, conflict):
            stranger.sendto(attack, on_air.media)
            answer = await asyncio.wait_for(receive(stranger), 2)
            assert len(answer) <= len(attack)
            assert answer[8:20] == attack[8:20]
        await on_air.check_unharmed()
        after = await on_air.metrics()
        assert after.drops["datagram_unknown_address"] >= 12
        with pytest.raises(BlockingIOError):
            stranger.recv(2048)

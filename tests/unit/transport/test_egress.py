"""Sending: segments on a real socket, and what happens where the kernel refuses."""

from __future__ import annotations

import errno
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.clock import ManualClock
from gateway.protocol.description import Address
from gateway.transport import egress as module
from gateway.transport.egress import MAX_SEGMENTS, UdpEgress

VIEWER: Address = ("192.0.2.7", 7_000)


@dataclass
class ScriptedSocket:
    """Refuses what `refusing` says, remembers the rest."""

    refusing: dict[Address, int] = field(default_factory=dict)
    sent: list[tuple[bytes, Address]] = field(default_factory=list)

    def sendmsg(self, *_: Any) -> int:
        raise AssertionError("not asked for")

    def sendto(self, data: bytes | memoryview, address: Address) -> int:
        if address in self.refusing:
            raise OSError(self.refusing[address], "refused")
        self.sent.append((bytes(data), address))
        return len(data)


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []

    class Log:
        def warning(self, event: str, **_: object) -> None:
            said.append(event)

    monkeypatch.setattr(module, "log", Log())
    return said


def scripted() -> tuple[ScriptedSocket, UdpEgress, Counter[str]]:
    sock, drops = ScriptedSocket(), Counter[str]()
    return sock, UdpEgress(sock, ManualClock(), drops), drops  # type: ignore[arg-type]


@pytest.fixture
def loopback() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as into,
    ):
        into.bind(("127.0.0.1", 0))
        into.settimeout(2.0)
        yield out, into


def test_the_kernel_cuts_a_burst_into_segments(loopback: tuple[socket.socket, socket.socket]) -> None:
    out, into = loopback
    egress = UdpEgress(out, ManualClock(), Counter())
    burst = b"a" * 500 + b"b" * 500 + b"c" * 100
    assert egress.sendmsg([burst], egress.segmentation(500), 0, into.getsockname()) == 1_100
    assert [into.recv(2_048) for _ in range(3)] == [b"a" * 500, b"b" * 500, b"c" * 100]
    assert egress.segmentation(500) is egress.segmentation(500)


@pytest.mark.parametrize("code", [errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOPROTOOPT])
def test_where_offload_is_refused_packets_go_one_by_one_and_it_is_said_once(
    code: int, warnings: list[str]
) -> None:
    sock, egress, drops = scripted()
    burst = memoryview(b"a" * 100 + b"b" * 100 + b"c" * 50)
    for _ in range(3):
        egress.refused(OSError(code, "no"), burst, 100, VIEWER)
    assert sock.sent == [(b"a" * 100, VIEWER), (b"b" * 100, VIEWER), (b"c" * 50, VIEWER)] * 3
    assert egress.max_segments == 1
    assert len(warnings) == 1
    assert drops == {}


def test_one_impossible_address_does_not_take_offload_from_the_others(warnings: list[str]) -> None:
    sock, egress, drops = scripted()
    sock.refusing[VIEWER] = errno.EINVAL
    egress.refused(OSError(errno.EINVAL, "no"), memoryview(bytes(250)), 100, VIEWER)
    assert egress.max_segments == MAX_SEGMENTS
    assert (drops, warnings) == ({"egress_unreachable": 3}, [])


@pytest.mark.parametrize(
    ("code", "size", "name", "count"),
    [
        (errno.EAGAIN, 250, "egress_socket_full", 3),
        (errno.ENOBUFS, 100, "egress_socket_full", 1),
        (errno.ENETUNREACH, 250, "egress_unreachable", 1),
        (errno.EPERM, 100, "egress_unreachable", 1),
        (errno.EINVAL, 100, "egress_unreachable", 1),
        (errno.EMSGSIZE, 250, "egress_unreachable", 1),
    ],
)
def test_other_refusals_are_counted(code: int, size: int, name: str, count: int, warnings: list[str]) -> None:
    sock, egress, drops = scripted()
    egress.refused(OSError(code, "no"), memoryview(bytes(size)), 100, VIEWER)
    assert drops == {name: count}
    assert (sock.sent, egress.max_segments, warnings) == ([], MAX_SEGMENTS, [])


@pytest.mark.parametrize(
    ("code", "name"), [(errno.EAGAIN, "egress_socket_full"), (errno.EHOSTUNREACH, "egress_unreachable")]
)
def test_single_datagrams_never_raise(code: int, name: str) -> None:
    sock, egress, drops = scripted()
    assert egress.send(b"x", VIEWER)
    sock.refusing[VIEWER] = code
    assert not egress.send(b"x", VIEWER)
    assert drops == {name: 1}


def test_a_closed_socket_is_unreachable_not_a_crash(loopback: tuple[socket.socket, socket.socket]) -> None:
    out, into = loopback
    drops: Counter[str] = Counter()
    egress = UdpEgress(out, ManualClock(), drops)
    out.close()
    assert not egress.send(b"x", into.getsockname())
    assert drops == {"egress_unreachable": 1}

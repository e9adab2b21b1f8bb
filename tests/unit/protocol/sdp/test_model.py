from __future__ import annotations

import pytest

from gateway.errors import Malformed
from gateway.protocol.description import Fingerprint
from gateway.protocol.sdp import Direction, Group, MalformedSdp, SessionDescription, Transport


@pytest.mark.parametrize(
    ("direction", "mirrored", "sends", "receives"),
    [
        (Direction.SENDRECV, Direction.SENDRECV, True, True),
        (Direction.SENDONLY, Direction.RECVONLY, True, False),
        (Direction.RECVONLY, Direction.SENDONLY, False, True),
        (Direction.INACTIVE, Direction.INACTIVE, False, False),
    ],
)
def test_directions(direction: Direction, mirrored: Direction, sends: bool, receives: bool) -> None:
    assert (direction.mirrored, direction.sends, direction.receives) == (mirrored, sends, receives)


def test_a_transport_is_completed_field_by_field() -> None:
    fallback = Transport("ufrag", "pwd", ("trickle",), (Fingerprint("sha-256", "AB"),), "actpass")
    assert Transport().over(fallback) == fallback
    assert fallback.over(Transport("x", "x", ("x",), (), "x")) == fallback
    assert Transport(setup="active").over(fallback).setup == "active"


def test_the_bundle_of_a_mid() -> None:
    groups = (Group("LS", ("0", "1")), Group("BUNDLE", ("0", "2")), Group("BUNDLE", ("1",)))
    session = SessionDescription(origin="-", groups=groups)
    assert [session.bundle_of(mid) for mid in ("0", "1", "3", None)] == [("0", "2"), ("1",), (), ()]


def test_malformed_sdp_is_malformed_input() -> None:
    assert issubclass(MalformedSdp, Malformed)

"""TURN credentials as coturn computes them."""

from __future__ import annotations

import base64
import hashlib
import hmac

from gateway.clock import ManualClock
from gateway.signalling.ice_servers import LIFETIME, IceServer, IceServers


def servers(secret: str | None = "shared") -> IceServers:
    return IceServers(
        clock=ManualClock(epoch=1_000.0),
        stun_urls=("stun:s.example.com",),
        turn_urls=("turn:t.example.com",),
        secret=secret,
    )


def test_credentials_are_what_a_turn_server_expects() -> None:
    stun, turn = servers().issue("anna")
    assert stun == IceServer("stun:s.example.com")
    assert turn.username == f"{int(1_000 + LIFETIME)}:anna"
    expected = hmac.new(b"shared", turn.username.encode(), hashlib.sha1).digest()
    assert turn.credential == base64.b64encode(expected).decode()


def test_a_subject_cannot_break_out_of_the_user_name() -> None:
    turn = servers().issue('x", <evil>:1,2 žluť')[1]
    assert turn.username is not None
    assert turn.username.partition(":")[2] == "xevil12lu"
    assert (servers().issue("…")[1].username or "").endswith(":client")


def test_without_a_secret_there_is_no_turn() -> None:
    assert [s.url for s in servers(None).issue("anna")] == ["stun:s.example.com"]


def test_the_shape_of_an_rtc_ice_server() -> None:
    assert IceServer("stun:a").as_dict() == {"urls": ["stun:a"]}
    assert IceServer("turn:a", "u", "c").as_dict() == {"urls": ["turn:a"], "username": "u", "credential": "c"}


def test_a_credential_is_not_in_the_repr() -> None:
    assert "secret-value" not in repr(IceServer("turn:a", "u", "secret-value"))

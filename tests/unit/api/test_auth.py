"""The Authorization header as clients really send it, and addresses behind proxies."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.auth import bearer_token, client_address, optional_grant, require_grant
from gateway.api.services import SERVICES
from gateway.config import Settings
from gateway.errors import Unauthenticated
from tests.signalling_rig import make_rig


@pytest.mark.parametrize(
    "header", ["Bearer abc", "bearer abc", "BEARER   abc ", " Bearer\tabc", "Bearer Bearer abc"]
)
def test_a_token_is_found(header: str) -> None:
    assert bearer_token(header) == "abc"


def test_no_header_is_no_token() -> None:
    assert bearer_token(None) is None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer a b", "Bearer " + "x" * 5_000]
)
def test_a_header_without_a_token_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(header)


@given(st.text(max_size=200))
def test_any_header_gives_a_token_or_the_documented_error(header: str) -> None:
    try:
        token = bearer_token(header)
    except Unauthenticated:
        return
    assert token
    assert token in header


def request(*forwarded: str, remote: str = "10.0.0.1") -> web.Request:
    app = web.Application()
    app[SERVICES] = make_rig(settings=Settings(trusted_proxies=("10.0.0.1", "10.0.0.2"))).services
    headers = {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {}
    return make_mocked_request("GET", "/", headers=headers, app=app).clone(remote=remote)


def test_requests_without_a_token_have_no_grant() -> None:
    assert optional_grant(request()) is None
    with pytest.raises(Unauthenticated):
        require_grant(request())


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        (
            "192.0.2.1",
            ("198.51.100.1",),
            "192.0.2.1",
        ),  # anybody may write the header
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("203.0.113.9", "198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", ("198.51.100.1", "10.0.0.2"), "198.51.100.1"),
        ("10.0.0.1", (), "10.0.0.1"),
    ],
)
def test_the_callers_address(remote: str, forwarded: tuple[str, ...], address: str) -> None:
    assert client_address(request(*forwarded, remote=remote)) == address

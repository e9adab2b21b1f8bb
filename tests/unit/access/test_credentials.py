from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.credentials import (
    ALPHABET,
    MAX_PASSWORD_BYTES,
    new_login,
    new_password,
    normalise_login,
    normalise_password,
)


def test_a_password_is_strong_and_readable() -> None:
    password = new_password()
    symbols = password.replace("-", "")
    assert set(symbols) <= set(ALPHABET)
    assert len(symbols) * math.log2(len(ALPHABET)) >= 60
    assert not set("01oil") & set(ALPHABET)
    assert len(password) <= MAX_PASSWORD_BYTES
    assert max(map(len, password.split("-"))) <= 5


def test_logins_follow_the_seed_and_do_not_repeat() -> None:
    logins = {new_login() for _ in range(100)}
    assert len(logins) == 100
    assert all(login.startswith("repair_") and normalise_login(login) == login for login in logins)


@pytest.mark.parametrize("spoil", [str.upper, lambda p: p.replace("-", ""), lambda p: p.replace("-", " "),
                                   lambda p: f" {p}\n", lambda p: p.replace("-", "–")])  # fmt: skip
def test_a_password_survives_being_typed(spoil: object) -> None:
    password = new_password()
    assert callable(spoil)
    assert normalise_password(spoil(password)) == password


@given(st.text(max_size=80))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise_password(text)
    assert normalise_password(once) == once


@pytest.mark.parametrize("chosen", ["Correct Horse", "k7mxw-2dphq", "PASSWORD-with-1", " x "])
def test_a_chosen_password_stays_as_it_is(chosen: str) -> None:
    assert normalise_password(chosen) == chosen


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Repair_ABC ", "repair_abc"),
        ("boss@shop.cz", "boss@shop.cz"),
        ("", None),
        ("a" * 51, None),
        ("a\0b", None),
        ("\ud800", None),
        ("a b", None),
        ("пётр", None),
        ("' or 1=1", None),
    ],
)
def test_logins_as_stored(typed: str, stored: str | None) -> None:
    assert normalise_login(typed) == stored

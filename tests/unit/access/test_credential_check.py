from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.access.credential_check import CredentialCheck
from gateway.access.limiter import address_key, login_key
from gateway.errors import RateLimited, WrongCredentials


@dataclass(frozen=True)
class Person:
    password_hash: str


class PlainHasher:
    decoy = "decoy"

    async def hash(self, password: str) -> str:
        return password

    async def verify(self, password: str, hashed: str) -> bool:
        return password == hashed


class Diary:
    """A limiter that writes down what it is asked, and may refuse."""

    def __init__(self, refuse: bool = False) -> None:
        self.entries: list[tuple[str, tuple[str, ...]]] = []
        self.refuse = refuse

    def attempt(self, *keys: str) -> None:
        self.entries.append(("attempt", keys))
        if self.refuse:
            raise RateLimited(retry_after=1.0)

    def succeeded(self, *keys: str) -> None:
        self.entries.append(("succeeded", keys))


KEYS = (address_key("192.0.2.1"), login_key("anna"))


async def anna(login: str) -> Person | None:
    return Person("secret") if login == "anna" else None


async def test_success_is_reported_to_the_limiter() -> None:
    diary = Diary()
    found = await CredentialCheck(PlainHasher(), diary).holder(" Anna ", "secret", "192.0.2.1", anna)
    assert found == Person("secret")
    assert diary.entries == [("attempt", KEYS), ("succeeded", KEYS)]


@pytest.mark.parametrize(
    ("login", "password"), [("anna", "wrong"), ("berta", "secret"), ("berta", PlainHasher.decoy)]
)
async def test_failure_stays_counted(login: str, password: str) -> None:
    diary = Diary()
    with pytest.raises(WrongCredentials):
        await CredentialCheck(PlainHasher(), diary).holder(login, password, "192.0.2.1", anna)
    assert [kind for kind, _ in diary.entries] == ["attempt"]


async def test_an_impossible_login_is_never_looked_up_and_counts_for_the_address() -> None:
    async def forbidden(login: str) -> Person | None:
        raise AssertionError(login)

    diary = Diary()
    with pytest.raises(WrongCredentials):
        await CredentialCheck(PlainHasher(), diary).holder("a\0b", "decoy", "192.0.2.1", forbidden)
    assert diary.entries == [("attempt", KEYS[:1])]


async def test_a_limited_caller_costs_nothing() -> None:
    async def forbidden(login: str) -> Person | None:
        raise AssertionError(login)

    with pytest.raises(RateLimited):
        await CredentialCheck(PlainHasher(), Diary(refuse=True)).holder("anna", "x", "192.0.2.1", forbidden)

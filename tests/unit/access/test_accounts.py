from __future__ import annotations

import pytest

from gateway.access.credentials import new_password
from gateway.access.limiter import FREE_ATTEMPTS
from gateway.access.records import Role
from gateway.errors import Malformed, RateLimited, WrongCredentials
from tests.unit.access.fakes import Office

HERE = "192.0.2.7"


async def test_an_account_is_verified_by_its_password() -> None:
    office = Office()
    password = new_password()
    created = await office.accounts.create(" Boss@shop.cz ", password, Role.TECHNICIAN)
    assert created.login == "boss@shop.cz"
    assert created.password_hash not in repr(created)
    assert await office.accounts.verify("BOSS@shop.cz", password.upper(), HERE) == created
    with pytest.raises(WrongCredentials):
        await office.accounts.verify("boss@shop.cz", new_password(), HERE)
    with pytest.raises(WrongCredentials):
        await office.accounts.verify("nobody", password, HERE)


async def test_guessing_is_slowed_down() -> None:
    office = Office()
    await office.accounts.create("boss", new_password())
    for _ in range(FREE_ATTEMPTS["login"]):
        with pytest.raises(WrongCredentials):
            await office.accounts.verify("boss", "wrong", HERE)
    with pytest.raises(RateLimited):
        await office.accounts.verify("boss", "wrong", HERE)


@pytest.mark.parametrize(
    ("login", "password"),
    [("", "long enough"), ("a b", "long enough"), ("boss", "short"), ("boss", "ж" * 37), ("boss", "x" * 73)],
)
async def test_unusable_accounts(login: str, password: str) -> None:
    office = Office()
    with pytest.raises(Malformed):
        await office.accounts.create(login, password)
    assert not office.account_rows.rows

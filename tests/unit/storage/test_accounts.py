from __future__ import annotations

import uuid

import pytest

from gateway.access.records import Account, Role
from gateway.errors import Conflict
from gateway.storage.accounts import AccountTable
from gateway.storage.database import Database


async def test_an_account_comes_back_as_it_went(database: Database) -> None:
    table = AccountTable(database)
    account = Account(str(uuid.uuid4()), "boss", "hash", Role.TECHNICIAN, 1e9)
    await table.add(account)
    assert await table.by_login("boss") == account
    assert await table.by_login("nobody") is None
    with pytest.raises(Conflict):
        await table.add(Account(str(uuid.uuid4()), "boss", "hash", Role.ADMIN, 1e9))

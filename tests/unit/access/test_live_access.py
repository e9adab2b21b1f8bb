from __future__ import annotations

import bcrypt
import pytest

from gateway.access import passwords
from gateway.access.credentials import new_login
from gateway.access.grants import Scope
from gateway.access.limiter import FREE_ATTEMPTS
from gateway.access.live_access import WATCH_TOKEN_SECONDS
from gateway.errors import (
    AccessExpired,
    Forbidden,
    GatewayError,
    Malformed,
    NotFound,
    RateLimited,
    Unauthenticated,
    WrongCredentials,
)
from tests.unit.access.fakes import ORDER, Office

HERE = "192.0.2.7"
DAY = 86400.0


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def bcrypt_costs(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The work factor of every password check that was really computed."""
    costs: list[bytes] = []
    real = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        costs.append(hashed[:7])
        return real(password, hashed)

    monkeypatch.setattr(passwords.bcrypt, "checkpw", counted)
    return costs


async def test_a_new_access_opens_the_order(office: Office) -> None:
    created = await office.accesses.create(ORDER, DAY, email="anna@example.com")
    assert created.link == f"https://live.example.com/#login={created.login}"
    assert created.expires_at == office.clock.time() + DAY
    assert created.password not in repr(created)
    assert office.order_rows.rows[ORDER].live_stream_enabled
    access = await office.accesses.authenticate(created.login, created.password, HERE)
    assert access.token not in repr(access)
    grant = office.tokens.verify(access.token)
    assert grant.scopes == {Scope.WATCH, Scope.TALK}
    assert (grant.subject, grant.order_id, grant.stream_id) == (created.login, ORDER, created.id)
    assert access.access_expires_at == created.expires_at
    assert access.token_expires_at == office.clock.time() + WATCH_TOKEN_SECONDS


async def test_only_a_hash_is_kept(office: Office) -> None:
    created = await office.accesses.create(ORDER, DAY)
    (row,) = await office.accesses.of_order(ORDER)
    assert created.password not in row.password_hash
    assert row.password_hash not in repr(row)


async def test_a_token_ends_with_its_access(office: Office) -> None:
    created = await office.accesses.create(ORDER, 600)
    access = await office.accesses.authenticate(created.login, created.password, HERE)
    assert access.token_expires_at == created.expires_at


@pytest.mark.parametrize(
    ("order_id", "ttl", "email", "error"),
    [
        ("11111111-1111-4111-8111-111111111111", DAY, None, NotFound),
        (ORDER, 0.0, None, Malformed),
        (ORDER, 400 * DAY, None, Malformed),
        (ORDER, float("nan"), None, Malformed),
        (ORDER, DAY, "two\nlines", Malformed),
    ],
)
async def test_an_access_that_cannot_be(
    office: Office, order_id: str, ttl: float, email: str | None, error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        await office.accesses.create(order_id, ttl, email)
    assert not office.access_rows.rows


async def test_unknown_login_and_wrong_password_look_and_cost_the_same(
    office: Office, bcrypt_costs: list[bytes]
) -> None:
    created = await office.accesses.create(ORDER, DAY)
    seen = []
    for login, password in [
        (created.login, "wrong"),
        (new_login(), "wrong"),
        (new_login(), created.password),
        ("no such login \0", "wrong"),
        (created.login, "\ud800" * 100),
        (new_login(), "\ud800" * 100),
    ]:
        bcrypt_costs.clear()
        with pytest.raises(WrongCredentials) as caught:
            await office.accesses.authenticate(login, password, HERE)
        seen.append((list(bcrypt_costs), str(caught.value), caught.value.detail))
    assert seen == [([b"$2b$04$"], "wrong_credentials", "")] * len(seen)


async def test_expiry_is_told_only_to_who_knows_the_password(office: Office) -> None:
    created = await office.accesses.create(ORDER, 600)
    office.clock.advance(601)
    with pytest.raises(WrongCredentials):
        await office.accesses.authenticate(created.login, "wrong", HERE)
    with pytest.raises(AccessExpired):
        await office.accesses.authenticate(created.login, created.password, HERE)


async def test_in_the_last_second_there_is_nothing_left_to_grant(office: Office) -> None:
    created = await office.accesses.create(ORDER, 600.5)
    office.clock.advance(600)
    with pytest.raises(AccessExpired):
        await office.accesses.authenticate(created.login, created.password, HERE)


async def test_guessing_is_slowed_down_before_any_work(office: Office, bcrypt_costs: list[bytes]) -> None:
    created = await office.accesses.create(ORDER, DAY)
    for number in range(FREE_ATTEMPTS["login"]):
        with pytest.raises(WrongCredentials):
            await office.accesses.authenticate(created.login, "wrong", f"192.0.2.{number}")
    bcrypt_costs.clear()
    with pytest.raises(RateLimited) as caught:
        await office.accesses.authenticate(created.login, created.password, "198.51.100.1")
    assert caught.value.retry_after == 2.0
    assert not bcrypt_costs
    office.clock.advance(2.0)
    await office.accesses.authenticate(created.login, created.password, "198.51.100.1")


async def test_one_address_may_not_try_many_logins(office: Office) -> None:
    for _ in range(FREE_ATTEMPTS["address"]):
        with pytest.raises(WrongCredentials):
            await office.accesses.authenticate(new_login(), "wrong", HERE)
    with pytest.raises(RateLimited):
        await office.accesses.authenticate(new_login(), "wrong", HERE)
    with pytest.raises(WrongCredentials):
        await office.accesses.authenticate(new_login(), "wrong", "198.51.100.1")


async def test_logging_in_often_is_no_guessing(office: Office) -> None:
    created = await office.accesses.create(ORDER, DAY)
    for _ in range(3 * FREE_ATTEMPTS["address"]):
        await office.accesses.authenticate(created.login, created.password, HERE)


async def test_renewal_gives_another_token_until_the_access_ends(office: Office) -> None:
    created = await office.accesses.create(ORDER, DAY)
    first = await office.accesses.authenticate(created.login, created.password, HERE)
    office.clock.advance(3 * 3600)
    second = await office.accesses.renew(office.tokens.verify(first.token))
    assert second.token != first.token
    assert second.token_expires_at == first.token_expires_at + 3 * 3600
    grant = office.tokens.verify(second.token)
    office.clock.advance(DAY)
    with pytest.raises(AccessExpired):
        await office.accesses.renew(grant)


async def test_what_cannot_be_renewed(office: Office) -> None:
    staff = office.tokens.issue(subject="obs", scopes=[Scope.PUBLISH], ttl=60, order_id=ORDER)
    with pytest.raises(Forbidden):
        await office.accesses.renew(office.tokens.verify(staff.token))
    orphan = office.tokens.issue(subject="x", scopes=[Scope.WATCH], ttl=60, order_id=ORDER, stream_id="gone")
    with pytest.raises(AccessExpired):
        await office.accesses.renew(office.tokens.verify(orphan.token))


async def test_revocation_ends_everything(office: Office) -> None:
    created = await office.accesses.create(ORDER, DAY)
    access = await office.accesses.authenticate(created.login, created.password, HERE)
    grant = office.tokens.verify(access.token)
    await office.accesses.require_alive(grant)
    assert await office.accesses.ended([created.id]) == set()
    await office.accesses.revoke(created.id)
    await office.accesses.revoke(created.id)
    assert await office.accesses.ended([created.id]) == {created.id}
    with pytest.raises(Unauthenticated):
        await office.accesses.require_alive(grant)
    with pytest.raises(AccessExpired):
        await office.accesses.renew(grant)
    with pytest.raises(AccessExpired):
        await office.accesses.authenticate(created.login, created.password, HERE)


async def test_ended_covers_expired_and_missing(office: Office) -> None:
    short = await office.accesses.create(ORDER, 10)
    long = await office.accesses.create(ORDER, 20)
    office.clock.advance(10)
    assert await office.accesses.ended([short.id, long.id, "gone"]) == {short.id, "gone"}
    assert await office.accesses.ended([]) == set()


async def test_revoking_nothing(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.accesses.revoke("gone")


async def test_staff_tokens_hang_on_no_access(office: Office) -> None:
    staff = office.tokens.issue(subject="obs", scopes=[Scope.PUBLISH], ttl=60, order_id=ORDER)
    await office.accesses.require_alive(office.tokens.verify(staff.token))

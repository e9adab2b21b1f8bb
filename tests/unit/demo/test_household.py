"""The demo's people, on a real SQLite database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.access.grants import Scope
from gateway.clock import ManualClock
from gateway.config import Settings
from gateway.demo.household import ACCESS_SECONDS, FILE, settle
from gateway.demo.serving import local_url, table
from gateway.storage.access_services import AccessServices, access_services
from gateway.storage.database import Database


async def services(folder: Path, clock: ManualClock) -> tuple[AccessServices, Database]:
    settings = Settings(data_dir=folder, bcrypt_cost=4)
    database = Database.of(settings)
    await database.prepare()
    return access_services(settings, database, clock), database


async def test_a_second_start_shows_the_same_people_and_their_logins_work(tmp_path: Path) -> None:
    clock = ManualClock()
    access, database = await services(tmp_path, clock)
    first = await settle(access, tmp_path, clock)
    assert await settle(access, tmp_path, clock) == first
    watching = await access.accesses.authenticate(first.customer.login, first.customer.password, "::1")
    assert watching.order_id == first.order_id
    assert access.tokens.verify(watching.token).scopes >= {Scope.WATCH}
    for staff in (first.technician, first.admin):
        assert (await access.accounts.verify(staff.login, staff.password, "::1")).role == staff.login
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    await database.close()


async def test_an_access_about_to_end_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    clock = ManualClock()
    access, database = await services(tmp_path, clock)
    first = await settle(access, tmp_path, clock)
    clock.advance(ACCESS_SECONDS)
    second = await settle(access, tmp_path, clock)
    assert second.order_id == first.order_id
    assert second.admin == first.admin
    assert second.customer != first.customer
    assert second.access_ends > first.access_ends
    await database.close()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"order_id": "gone"}', "\x00"])
async def test_an_unreadable_file_means_a_new_household(tmp_path: Path, text: str) -> None:
    clock = ManualClock()
    access, database = await services(tmp_path, clock)
    first = await settle(access, tmp_path, clock)
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    second = await settle(access, tmp_path, clock)
    assert second.order_id != first.order_id
    assert second.admin.login.startswith("admin-")  # the name is taken
    assert (await access.accounts.verify(second.admin.login, second.admin.password, "::1")).role == "admin"
    await database.close()


def test_no_password_is_in_a_representation(tmp_path: Path) -> None:
    from gateway.demo.household import Login

    assert "s3cret" not in repr(Login("customer", "s3cret"))


def test_the_table_keeps_values_whole() -> None:
    token = "t" * 500
    assert table([("OBS bearer token", token), ("Viewer", "x")]).splitlines() == [
        "",
        f"  OBS bearer token  {token}",
        "  Viewer            x",
        "",
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("192.0.2.7", "http://192.0.2.7:8080"),
    ],
)
def test_the_camera_reaches_the_gateway_whatever_it_is_bound_to(host: str, expected: str) -> None:
    assert local_url(Settings(http_host=host, http_port=8080)) == expected

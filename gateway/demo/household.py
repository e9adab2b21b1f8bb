"""Who appears in the demo: an order, its customer, a technician and an admin.

They are kept in `demo.json` in the data directory (mode 0600, like the generated secrets), so that a second
start shows the same logins and links given out before still work.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway.access.credentials import new_password
from gateway.access.records import NewOrder, Role
from gateway.clock import Clock
from gateway.errors import Conflict, NotFound
from gateway.storage.access_services import AccessServices

ACCESS_SECONDS = 7 * 86_400.0
FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Login:
    """A login and its password."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Household:
    """Everybody and everything of the demo; `access_ends` in Unix seconds."""

    order_id: str
    customer: Login
    access_ends: float
    technician: Login
    admin: Login


async def settle(access: AccessServices, data_dir: Path, clock: Clock) -> Household:
    """The household of the last start where it still lives, else a new one, kept for the next start."""
    kept = _read(data_dir / FILE)
    order_id = await _order(access, kept)
    if kept is not None and order_id == kept.order_id:
        if kept.access_ends > clock.time() + ACCESS_SECONDS / 7:
            return kept
        technician, admin = kept.technician, kept.admin
    else:
        technician = await _account(access, "technician", Role.TECHNICIAN)
        admin = await _account(access, "admin", Role.ADMIN)
    created = await access.accesses.create(order_id, ACCESS_SECONDS)
    customer = Login(created.login, created.password)
    household = Household(order_id, customer, created.expires_at, technician, admin)
    _write(data_dir / FILE, household)
    return household


async def _order(access: AccessServices, kept: Household | None) -> str:
    if kept is not None:
        try:
            return (await access.orders.get(kept.order_id)).id
        except NotFound:
            pass  # another database than last time
    return (await access.orders.create(NewOrder("Demo: display replacement", "iPhone 15"))).id


async def _account(access: AccessServices, name: str, role: Role) -> Login:
    password = new_password()
    try:
        await access.accounts.create(name, password, role)
    except Conflict:
        name = f"{name}-{secrets.token_hex(2)}"
        await access.accounts.create(name, password, role)
    return Login(name, password)


def _read(path: Path) -> Household | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return _household(values)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _household(values: Mapping[str, Any]) -> Household:
    people = {name: Login(**values[name]) for name in ("customer", "technician", "admin")}
    return Household(order_id=str(values["order_id"]), access_ends=float(values["access_ends"]), **people)


def _write(path: Path, household: Household) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        json.dump(asdict(household), file, indent=2)

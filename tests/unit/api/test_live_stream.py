from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.access.grants import Scope
from gateway.access.live_access import CreatedAccess
from gateway.access.timestamps import iso
from gateway.api import live_stream, middleware
from gateway.api.services import SERVICES, Services
from gateway.config import Settings
from gateway.signalling.ice_servers import IceServers
from tests.unit.access.fakes import ORDER, Office

BASE = "https://live.example.com"
Client = TestClient[web.Request, web.Application]


class Stage:
    """The part of the media plane and of the session registry that this resource asks."""

    def __init__(self) -> None:
        self.live: set[tuple[str, str]] = set()
        self.renewed: list[dict[str, Any]] = []

    def published(self, order_id: str, camera: str) -> dict[str, str] | None:
        return {} if (order_id, camera) in self.live else None

    def renew(self, **what: Any) -> int:
        self.renewed.append(what)
        return 1


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def client(office: Office, stage: Stage) -> AsyncIterator[Client]:
    services = cast(
        "Services",
        SimpleNamespace(
            settings=Settings(public_url=BASE),
            clock=office.clock,
            tokens=office.tokens,
            accesses=office.accesses,
            orders=office.orders,
            media=stage,
            sessions=stage,
            ice_servers=IceServers(
                clock=office.clock, stun_urls=("stun:s",), turn_urls=("turn:t",), secret="x"
            ),
            drops=Counter(),
        ),
    )
    app = web.Application(middlewares=[middleware.answer_errors])
    app[SERVICES] = services
    app.on_response_prepare.append(middleware.add_headers)
    app.add_routes(live_stream.routes(services))
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.fixture
async def access(office: Office) -> CreatedAccess:
    return await office.accesses.create(ORDER, 86400)


async def log_in(client: Client, login: object, password: object, **headers: str) -> Any:
    body = {"login": login, "password": password}
    return await client.post("/api/live-stream/authenticate", json=body, headers=headers)


async def get(client: Client, path: str, token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await client.get(f"/api/live-stream/{path}", headers=headers)


async def customers_token(client: Client, access: CreatedAccess) -> str:
    return str((await (await log_in(client, access.login, access.password)).json())["token"])


def staff(office: Office, *scopes: Scope, order_id: str | None = ORDER, camera: str | None = None) -> str:
    return office.tokens.issue(subject="staff", scopes=scopes, ttl=60, order_id=order_id, camera=camera).token


async def test_a_customer_logs_in(client: Client, office: Office, access: CreatedAccess) -> None:
    response = await log_in(client, access.login, access.password)
    assert response.status == 200
    assert response.headers["Cache-Control"] == "no-store"
    body = await response.json()
    token = body.pop("token")
    assert office.tokens.verify(token).stream_id == access.id
    hls = f"{BASE}/hls/{ORDER}/main/index.m3u8"
    assert body == {
        "streamUrl": hls,
        "hlsUrl": hls,
        "whepUrl": f"{BASE}/whep/{ORDER}",
        "expiresAt": iso(access.expires_at),
        "tokenExpiresAt": iso(office.clock.time() + 4 * 3600),
        "orderId": ORDER,
    }
    assert token not in str(body)


async def test_a_stream_url_of_the_shops_own_is_kept(
    client: Client, office: Office, access: CreatedAccess
) -> None:
    rows = office.access_rows.rows
    rows[access.id] = replace(rows[access.id], stream_url="https://cdn.example.com/x.m3u8")
    body = await (await log_in(client, access.login, access.password)).json()
    assert body["streamUrl"] == "https://cdn.example.com/x.m3u8"
    assert body["hlsUrl"].startswith(BASE)


async def test_unknown_login_and_wrong_password_get_the_same_answer(
    client: Client, access: CreatedAccess
) -> None:
    answers = []
    for login in (access.login, "repair_nobody", "' OR 1=1 --", "\0"):
        response = await log_in(client, login, "wrong", **{"Accept-Language": "ru"})
        answers.append((response.status, await response.json(), response.headers["WWW-Authenticate"]))
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 401
    assert answers[0][1]["error"] == "Неверный логин или пароль."
    assert answers[0][2] == "Bearer"


async def test_an_ended_access(client: Client, office: Office, access: CreatedAccess) -> None:
    office.clock.advance(86400)
    assert (await log_in(client, access.login, access.password)).status == 403
    assert (await log_in(client, access.login, "wrong")).status == 401


async def test_too_many_attempts(client: Client, access: CreatedAccess) -> None:
    statuses = [(await log_in(client, access.login, "wrong")).status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    refused = await log_in(client, access.login, access.password)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "2")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"login": "a"}', "application/json", 400),
        (b'{"login": 1, "password": "x"}', "application/json", 400),
        (b'{"login": "", "password": "x"}', "application/json", 400),
        (b'{"login": "a", "password": null}', "application/json", 400),
        (b'{"login": "a", "password": "' + b"x" * 201 + b'"}', "application/json", 400),
        (b'{"login": "\\ud800", "password": "\\ud800"}', "application/json", 401),
        (b'{"login": "a", "password": "' + b"x" * 5000 + b'"}', "application/json", 413),
        (b"[" * 4000, "application/json", 400),
        (b"login=a&password=b", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_bodies_that_are_no_login(client: Client, body: bytes, content_type: str, status: int) -> None:
    response = await client.post(
        "/api/live-stream/authenticate", data=body, headers={"Content-Type": content_type}
    )
    assert response.status == status
    assert response.content_type == "application/problem+json"
    assert (await response.json())["error"]


async def test_a_valid_token_shows_its_payload(client: Client, access: CreatedAccess) -> None:
    response = await get(client, "validate-token", await customers_token(client, access))
    assert response.status == 200
    body = await response.json()
    assert body["valid"] is True
    assert body["payload"]["orderId"] == ORDER
    assert body["payload"]["streamId"] == access.id
    assert set(body["payload"]["scope"].split()) == {"watch", "talk"}


async def test_tokens_that_are_not_valid(client: Client, office: Office, access: CreatedAccess) -> None:
    token = await customers_token(client, access)
    await office.accesses.revoke(access.id)
    for bad in (None, "x", token + "x", token):
        response = await get(client, "validate-token", bad)
        assert response.status == 401
        body = await response.json()
        assert body["valid"] is False
        assert body["error"]
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("query", [f"?orderId={ORDER}", ""])
async def test_where_to_watch(client: Client, stage: Stage, access: CreatedAccess, query: str) -> None:
    token = await customers_token(client, access)
    body = await (await get(client, f"url{query}", token)).json()
    assert body["whepUrl"] == f"{BASE}/whep/{ORDER}"
    assert body["talkUrl"] == f"{BASE}/whip/{ORDER}/talk"
    assert body["streamUrl"] == body["hlsUrl"] == f"{BASE}/hls/{ORDER}/main/index.m3u8"
    assert body["live"] is False
    stun, turn = body["iceServers"]
    assert stun == {"urls": ["stun:s"]}
    assert set(turn) == {"urls", "username", "credential"}
    stage.live.add((ORDER, "main"))
    assert (await (await get(client, f"url{query}", token)).json())["live"] is True


async def test_a_token_for_one_camera_is_shown_that_camera(
    client: Client, stage: Stage, office: Office
) -> None:
    stage.live.add((ORDER, "top"))
    body = await (await get(client, "url", staff(office, Scope.WATCH, camera="top"))).json()
    assert body["whepUrl"] == f"{BASE}/whep/{ORDER}/top"
    assert body["live"] is True


async def test_who_may_not_ask_where(client: Client, office: Office, access: CreatedAccess) -> None:
    other = "11111111-1111-4111-8111-111111111111"
    admin = staff(office, Scope.ADMIN, order_id=None)
    token = await customers_token(client, access)
    assert (await get(client, f"url?orderId={ORDER}")).status == 401
    assert (await get(client, f"url?orderId={other}", token)).status == 403
    assert (await get(client, f"url?orderId={other}", admin)).status == 404
    assert (await get(client, "url", admin)).status == 400
    assert (await get(client, f"url?orderId={ORDER}", admin)).status == 200
    await office.accesses.revoke(access.id)
    assert (await get(client, f"url?orderId={ORDER}", token)).status == 401


async def renewal(client: Client, token: str | None) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await client.post("/api/live-stream/renew", headers=headers)


async def test_renewal_keeps_the_sessions(
    client: Client, office: Office, stage: Stage, access: CreatedAccess
) -> None:
    token = await customers_token(client, access)
    office.clock.advance(3600)
    response = await renewal(client, token)
    assert response.status == 200
    body = await response.json()
    end = office.clock.time() + 4 * 3600
    assert body["token"] != token
    assert body["expiresAt"] == iso(end)
    assert stage.renewed == [{"subject": access.login, "stream_id": access.id, "expires_at": end}]


async def test_what_cannot_be_renewed(
    client: Client, office: Office, stage: Stage, access: CreatedAccess
) -> None:
    token = await customers_token(client, access)
    await office.accesses.revoke(access.id)
    assert (await renewal(client, token)).status == 403
    assert (await renewal(client, staff(office, Scope.PUBLISH))).status == 403
    assert (await renewal(client, None)).status == 401
    assert stage.renewed == []

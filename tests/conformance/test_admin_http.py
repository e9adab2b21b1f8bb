"""Everything under /api/admin: who is let in, and how the others are told."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.access.grants import Scope
from gateway.api import create_app
from gateway.api.errors import SENTENCES
from tests.signalling_rig import ORDER, Http, Rig, make_rig, serving

LANGUAGES = ("en", "ru", "cs")
UNKNOWN = "77777777-2222-4333-8444-555555555555"
UNPROTECTED = {"/api/admin/login"}


def admin_routes() -> list[tuple[str, str]]:
    """Method and path pattern of whatever the application serves there."""
    return [
        (route.method, route.resource.canonical)
        for route in create_app(make_rig().services).router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith("/api/admin/")
        and route.resource.canonical not in UNPROTECTED
        and route.method != "HEAD"
    ]


ROUTES = admin_routes()
OF_ORDERS = [(method, pattern) for method, pattern in ROUTES if "{order_id}" in pattern]


@pytest.fixture
def rig() -> Rig:
    return make_rig()


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


def path(pattern: str, order_id: str = ORDER) -> str:
    return re.sub(r"\{\w+\}", "x", pattern.replace("{order_id}", order_id))


async def check(response: aiohttp.ClientResponse, status: int, code: str, language: str) -> None:
    """A problem document in the caller's language that no cache keeps and that gives nothing away."""
    document = await response.json(content_type="application/problem+json")
    assert response.status == document["status"] == status
    assert document["code"] == code
    assert document["error"] == SENTENCES[code][language]
    assert document["type"] == "about:blank"
    assert response.headers["Content-Language"] == language
    assert response.headers["Cache-Control"] == "no-store"
    assert ORDER not in str(document)


def test_the_routes_are_found() -> None:
    assert ("GET", "/api/admin/streams") in ROUTES
    assert ("GET", "/api/admin/orders/{order_id}/conversation") in OF_ORDERS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("method", "pattern"), ROUTES)
async def test_without_a_good_token_nothing_is_told(
    http: Http, rig: Rig, method: str, pattern: str, language: str
) -> None:
    rig.ledger.gone.add("access-1")
    ended = rig.bearer(Scope.ADMIN, stream_id="access-1")
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}, ended):
        for order_id in (ORDER, UNKNOWN):  # nobody else learns which orders exist
            response = await http.request(
                method, path(pattern, order_id), headers={**headers, "Accept-Language": language}
            )
            await check(response, 401, "invalid_token", language)
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("method", "pattern"), ROUTES)
async def test_a_lesser_scope_is_not_enough(
    http: Http, rig: Rig, method: str, pattern: str, language: str
) -> None:
    lesser = rig.bearer(Scope.WATCH, Scope.TALK, Scope.PUBLISH)
    for order_id in (ORDER, UNKNOWN):
        response = await http.request(
            method, path(pattern, order_id), headers={**lesser, "Accept-Language": language}
        )
        await check(response, 403, "forbidden", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("method", "pattern"), OF_ORDERS)
async def test_an_order_that_does_not_exist(
    http: Http, rig: Rig, method: str, pattern: str, language: str
) -> None:
    headers = {**rig.bearer(Scope.ADMIN, order_id=None), "Accept-Language": language}
    for order_id in (UNKNOWN, "x", "..%2Fx", "%00", "%F0%9F%91%8D"):
        response = await http.request(method, path(pattern, order_id), headers=headers)
        await check(response, 404, "not_found", language)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_address_that_does_not_exist(http: Http, rig: Rig, language: str) -> None:
    headers = {**rig.bearer(Scope.ADMIN, order_id=None), "Accept-Language": language}
    for unknown in ("/api/admin/nothing", f"/api/admin/streams/{ORDER}/x"):
        await check(await http.get(unknown, headers=headers), 404, "not_found", language)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_method_that_does_not_exist(http: Http, rig: Rig, language: str) -> None:
    headers = {**rig.bearer(Scope.ADMIN, order_id=None), "Accept-Language": language}
    response = await http.put(path(OF_ORDERS[0][1]), headers=headers)
    await check(response, 405, "method_not_allowed", language)
    assert "GET" in response.headers["Allow"]


async def test_an_answer_is_for_nobody_elses_cache(http: Http, rig: Rig) -> None:
    for method, pattern in ROUTES:
        if method == "GET":
            response = await http.get(path(pattern), headers=rig.bearer(Scope.ADMIN, order_id=None))
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"

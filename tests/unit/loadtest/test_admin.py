"""Orders made by an admin's login, on a server that has the contract's endpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from loadtest.admin import AdminError, AdminOrders


class Shop:
    """What the gateway's admin interface does, as far as it matters here."""

    def __init__(self) -> None:
        self.orders: dict[str, bool] = {}
        self.accesses: set[str] = set()
        self.lacks_login = False
        self.refuses_access = False

    async def handle(self, request: web.Request) -> web.Response:
        path, body = request.path, await request.json() if request.can_read_body else {}
        if path == "/api/admin/login":
            if self.lacks_login:
                return web.Response(status=404)
            good = body == {"login": "boss", "password": "secret"}
            return web.json_response({"token": "admin-token"} if good else {}, status=200 if good else 401)
        if path == "/api/live-stream/authenticate":
            return web.json_response({"token": f"watch-{body['login']}"})
        assert request.headers["Authorization"] == "Bearer admin-token"
        return self.administrate(request.method, path.split("/")[3:], body)

    def administrate(self, method: str, path: list[str], body: dict[str, Any]) -> web.Response:
        match method, path:
            case "POST", ["orders"]:
                order = f"order{len(self.orders) + 1}"
                self.orders[order] = True
                return web.json_response({"id": order}, status=201)
            case "POST", ["orders", order, "publish-token"]:
                return web.json_response({"token": f"publish-{order}"}, status=201)
            case "POST", ["orders", order, "live-access"] if not self.refuses_access:
                self.accesses.add(order)
                return web.json_response({"id": order, "login": order, "password": "pw"}, status=201)
            case "DELETE", ["orders", _, "live-access", access]:
                self.accesses.remove(access)
                return web.Response(status=204)
            case "PATCH", ["orders", order]:
                self.orders[order] = body["live_stream_enabled"]
                return web.json_response({"id": order})
        return web.Response(status=403)


@asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", shop.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_orders_are_made_and_closed_again() -> None:
    shop = Shop()
    async with opened(shop) as url:
        async with AdminOrders(url, "boss", "secret", 2) as target:
            assert [order.name for order in target.orders] == ["order1", "order2"]
            assert target.orders[1].publish_token == "publish-order2"
            assert target.orders[1].watch_token == "watch-order2"
            assert target.customer is not None
            assert shop.accesses == {"order1", "order2"}
        assert shop.accesses == set()
        assert shop.orders == {"order1": False, "order2": False}


async def test_what_was_made_is_closed_when_the_rest_fails() -> None:
    shop = Shop()
    async with opened(shop) as url:
        async with AdminOrders(url, "boss", "secret", 1):
            shop.refuses_access = True
            with pytest.raises(AdminError, match="live-access: HTTP 403"):
                await AdminOrders(url, "boss", "secret", 1).__aenter__()
        assert shop.accesses == set()


async def test_a_wrong_password_and_a_gateway_without_logins_are_told_apart() -> None:
    shop = Shop()
    async with opened(shop) as url:
        with pytest.raises(AdminError, match="HTTP 401") as caught:
            await AdminOrders(url, "boss", "wrong-secret", 1).__aenter__()
        assert "wrong-secret" not in str(caught.value)
        shop.lacks_login = True
        with pytest.raises(AdminError, match="has no admin's login: give --order"):
            await AdminOrders(url, "boss", "secret", 1).__aenter__()
    with pytest.raises(AdminError, match="ClientConnectorError"):
        await AdminOrders(url, "boss", "secret", 1).__aenter__()

"""Orders and tokens made for a load test by the gateway's own HTTP interface, with an admin's login."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import aiohttp

from loadtest.targets import Customer, Order, Target

_TIMEOUT = aiohttp.ClientTimeout(total=15)


class AdminError(Exception):
    """The gateway would not do what was asked; says what and why. No secret is in it."""


class AdminOrders:
    """Orders that live as long as the test: an asynchronous context manager of the target.

    Leaving it revokes the accesses that it made, and turns the orders' live streams off.
    """

    def __init__(self, url: str, login: str, password: str, orders: int) -> None:
        self._url = url.rstrip("/")
        self._credentials = {"login": login, "password": password}
        self._number = orders
        self._token = ""
        self._accesses: list[tuple[str, str]] = []
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Target:
        """Log in and make everything. Raises AdminError."""
        self._http = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            self._token = (await self._call("POST", "/api/admin/login", self._credentials))["token"]
            made = [await self._order(number) for number in range(self._number)]
        except KeyError as error:
            await self._close()
            raise AdminError(f"the gateway's answer lacks {error}") from None
        except BaseException:
            await self._close()
            raise
        return Target(self._url, tuple(order for order, _ in made), customer=made[0][1])

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _order(self, number: int) -> tuple[Order, Customer]:
        created = await self._call("POST", "/api/admin/orders", {"title": f"load test {number + 1}"})
        order = str(created["id"])
        publish = await self._call("POST", f"/api/admin/orders/{order}/publish-token", {"ttlHours": 24})
        access = await self._call("POST", f"/api/admin/orders/{order}/live-access", {"ttlHours": 24})
        self._accesses.append((order, str(access["id"])))
        credentials = {"login": str(access["login"]), "password": str(access["password"])}
        watch = await self._call("POST", "/api/live-stream/authenticate", credentials)
        return Order(order, publish["token"], watch["token"]), Customer(**credentials)

    async def _close(self) -> None:
        http, accesses = self._http, self._accesses
        if http is None:
            return
        self._accesses = []
        try:
            for order, access in accesses:
                await self._call("DELETE", f"/api/admin/orders/{order}/live-access/{access}")
                await self._call("PATCH", f"/api/admin/orders/{order}", {"live_stream_enabled": False})
        except AdminError:
            pass  # the accesses end by themselves within a day
        finally:
            self._http = None
            await http.close()

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        assert self._http is not None
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            async with self._http.request(method, self._url + path, json=body, headers=headers) as response:
                if response.status in (404, 405) and path == "/api/admin/login":
                    raise AdminError("this gateway has no admin's login: give --order with both tokens")
                if not response.ok:
                    raise AdminError(f"{method} {path}: HTTP {response.status}")
                answer = await response.json(content_type=None) if response.status != 204 else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise AdminError(f"{method} {path}: {type(error).__name__}") from None
        if not isinstance(answer, dict):
            raise AdminError(f"{method} {path}: no object was answered")
        return answer

"""A page of another origin follows a broadcast with EventSource and chooses what Chromium decodes."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers.browser_media import BrowserPeer, Statistics
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually

_FOLLOW = """async url => {
  const response = await fetch(url, {
    method: "POST", headers: {"Content-Type": "application/json"},
    body: JSON.stringify(["active", "inactive", "layers", "viewercount"])});
  const stream = new URL(response.headers.get("Location"), url);
  const heard = window.heard = {};
  window.source = new EventSource(stream);
  for (const name of ["active", "inactive", "layers", "viewercount"])
    window.source.addEventListener(name, event => { heard[name] = JSON.parse(event.data); });
  return response.status;
}"""
_CHOOSE = """async ({url, wish}) => (await fetch(url, wish === null ? {method: "DELETE"} : {
  method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(wish)})).status"""


async def heard(page: Page) -> dict[str, Any]:
    """The latest data of each event, and whether the browser has given the stream up."""
    return dict(await page.evaluate("({...window.heard, given_up: window.source.readyState === 2})"))


async def test_a_page_follows_the_broadcast_and_chooses_its_layer(
    gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    real_component("Chromium", EXECUTABLE)
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        technician, customer = BrowserPeer(page, "technician"), BrowserPeer(page, "customer")
        url = f"{gateway.url}/whip/{order}"
        await technician.publish(url, gateway.publish_token(order), codec="vp8", simulcast=True)
        watched = await customer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        session = f"{gateway.url}{watched.location}"

        assert await page.evaluate(_FOLLOW, f"{session}/events") == 201

        def three_layers(now: dict[str, Any]) -> bool:
            return len([layer for layer in now.get("layers", {}).get("1", ()) if layer.get("bitrate")]) == 3

        now = await eventually(lambda: heard(page), three_layers, deadline=45)
        assert [layer["rid"] for layer in now["layers"]["1"]] == ["f", "h", "q"]
        assert now["active"] == {}
        assert now["viewercount"] == {"viewercount": 1}

        for layer in reversed(now["layers"]["1"]):
            wish = {"mediaId": "1", "rid": layer["rid"]}
            assert await page.evaluate(_CHOOSE, {"url": f"{session}/layer", "wish": wish}) == 200

            def shown(seen: Statistics, size: tuple[int, int] = (layer["width"], layer["height"])) -> bool:
                return (seen.width, seen.height) == size

            await eventually(customer.statistics, shown, deadline=30)
        assert await page.evaluate(_CHOOSE, {"url": f"{session}/layer", "wish": None}) == 200

        await page.evaluate("url => fetch(url, {method: 'DELETE'})", session)
        await eventually(lambda: heard(page), lambda last: last["given_up"])

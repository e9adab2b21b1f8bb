"""A customer without a mouse: logs in, watches, speaks, chooses a quality, writes; all of it by keys."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page, expect

from tests.components import real_component
from tests.gateway_server import ROOT, GatewayServer
from tests.peers.browser_media import BrowserPeer
from tests.peers.chromium import EXECUTABLE, chromium

_FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element?.id || element?.localName || "";
}"""
_RING = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  if (element === document.body) return true;  // the browser's own controls have it
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""


async def walk(page: Page, until: str, *, key: str = "Tab", steps: int = 25) -> list[str]:
    """Press `key` until the element of that id (or name) has the focus; what had it on the way."""
    way: list[str] = []
    while True:
        await page.keyboard.press(key)
        way.append(await page.evaluate(_FOCUSED))
        assert await page.evaluate(_RING), f"{way[-1]} does not show that it has the focus"
        if way[-1] == until:
            return way
        assert len(way) < steps, f"no {until} among {way}"


async def test_a_customer_needs_no_mouse(gateway: GatewayServer, order: str, foreign_page: str) -> None:
    real_component("Chromium", EXECUTABLE)
    real_component("built pages", (ROOT / "gateway" / "pages" / "live-stream.html").exists())
    access = await asyncio.to_thread(gateway.command, "access", "create", order)
    async with chromium(autoplay=False) as browser:
        camera = await browser.new_page()
        await camera.goto(foreign_page)
        published = await BrowserPeer(camera, "camera").publish(
            f"{gateway.url}/whip/{order}", gateway.publish_token(order), codec="vp8", simulcast=True
        )
        assert published.status == 201
        page = await (await browser.new_context()).new_page()
        await page.goto(gateway.url)
        await logs_in(page, access["login"], access["password"])
        await watches(page)
        await speaks(page)
        await chooses_a_quality(page)
        await writes(page)


async def logs_in(page: Page, login: str, password: str) -> None:
    await walk(page, "watch")
    await page.keyboard.press("Enter")
    dialog = page.locator("login-dialog dialog")
    await expect(dialog).to_be_visible()
    assert await page.evaluate(_FOCUSED) == "login"
    # The focus stays within the dialog, or goes to the browser's own controls and comes back.
    way = await walk(page, "login")
    assert set(way) <= {"login", "password", "button", "body"}, way
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert await page.evaluate(_FOCUSED) == "watch"

    await page.keyboard.press("Enter")
    await page.keyboard.type(login)
    await page.keyboard.press("Tab")
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/live-stream*")


async def watches(page: Page) -> None:
    await page.wait_for_function("() => window.__repairLive?.state === 'playing'", timeout=30_000)
    await walk(page, "sound-on")
    await page.keyboard.press("Enter")
    await expect(page.locator("player-controls #mute")).to_have_accessible_name("Mute")


async def speaks(page: Page) -> None:
    async def says(state: str) -> None:
        await page.wait_for_function("state => window.__repairLive.talk.state === state", arg=state)

    await says("idle")
    await page.keyboard.down("Space")
    await says("speaking")
    await page.keyboard.up("Space")
    await says("idle")
    await walk(page, "talk")
    await page.keyboard.down("Enter")
    await says("speaking")
    await walk(page, "latch")
    await says("idle")
    await page.keyboard.up("Enter")


async def chooses_a_quality(page: Page) -> None:
    button, menu = page.locator("#quality"), page.get_by_role("menu")
    await expect(button).to_be_visible(timeout=40_000)
    await walk(page, "quality")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitemradio", name="Auto")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Escape")
    await expect(menu).to_have_count(0)
    await expect(button).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(menu).to_have_count(0)
    await expect(button).to_be_focused()
    await page.wait_for_function("() => window.__repairLive.quality.chosen !== 'auto'")


async def writes(page: Page) -> None:
    await walk(page, "chat")
    await page.keyboard.press("Enter")
    assert await page.evaluate(_FOCUSED) == "message"
    await page.keyboard.type("Thank you")
    await page.keyboard.press("Enter")
    await expect(page.locator("chat-panel .own")).to_contain_text("Thank you")
    await page.keyboard.press("Escape")
    await expect(page.locator("chat-panel")).to_have_count(0)
    assert await page.evaluate(_FOCUSED) == "chat"

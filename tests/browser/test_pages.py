"""Our own pages in Chromium: the customer logs in, waits, watches and listens; the technician broadcasts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.access.grants import Scope
from tests.components import real_component
from tests.gateway_server import ROOT, GatewayServer
from tests.peers.browser_media import BrowserPeer
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually

_STATE = """async () => {
  const live = window.__repairLive;
  const found = element => element.shadowRoot?.querySelector("video");
  const shown = [...document.querySelectorAll("*")].map(found).find(Boolean);
  return {
    state: live?.state ?? "", session: live?.sessionUrl ?? "", address: location.href,
    time: shown?.currentTime ?? 0, muted: shown?.muted ?? true,
    quality: live?.quality ?? null, delay: live?.delay ?? null,
    statistics: live?.pc ? await live.stats() : {},
  };
}"""


@dataclass(frozen=True)
class Viewer:
    """What a customer's page is at."""

    state: str
    session: str
    address: str
    time: float
    muted: bool
    quality: dict[str, Any] | None
    """What there is to choose from, what was chosen, what plays; None without a choice."""
    delay: float | None
    """Seconds that the picture is behind the camera."""
    statistics: dict[str, Any]

    @property
    def frames(self) -> int:
        return int(self.statistics.get("frames", 0))

    @property
    def height(self) -> int:
        return int(self.statistics.get("height", 0))

    @property
    def offered(self) -> list[int]:
        """Heights that the menu offers."""
        return [option["name"]["lines"] for option in self.quality["options"]] if self.quality else []

    @property
    def shown(self) -> int | None:
        """The height that the menu says is playing."""
        playing = self.quality and self.quality.get("playing")
        return playing["lines"] if playing else None

    @property
    def audio_energy(self) -> float:
        return float(self.statistics.get("audioEnergy", 0))


@pytest.fixture(autouse=True)
def _browser_and_pages() -> None:
    real_component("Chromium", EXECUTABLE)
    real_component("built pages", (ROOT / "gateway" / "pages" / "live-stream.html").exists())


async def viewer(page: Page) -> Viewer:
    return Viewer(**await page.evaluate(_STATE))


async def technician(
    browser: Browser, gateway: GatewayServer, order: str, foreign_page: str, codec: str
) -> BrowserPeer:
    """A technician on the air, in a window of their own."""
    page = await browser.new_page()
    await page.goto(foreign_page)
    peer = BrowserPeer(page, "technician")
    answer = await peer.publish(
        f"{gateway.url}/whip/{order}", gateway.publish_token(order), codec=codec, simulcast=True
    )
    assert answer.status == 201
    return peer


async def plays(page: Page, *, since: int = 0) -> Viewer:
    """The page once its picture moves."""
    return await eventually(
        lambda: viewer(page), lambda now: now.state == "playing" and now.frames >= since + 30, deadline=30
    )


async def plays_at(page: Page, height: int) -> Viewer:
    """The page once it receives this height, and says so."""
    return await eventually(
        lambda: viewer(page),
        lambda now: now.state == "playing" and now.height == now.shown == height,
        deadline=30,
    )


async def log_in(page: Page, access: dict[str, Any]) -> None:
    """From the open dialog to the viewer page."""
    await page.fill("login-dialog #login", access["login"])
    await page.fill("login-dialog #password", access["password"])
    await page.click("login-dialog button[type=submit]")
    await page.wait_for_url("**/live-stream*")


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_a_customer_logs_in_and_watches(
    gateway: GatewayServer, order: str, foreign_page: str, codec: str
) -> None:
    access = await asyncio.to_thread(gateway.command, "access", "create", order)
    # As a visitor's browser: sound only after a gesture.
    async with chromium(autoplay=False) as browser:
        await technician(browser, gateway, order, foreign_page, codec)
        page = await browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))

        await page.goto(gateway.url)
        await page.click("#watch")
        await page.fill("login-dialog #login", access["login"])
        await page.fill("login-dialog #password", "not the password")
        await page.click("login-dialog button[type=submit]")
        await expect(page.locator("login-dialog [role=alert]")).not_to_be_empty()

        await log_in(page, access)
        watching = await plays(page)
        assert watching.muted
        assert "token" not in watching.address

        await page.click("#sound-on")
        heard = await eventually(lambda: viewer(page), lambda now: now.audio_energy > 0)
        assert not heard.muted
        louder = await eventually(lambda: viewer(page), lambda now: now.audio_energy > heard.audio_energy)
        assert louder.session == watching.session
        assert not problems


async def test_the_page_waits_for_the_technician(
    gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{gateway.url}/live-stream#token={gateway.watch_token(order)}")
        await eventually(lambda: viewer(page), lambda now: now.state == "waiting")
        await technician(browser, gateway, order, foreign_page, "vp8")
        await plays(page)


async def test_the_page_keeps_its_session_when_the_technician_returns(
    gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    async with chromium() as browser:
        first = await technician(browser, gateway, order, foreign_page, "h264")
        page = await browser.new_page()
        await page.goto(f"{gateway.url}/live-stream#token={gateway.watch_token(order)}")
        before = await plays(page)
        assert before.session

        await first.close()
        await technician(browser, gateway, order, foreign_page, "vp8")
        after = await eventually(
            lambda: viewer(page),
            lambda now: (
                now.state == "playing"
                and "vp8" in str(now.statistics.get("codec")).lower()
                and now.frames > before.frames + 30
            ),
            deadline=30,
        )
        assert after.session == before.session


async def test_the_page_ends_with_its_access(gateway: GatewayServer, order: str, foreign_page: str) -> None:
    access = await asyncio.to_thread(gateway.command, "access", "create", order)
    async with chromium() as browser:
        await technician(browser, gateway, order, foreign_page, "vp8")
        page = await browser.new_page()
        await page.goto(gateway.url)
        await page.click("#watch")
        await log_in(page, access)
        await plays(page)
        await asyncio.to_thread(gateway.command, "access", "revoke", access["id"])
        await eventually(lambda: viewer(page), lambda now: now.state == "ended", deadline=5)


async def test_a_wrong_token_is_told(gateway: GatewayServer, order: str) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{gateway.url}/live-stream#token=wrong")
        told = await eventually(lambda: viewer(page), lambda now: now.state in {"error", "ended"})
        assert "token" not in told.address


async def test_a_token_for_something_else_shows_nothing(gateway: GatewayServer, order: str) -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        token = gateway.token(order, Scope.PUBLISH)
        await page.goto(f"{gateway.url}/live-stream#token={token}")
        await eventually(lambda: viewer(page), lambda now: now.state in {"error", "ended"})


async def test_the_customer_chooses_a_quality(gateway: GatewayServer, order: str, foreign_page: str) -> None:
    async with chromium() as browser:
        await technician(browser, gateway, order, foreign_page, "vp8")
        page = await browser.new_page()
        await page.goto(f"{gateway.url}/live-stream#token={gateway.watch_token(order)}")
        await eventually(lambda: viewer(page), lambda now: now.offered == [720, 360, 180], deadline=45)
        await plays_at(page, 720)
        button, menu = page.locator("#quality"), page.get_by_role("menu")
        await expect(button).to_have_text("Auto (720p)")

        await button.press("Enter")
        checked = page.get_by_role("menuitemradio", checked=True)
        await expect(checked).to_be_focused()
        await expect(checked).to_have_text("Auto (720p)")
        await page.keyboard.press("Escape")
        await expect(menu).to_have_count(0)
        await expect(button).to_be_focused()

        await button.press("ArrowUp")
        await page.keyboard.press("End")
        await page.keyboard.press("Enter")
        await expect(button).to_be_focused()
        await expect(button).to_have_text("180p")
        small = await plays_at(page, 180)

        # It holds in the session that takes the place of this one, and gives way to "auto".
        await page.evaluate("async url => { await fetch(url, {method: 'DELETE'}); }", small.session)
        await eventually(
            lambda: viewer(page), lambda now: now.session not in {"", small.session}, deadline=30
        )
        await plays_at(page, 180)
        await button.click()
        await page.get_by_role("menuitemradio", name="Auto").click()
        await plays_at(page, 720)


async def test_customer_and_operator_see_how_well_it_plays(
    gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    async with chromium() as browser:
        await technician(browser, gateway, order, foreign_page, "vp8")
        page = await browser.new_page()
        await page.goto(f"{gateway.url}/live-stream#token={gateway.watch_token(order)}")
        told = await eventually(lambda: viewer(page), lambda now: now.delay, deadline=30)
        assert 0 < (told.delay or 0) < 2
        await expect(page.locator("player-controls")).to_contain_text("behind live")

        operator = {"Authorization": f"Bearer {gateway.token(order, Scope.ADMIN)}"}
        answer = await page.request.get(f"{gateway.url}/api/admin/streams/{order}", headers=operator)
        (known,) = (await answer.json())["viewers"]
        assert 0 < known["glassToGlass"] < 2
        assert 0 < known["firstFrame"] < 15
        assert known["freezes"] >= 0
        assert known["stalled"] is False

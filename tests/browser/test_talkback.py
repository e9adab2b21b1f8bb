"""The technician hears customers and decides about them: in the studio, and on `/talkback` beside OBS."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.access.grants import Scope
from tests.components import real_component
from tests.gateway_server import ROOT, GatewayServer
from tests.peers.chromium import EXECUTABLE, chromium
from tests.peers.voice import write_voice
from tests.waiting import eventually

TALK = """async ({url, token}) => {
  const media = await navigator.mediaDevices.getUserMedia({audio: true});
  const peer = window.talker = new RTCPeerConnection();
  peer.addTransceiver(media.getAudioTracks()[0], {direction: "sendonly", streams: [media]});
  await peer.setLocalDescription();
  const headers = {"Content-Type": "application/sdp", Authorization: `Bearer ${token}`};
  const response = await fetch(url, {method: "POST", headers, body: peer.localDescription.sdp});
  if (response.status === 201) await peer.setRemoteDescription({type: "answer", sdp: await response.text()});
  return response.status;
}"""
"""A microphone that is always open, by plain WHIP."""

HEARD = """async () => {
  const page = window.__repairTalkback ?? window.__repairStudio;
  return {packets: 0, energy: 0, ...await page.heard(), state: page.state};
}"""
AUDIBLE = 0.01
"""Sound energy (full scale squared, times seconds) that a second of the voice exceeds by far."""
SILENCE = 0.6
"""Seconds without a packet that are no pause between two of them."""
COUNT_NOTES = """window.notes = 0;
const create = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  window.notes += this.state === "running" ? 1 : 0;
  return create.call(this);
};"""
"""Counts the notes that a page really lets out."""
CHIME = 2
"""Notes when somebody asks to speak."""
BANNED = "The technician has removed you from this broadcast. Please try again in ten minutes."
ROW = "talk-desk [data-viewer]"


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voice(tmp_path_factory.mktemp("voice") / "voice.wav")


@pytest.fixture
async def browser(voice: Path) -> AsyncIterator[Browser]:
    real_component("Chromium", EXECUTABLE)
    real_component("built pages", (ROOT / "gateway" / "pages" / "talkback.html").exists())
    async with chromium(microphone=voice) as browser:
        yield browser


async def talkback(browser: Browser, gateway: GatewayServer, order: str) -> Page:
    """The page, in a dock's size, once it listens."""
    page = await (await browser.new_context(viewport={"width": 320, "height": 480})).new_page()
    token = gateway.publish_token(order)
    await page.goto(f"{gateway.url}/talkback#token={token}")
    await page.wait_for_function("() => window.__repairTalkback?.state === 'listening'", timeout=20_000)
    assert token not in page.url
    return page


async def talker(
    browser: Browser, gateway: GatewayServer, order: str, foreign_page: str, name: str = "Anna"
) -> Page:
    page = await browser.new_page()
    await page.goto(foreign_page)
    token = gateway.token(order, Scope.TALK, subject=name)
    assert await page.evaluate(TALK, {"url": f"{gateway.url}/whip/{order}/talk", "token": token}) == 201
    return page


async def heard(page: Page) -> dict[str, Any]:
    return dict(await page.evaluate(HEARD))


async def hears_more(page: Page) -> None:
    """Wait until more of the voice was played than before."""
    before = (await heard(page))["energy"]
    await eventually(lambda: heard(page), lambda now: now["energy"] > before + AUDIBLE)


async def hears_nothing(page: Page) -> None:
    """Wait until no packet arrives any more."""

    async def still() -> bool:
        before = await heard(page)
        await asyncio.sleep(SILENCE)
        return bool((await heard(page))["packets"] == before["packets"])

    await eventually(still)


async def set_mode(page: Page, mode: str) -> None:
    await page.check(f"talk-desk input[value={mode}]", force=True)


def deed(page: Page, event: str) -> Any:
    return page.locator(f"talk-desk [data-deed='{event}']").first


async def test_the_page_beside_obs_plays_customers_and_decides_who_speaks(
    browser: Browser, gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    page = await talkback(browser, gateway, order)
    await set_mode(page, "request")
    await talker(browser, gateway, order, foreign_page)
    await expect(page.locator(f"{ROW}[data-standing=waiting]")).to_contain_text("Anna asks to speak")
    await expect(page).to_have_title("(1) Talkback · Repair LIVE")
    await hears_nothing(page)
    assert (await heard(page))["energy"] == 0

    await deed(page, "talk:grant").click()
    await hears_more(page)
    await expect(page.locator(f"{ROW}[data-standing=speaking]")).to_contain_text("Anna")
    await expect(page).to_have_title("Talkback · Repair LIVE")

    await deed(page, "talk:mute").click()
    await expect(page.locator(f"{ROW}[data-standing=muted]")).to_be_visible()
    await hears_nothing(page)
    await deed(page, "talk:mute").click()
    await hears_more(page)

    await set_mode(page, "off")
    await expect(page.locator(ROW)).to_have_count(0)
    await hears_nothing(page)


async def test_the_page_beside_obs_hears_two_at_once_and_reconnects(
    browser: Browser, gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    page = await talkback(browser, gateway, order)
    for name in ("Anna", "Boris"):
        await talker(browser, gateway, order, foreign_page, name)
    lines = """async () => [...(await window.__repairTalkback.pc.getStats()).values()]
      .filter(s => s.type === "inbound-rtp" && s.totalAudioEnergy > 0.01).length"""
    await eventually(lambda: page.evaluate(lines), lambda count: count == 2)

    await page.evaluate("() => { window.before = window.__repairTalkback.pc; window.before.close(); }")
    # Nobody tells a page that its own connection was closed; its own timeouts do elsewhere.
    await page.evaluate("() => window.before.dispatchEvent(new Event('connectionstatechange'))")
    await page.wait_for_function(
        "() => window.__repairTalkback.pc !== window.before && window.__repairTalkback.state === 'listening'"
    )
    await hears_more(page)


async def test_the_page_beside_obs_fits_a_dock(browser: Browser, gateway: GatewayServer, order: str) -> None:
    page = await talkback(browser, gateway, order)
    await expect(page.locator("talk-desk input[value=open]")).to_be_checked()
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= 320
    box = await page.locator("talk-desk").bounding_box()
    assert box is not None
    assert box["y"] + 150 < 480


async def test_a_customers_token_opens_no_talkback(
    browser: Browser, gateway: GatewayServer, order: str
) -> None:
    page = await browser.new_page()
    await page.goto(f"{gateway.url}/talkback#token={gateway.watch_token(order)}")
    await expect(page.locator("token-form [role=alert]")).to_have_text(
        "This token does not allow listening to customers."
    )


@pytest.mark.parametrize("live_events", [True, False])
async def test_the_studio_hears_customers(
    browser: Browser, gateway: GatewayServer, order: str, foreign_page: str, live_events: bool
) -> None:
    page = await browser.new_page()
    if not live_events:
        await page.route("**/socket.io/**", lambda route: route.abort())
        await page.route_web_socket("**/socket.io/**", lambda socket: socket.close())
    await page.goto(f"{gateway.url}/studio#token={gateway.publish_token(order)}")
    await page.click("#go-live")
    await page.wait_for_function("() => window.__repairStudio?.state === 'live'", timeout=20_000)
    assert await page.evaluate("() => window.__repairStudio.hearsTogether") is live_events
    await talker(browser, gateway, order, foreign_page)
    await hears_more(page)
    await page.click("#end-live")
    assert await page.evaluate("() => window.__repairStudio.heard()") is None


async def customer(browser: Browser, gateway: GatewayServer, order: str, name: str) -> Page:
    """The viewer page of somebody who may speak, once its picture moves."""
    page = await browser.new_page()
    token = gateway.token(order, Scope.WATCH, Scope.TALK, subject=name)
    await page.goto(f"{gateway.url}/live-stream#token={token}")
    await page.wait_for_function("() => window.__repairLive?.state === 'playing'", timeout=30_000)
    return page


async def button_says(page: Page, state: str) -> None:
    await eventually(lambda: page.evaluate("() => window.__repairLive.talk.state"), lambda now: now == state)


async def studio_on_the_air(browser: Browser, gateway: GatewayServer, order: str) -> Page:
    page = await browser.new_page()
    await page.add_init_script(COUNT_NOTES)
    await page.goto(f"{gateway.url}/studio#token={gateway.publish_token(order)}")
    await page.click("#go-live")
    await page.wait_for_function("() => window.__repairStudio?.state === 'live'", timeout=20_000)
    return page


async def test_the_studio_decides_about_its_customers(
    browser: Browser, gateway: GatewayServer, order: str
) -> None:
    studio = await studio_on_the_air(browser, gateway, order)
    viewer = await customer(browser, gateway, order, "Anna")
    press = viewer.locator("talk-button #talk")
    await button_says(viewer, "idle")
    waiting = studio.locator(f"{ROW}[data-standing=waiting]")

    await set_mode(studio, "request")
    await press.click()
    await expect(waiting).to_contain_text("Anna asks to speak")
    await eventually(lambda: studio.evaluate("() => window.notes"), lambda notes: notes == CHIME)
    await deed(studio, "talk:deny").click()
    await button_says(viewer, "refused")
    await expect(waiting).to_have_count(0)
    await press.click()
    await eventually(lambda: studio.evaluate("() => window.notes"), lambda notes: notes == 2 * CHIME)
    await deed(studio, "talk:grant").click()
    await button_says(viewer, "turn")

    await press.hover()
    await viewer.mouse.down()
    await hears_more(studio)
    await expect(studio.locator("talk-desk .now")).to_contain_text("Anna is speaking")
    everybody = studio.locator("talk-desk #mute-all")
    await everybody.click()
    await button_says(viewer, "muted")
    await hears_nothing(studio)
    await viewer.mouse.up()
    await expect(everybody).to_have_attribute("aria-pressed", "true")
    await everybody.click()
    await set_mode(studio, "off")
    await button_says(viewer, "off")


async def test_the_studio_knows_its_customers(browser: Browser, gateway: GatewayServer, order: str) -> None:
    studio = await studio_on_the_air(browser, gateway, order)
    viewer = await customer(browser, gateway, order, "Anna")
    anna = studio.locator("people-list [data-viewer]")
    await expect(anna).to_contain_text("Anna", timeout=15_000)
    await expect(anna.locator("[data-verdict]")).to_have_attribute(
        "data-verdict", re.compile("good|fair|poor")
    )
    picture, delay = r"Picture\s*\d+p, \d+/s", r"Behind live\s*[\d.]+\sm?s"
    for figure in (picture, delay, r"Freezes\s*\d", r"Camera\s*Main camera"):
        await expect(anna).to_contain_text(re.compile(figure), timeout=15_000)

    await studio.fill("chat-panel #message", "Is the picture sharp?")
    await studio.press("chat-panel #message", "Enter")
    await expect(studio.locator("chat-panel .message.own")).to_contain_text("Is the picture sharp?")
    await studio.locator("marker-bar .deeds button", has_text="Battery removed").click()
    await expect(studio.locator("marker-bar li")).to_contain_text("Battery removed")

    await anna.locator("[data-deed=kick]").click()
    await studio.press("people-list #kick-yes", "Escape")
    await expect(studio.locator("people-list #kick-yes")).to_have_count(0)
    await anna.locator("[data-deed=kick]").click()
    await studio.click("people-list #kick-yes")
    await viewer.wait_for_function("() => window.__repairLive?.state === 'ended'", timeout=10_000)
    await expect(viewer.locator("viewer-overlay")).to_contain_text(BANNED)
    await viewer.reload()
    await expect(viewer.locator("viewer-overlay")).to_contain_text(BANNED)
    await expect(studio.locator("people-list")).to_contain_text("Nobody is watching yet", timeout=15_000)

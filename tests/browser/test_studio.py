"""The technician's page in Chromium: on the air, off the air, taken over by another window."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.components import real_component
from tests.gateway_server import ROOT, GatewayServer
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually

_STUDIO = """async () => {
  const studio = window.__repairStudio;
  const sent = studio?.pc ? await studio.stats() : {};
  return {state: studio?.state ?? "", uplink: studio?.uplink ?? null, ...sent};
}"""
_CAMERAS = """async () => Object.fromEntries(await Promise.all(
  Object.entries(window.__repairStudio.cameras).map(async ([name, camera]) => {
    const {layers = [], audioBitrate = 0} = await camera.stats() ?? {};
    const sender = camera.pc?.getSenders().find(each => each.track?.kind === "video");
    const bitrate = layers.reduce((sum, layer) => sum + layer.bitrate, 0);
    return [name, {state: camera.state, device: sender?.track.label ?? "", bitrate, audio: audioBitrate}];
  })))"""
_VIEWER = """async () => {
  const live = window.__repairLive;
  return {state: live?.state ?? "", session: live?.sessionUrl ?? "", ...(live?.pc ? await live.stats() : {})};
}"""


@pytest.fixture(autouse=True)
def _browser_and_pages() -> None:
    real_component("Chromium", EXECUTABLE)
    real_component("built pages", (ROOT / "gateway" / "pages" / "studio.html").exists())


async def studio_on_the_air(browser: Browser, gateway: GatewayServer, token: str) -> Page:
    page = await browser.new_page()
    await page.goto(f"{gateway.url}/studio#token={token}")
    await page.click("#go-live")
    await eventually(lambda: page.evaluate(_STUDIO), lambda now: now["state"] == "live")
    assert token not in page.url
    return page


def all_layers_flow(now: dict[str, Any]) -> bool:
    layers = now.get("layers", [])
    return len(layers) == 3 and all(layer["framesPerSecond"] >= 10 for layer in layers)


async def test_the_technician_broadcasts_and_the_customer_watches(gateway: GatewayServer, order: str) -> None:
    async with chromium() as browser:
        studio = await studio_on_the_air(browser, gateway, gateway.publish_token(order))
        sent = await eventually(lambda: studio.evaluate(_STUDIO), all_layers_flow, deadline=45)
        assert sent["codec"] == "H264"
        widest = max(layer["width"] for layer in sent["layers"])

        customer = await browser.new_page()
        await customer.goto(f"{gateway.url}/live-stream#token={gateway.watch_token(order)}")
        seen = await eventually(
            lambda: customer.evaluate(_VIEWER),
            lambda now: now["state"] == "playing" and now["frames"] >= 30 and now["width"] == widest,
            deadline=30,
        )
        await customer.click("#sound-on")
        await eventually(lambda: customer.evaluate(_VIEWER), lambda now: now["audioEnergy"] > 0)

        await studio.click("#end-live")
        await eventually(
            lambda: customer.evaluate(_VIEWER), lambda now: now["state"] in {"waiting", "reconnecting"}
        )
        await studio.click("#go-live")
        back = await eventually(
            lambda: customer.evaluate(_VIEWER),
            lambda now: now["state"] == "playing" and now["frames"] > seen["frames"] + 30,
            deadline=30,
        )
        assert back["session"] == seen["session"]


async def test_two_devices_broadcast_from_one_page(gateway: GatewayServer, order: str) -> None:
    async with chromium(cameras=3) as browser:
        page = await studio_on_the_air(browser, gateway, gateway.publish_token(order))
        main, second = (page.locator(f"studio-camera[data-camera={name}]") for name in ("main", "microscope"))
        await page.click("#add-camera")
        await second.locator("summary").click()
        await second.locator("select[name=cameraId]").select_option(label="fake_device_2")
        await second.locator("#go-live").click()
        sent = await eventually(
            lambda: page.evaluate(_CAMERAS),
            lambda now: all(now.get(name, {}).get("bitrate", 0) > 0 for name in ("main", "microscope")),
            deadline=30,
        )
        assert sent["main"]["device"] != sent["microscope"]["device"]
        assert sent["main"]["audio"] > 0 == sent["microscope"]["audio"]
        listed = page.locator("camera-list li")
        for name in ("Main camera", "Microscope"):
            row = listed.filter(has_text=f"{name} (this page)")
            await expect(row).to_contain_text(re.compile(r"on the air since .*H264 .*180p, \d+/s", re.DOTALL))
        await page.fill("#camera-name", "камера")
        await page.click("#add-camera")
        await expect(page.locator("camera-form [role=alert]")).not_to_be_empty()

        # Customers are heard on, though the camera on whose connection they were is gone.
        assert await page.evaluate("() => window.__repairStudio.hearsTogether")
        await main.locator("#end-live").click()
        await expect(listed.filter(has_text="Main camera")).to_contain_text("off the air")
        await eventually(lambda: page.evaluate("() => window.__repairStudio.heard()"))
        now = await page.evaluate(_CAMERAS)
        assert [now[name]["state"] for name in ("main", "microscope")] == ["idle", "live"]
        await second.locator("#end-live").click()
        await second.locator("#remove-camera").click()
        await expect(page.locator("studio-camera")).to_have_count(1)


async def test_another_window_of_the_technician_takes_over(gateway: GatewayServer, order: str) -> None:
    token = gateway.publish_token(order)
    async with chromium() as browser:
        first = await studio_on_the_air(browser, gateway, token)
        second = await studio_on_the_air(browser, gateway, token)
        await eventually(lambda: first.evaluate(_STUDIO), lambda now: now["state"] == "idle")
        # It says why, and does not fight for the camera.
        await expect(first.locator("studio-desk [role=alert]").first).not_to_be_empty()
        await eventually(lambda: second.evaluate(_STUDIO), all_layers_flow, deadline=45)


async def test_the_camera_of_another_technician_is_busy(gateway: GatewayServer, order: str) -> None:
    async with chromium() as browser:
        first = await studio_on_the_air(browser, gateway, gateway.publish_token(order, subject="anna"))
        second = await browser.new_page()
        await second.goto(f"{gateway.url}/studio#token={gateway.publish_token(order, subject='boris')}")
        await second.click("#go-live")
        await expect(second.locator("studio-desk [role=alert]").first).not_to_be_empty()
        assert (await second.evaluate(_STUDIO))["state"] == "idle"
        assert (await first.evaluate(_STUDIO))["state"] == "live"


async def test_the_technician_sees_what_the_uplink_carries(gateway: GatewayServer, order: str) -> None:
    async with chromium() as browser:
        studio = await studio_on_the_air(browser, gateway, gateway.publish_token(order))
        line = studio.locator("uplink-line")
        told = await eventually(
            lambda: studio.evaluate(_STUDIO),
            lambda now: now["uplink"] is not None and now["uplink"]["told"] and now["uplink"]["carried"] > 0,
            deadline=30,
        )
        assert told["uplink"]["wanted"] == 3_000_000
        # A new link for the same order, opened in the same tab, changes nothing but the token.
        await studio.evaluate("() => { window.first = window.__repairStudio.pc; }")
        token = gateway.publish_token(order)
        await studio.evaluate("token => { location.hash = `token=${token}`; }", token)
        await eventually(
            lambda: studio.evaluate("() => sessionStorage.liveStudioToken"), lambda now: now == token
        )
        assert token not in studio.url
        assert await studio.evaluate("() => !!window.first && window.__repairStudio.pc === window.first")
        await expect(line).to_contain_text(re.compile(r"Your uplink carries [\d.]+ of 3\sMbit/s"))
        await studio.click("#end-live")
        await expect(line).to_be_hidden()

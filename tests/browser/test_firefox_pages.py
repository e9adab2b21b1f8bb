"""Our own pages in Firefox: a technician broadcasts and hears, a customer watches, chooses and speaks."""

from __future__ import annotations

from typing import Any

from gateway.access.grants import Scope
from tests.components import real_component
from tests.gateway_server import ROOT, GatewayServer
from tests.peers.browser_media import BrowserPeer
from tests.peers.chromium import EXECUTABLE as CHROMIUM
from tests.peers.chromium import chromium
from tests.peers.firefox import EXECUTABLE, FirefoxPage, firefox
from tests.waiting import eventually

_CLICK = """selector => {
  const found = root => root.querySelector(selector) ?? [...root.querySelectorAll("*")].reduce(
    (seen, {shadowRoot}) => seen ?? (shadowRoot && found(shadowRoot)), null);
  const element = found(document);
  if (!element || element.disabled) return false;
  element.click();
  return true;
}"""
_VIEWER = """async () => {
  const live = window.__repairLive;
  return {frames: 0, audioEnergy: 0, ...(live?.pc ? await live.stats() : {}),
    state: live?.state, talk: live?.talk.state, shown: live?.cameras.shown,
    offered: live?.quality?.options.length ?? 0};
}"""
_STUDIO = """async () => {
  const studio = window.__repairStudio;
  const sent = studio?.pc ? await studio.stats() : {};
  return {layers: [], ...sent, state: studio?.state, energy: (await studio?.heard())?.energy ?? 0};
}"""
LOUD = 0.001
"""Sound energy (full scale squared, times seconds) of a second that is not silent."""


async def click(page: FirefoxPage, selector: str) -> None:
    await eventually(lambda: page.evaluate(_CLICK, selector), deadline=30)


async def plays(page: FirefoxPage, camera: str) -> dict[str, Any]:
    """The customer's page once the picture of this camera moves and its sound is heard."""
    before = await eventually(
        lambda: page.evaluate(_VIEWER),
        lambda now: now["state"] == "playing" and now["shown"] == camera,
        deadline=40,
    )
    return dict(
        await eventually(
            lambda: page.evaluate(_VIEWER),
            lambda now: (
                now["frames"] >= before["frames"] + 30 and now["audioEnergy"] > before["audioEnergy"] + LOUD
            ),
            deadline=30,
        )
    )


async def test_the_pages_work_in_firefox(gateway: GatewayServer, order: str, foreign_page: str) -> None:
    real_component("Firefox", EXECUTABLE)
    real_component("Chromium", CHROMIUM)
    real_component("built pages", (ROOT / "gateway" / "pages" / "studio.html").exists())
    async with chromium() as other, firefox() as browser:
        microscope = await other.new_page()
        await microscope.goto(foreign_page)
        published = await BrowserPeer(microscope, "microscope").publish(
            f"{gateway.url}/whip/{order}/microscope", gateway.publish_token(order), codec="vp8"
        )
        assert published.status == 201

        viewer = await browser.new_page()
        token = gateway.token(order, Scope.WATCH, Scope.TALK, subject="Anna")
        await viewer.goto(f"{gateway.url}/live-stream#token={token}")
        await click(viewer, "#sound-on")
        await plays(viewer, "microscope")

        studio = await browser.new_page()
        await studio.goto(f"{gateway.url}/studio#token={gateway.publish_token(order)}")
        await click(studio, "#go-live")
        sent = await eventually(
            lambda: studio.evaluate(_STUDIO),
            lambda now: (
                now["state"] == "live" and any(layer["framesPerSecond"] >= 10 for layer in now["layers"])
            ),
            deadline=30,
        )
        print(f"Firefox sends {sent['codec']} {[layer['width'] for layer in sent['layers']]}")

        await viewer.show()
        await click(viewer, "[data-camera=main]")
        await plays(viewer, "main")

        await eventually(lambda: viewer.evaluate(_VIEWER), lambda now: now["offered"] == 3)
        assert (await studio.evaluate(_STUDIO))["energy"] == 0
        await viewer.key(" ", down=True)
        await eventually(lambda: viewer.evaluate(_VIEWER), lambda now: now["talk"] == "speaking")
        await eventually(lambda: studio.evaluate(_STUDIO), lambda now: now["energy"] > LOUD)
        await viewer.key(" ", down=False)
        await eventually(lambda: viewer.evaluate(_VIEWER), lambda now: now["talk"] == "idle")

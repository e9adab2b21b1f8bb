"""Pictures of each state of our pages, on phone and desktop, in three languages, and what is wrong there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.access.grants import Scope
from tests import live_page
from tests.browser.page_album import AXE, LAPTOP, PHONE, WALL, Album
from tests.components import real_component
from tests.gateway_server import ROOT, GatewayServer
from tests.peers.browser_media import BrowserPeer
from tests.peers.chromium import EXECUTABLE, chromium

SIDEWAYS = (640, 360)
DOCK = (320, 480)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    real_component("Chromium", EXECUTABLE)
    real_component("built pages", (ROOT / "gateway" / "pages" / "talkback.html").exists())
    real_component("axe-core", AXE.exists())
    async with chromium() as browser:
        yield browser


async def refuse(page: Page, status: int, **headers: str) -> None:
    """Let the next login be refused like this."""
    body = json.dumps({"status": status, "error": ""})
    await page.route(
        "**/authenticate",
        lambda route: route.fulfill(
            status=status, body=body, headers={"Content-Type": "application/problem+json", **headers}
        ),
    )
    await page.click("login-dialog button[type=submit]")


PEOPLE = frozenset({"Anna", "Boris", "technician", "main", "microscope"})
SAID = (
    ("technician", "The display is off."),
    ("Anna", "Wonderful! Is the battery still good? It was empty by noon all of last winter."),
    ("technician", "It is swollen, as you can see under the microscope. Shall I put in a new one?"),
    ("Anna", "Yes, please."),
)
MARKED = ("Device opened", "Battery removed: swollen on the left side")
FAMILIAR = frozenset(
    {"Repair LIVE", "LIVE", "main", "microscope", *PEOPLE, *MARKED, *(text for _, text in SAID)}
)

MICROPHONE = """() => {
  const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices);
  // "", or the name of what the browser throws; a promise while it asks.
  window.microphone = window.permission ?? "";
  devices.getUserMedia = async wanted => {
    const name = await window.microphone;
    if (name) throw new DOMException("", name);
    return open(wanted);
  };
}"""
CUT = """window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(url) {
    super(window.unreachable ? "ws://127.0.0.1:9/" : url);
    window.sockets.push(this);
  }
};
const reach = window.fetch;
window.fetch = (...request) => window.unreachable ? Promise.reject(new TypeError()) : reach(...request);
window.cutOff = () => {
  window.unreachable = true;
  window.sockets.forEach(socket => socket.close());
  reach(window.__repairLive.sessionUrl, {method: "DELETE"});
};"""
"""A page that the gateway can be taken from."""


class Household:
    """The people of an order who have no page in the browser: they only say and decide."""

    def __init__(self, gateway: GatewayServer, order: str) -> None:
        self._gateway, self._order = gateway, order
        self._pages: dict[str, live_page.Page] = {}

    async def ask(self, name: str, event: str, **payload: Any) -> None:
        """Somebody sends an event; only a place in the queue is no refusal."""
        page = await self._page(name)
        answer = await page.ask(event, payload)
        assert answer.get("ok") or answer["code"] == "talk_waiting", (event, answer)

    async def technician(self) -> live_page.Page:
        return await self._page("technician")

    async def viewer_id(self, name: str) -> str:
        """Of a customer who is in the list of people."""
        desk = await self.technician()
        people = await desk.hears_that(
            "people", lambda told: any(each["name"] == name for each in told["viewers"])
        )
        return next(str(each["viewerId"]) for each in people["viewers"] if each["name"] == name)

    async def leave(self) -> None:
        for page in self._pages.values():
            await page.client.disconnect()

    async def _page(self, name: str) -> live_page.Page:
        if name not in self._pages:
            scopes = [Scope.PUBLISH] if name == "technician" else [Scope.WATCH, Scope.TALK]
            page = self._pages[name] = live_page.Page()
            await page.connect(
                self._gateway.url,
                {"token": self._gateway.token(self._order, *scopes, subject=name), "name": name},
            )
        return self._pages[name]


@dataclass
class Story:
    """One order from before the broadcast to its end, on the pages of a customer and a technician."""

    album: Album
    viewer: Page
    studio: Page
    talkback: Page
    house: Household

    async def talk(self, state: str, picture: str = "") -> None:
        """Wait until the customer's button is in this state, and take the customer's page."""
        await self.viewer.wait_for_function(
            "state => window.__repairLive.talk.state === state", arg=state, timeout=10_000
        )
        await self.album.take(self.viewer, f"viewer-talk-{picture or state}")

    async def plays(self) -> None:
        await self.viewer.wait_for_function("() => window.__repairLive.state === 'playing'", timeout=30_000)

    async def microphone(self, answer: str) -> None:
        await self.viewer.evaluate("name => { window.microphone = name; }", answer)

    async def hold(self) -> None:
        await self.viewer.keyboard.down("Space")

    async def let_go(self) -> None:
        await self.viewer.keyboard.up("Space")


async def before_the_broadcast(story: Story, gateway: GatewayServer, order: str) -> None:
    album, studio, viewer, talkback = story.album, story.studio, story.viewer, story.talkback
    for page, name in ((studio, "studio"), (talkback, "talkback")):
        await page.goto(f"{gateway.url}/{name}")
        await album.take(page, f"{name}-token")
    await studio.fill("token-form #token", "no token")
    await studio.press("token-form #token", "Enter")
    await expect(studio.locator("token-form [role=alert]")).not_to_be_empty()
    await album.take(studio, "studio-token-refused")
    for page in (studio, talkback):
        await page.fill(
            "token-form #token", gateway.token(order, Scope.PUBLISH, subject="technician", ttl=14_400)
        )
        await page.press("token-form #token", "Enter")
    await studio.bring_to_front()
    await expect(studio.locator("#retry")).to_be_visible()
    await album.take(studio, "studio-camera-denied")
    await studio.evaluate("() => { window.microphone = ''; }")
    await studio.click("#retry")
    await expect(studio.locator("#go-live")).to_be_enabled(timeout=15_000)
    await album.take(studio, "studio-ready")
    await viewer.goto(f"{gateway.url}/live-stream#token=wrong")
    await viewer.wait_for_function("() => window.__repairLive?.state === 'error'")
    await album.take(viewer, "viewer-wrong-link")
    token = gateway.token(order, Scope.WATCH, Scope.TALK, subject="Anna")
    await viewer.goto("about:blank")
    await viewer.goto(f"{gateway.url}/live-stream#token={token}")
    await viewer.wait_for_function("() => window.__repairLive?.state === 'waiting'")
    await album.take(viewer, "viewer-waiting")


async def on_the_air(story: Story) -> None:
    album, studio, viewer = story.album, story.studio, story.viewer
    await studio.click("#go-live")
    await story.plays()
    await viewer.wait_for_function("() => window.__repairLive.quality?.options.length === 3", timeout=40_000)
    await album.take(viewer, "viewer-live", sizes=(PHONE, LAPTOP, WALL, SIDEWAYS))
    await viewer.click("#sound-on")
    await viewer.click("#quality")
    await album.take(viewer, "viewer-quality")
    await viewer.keyboard.press("Escape")
    await viewer.keyboard.press("i")
    await expect(viewer.locator("stats-panel #copy")).to_be_visible()
    album.same_everywhere |= set(await viewer.locator("stats-panel dd").all_inner_texts())
    await album.take(viewer, "viewer-statistics", sizes=(PHONE, LAPTOP, SIDEWAYS))
    await viewer.keyboard.press("i")
    await viewer.keyboard.press("Shift+?")
    await album.take(viewer, "viewer-keys")
    await viewer.keyboard.press("Escape")
    for name, text in SAID:
        await story.house.ask(name, "chat:send", text=text)
    for label in MARKED:
        await story.house.ask("technician", "marker:add", label=label)
    await viewer.click("#chat")
    await expect(viewer.locator("chat-panel .message")).to_have_count(len(SAID))
    await album.take(viewer, "viewer-chat", sizes=(PHONE, LAPTOP, SIDEWAYS))
    await viewer.press("chat-panel #message", "Escape")
    await expect(studio.locator("people-list [data-viewer]").first).to_be_visible()
    await album.take(studio, "studio-live", sizes=(PHONE, LAPTOP, WALL))
    await studio.click("people-list [data-deed=kick] >> nth=0")
    await album.take(studio, "studio-removing")
    await studio.keyboard.press("Escape")


async def speaking(story: Story) -> None:
    album, house = story.album, story.house
    await house.ask("technician", "talk:policy", mode="request")
    await story.talk("idle", "request")
    await story.viewer.evaluate(
        "() => { window.microphone = new Promise(answer => { window.answer = answer; }); }"
    )
    await story.hold()
    await story.talk("asking")
    await story.viewer.evaluate("() => window.answer('NotAllowedError')")
    await story.talk("denied")
    await story.let_go()
    for error, state in (("NotFoundError", "missing"), ("NotReadableError", "taken")):
        await story.microphone(error)
        await story.hold()
        await story.talk(state)
        await story.let_go()

    await story.microphone("")
    await house.ask("Boris", "talk:request")
    await story.hold()
    await story.talk("waiting")
    await expect(story.talkback.locator("talk-desk [data-standing=waiting]")).to_have_count(2)
    await album.take(story.studio, "studio-request")
    await album.take(story.talkback, "talkback-request", sizes=(DOCK, PHONE, LAPTOP, WALL))
    await story.let_go()
    anna = await house.viewer_id("Anna")
    await house.ask("technician", "talk:grant", viewerId=anna)
    await story.talk("turn")
    await story.hold()
    await story.talk("speaking")
    await album.take(story.studio, "studio-speaking")
    await house.ask("technician", "talk:deny", viewerId=anna)
    await story.talk("refused")
    await story.let_go()
    await house.ask("technician", "talk:mute", viewerId=anna)
    await story.talk("muted")
    await house.ask("technician", "talk:mute", viewerId=anna, muted=False)
    await house.ask("technician", "talk:policy", mode="off")
    await story.talk("off")
    await house.ask("technician", "talk:policy", mode="open")
    await story.talk("idle")


async def two_cameras(story: Story, gateway: GatewayServer, order: str, page: Page) -> None:
    viewer = story.viewer
    microscope = BrowserPeer(page, "microscope")
    token = gateway.publish_token(order)
    assert (
        await microscope.publish(f"{gateway.url}/whip/{order}/microscope", token, codec="vp8")
    ).status == 201
    await expect(viewer.locator("camera-strip [data-camera=microscope] video")).to_be_visible(timeout=20_000)
    await story.album.take(viewer, "viewer-cameras", sizes=(PHONE, LAPTOP, SIDEWAYS))
    await story.album.take(story.studio, "studio-cameras", sizes=(LAPTOP,))
    await viewer.click("camera-strip [data-pin=microscope]")
    await expect(viewer.locator("pinned-camera")).to_be_visible()
    await story.album.take(viewer, "viewer-pinned", sizes=(PHONE, LAPTOP, SIDEWAYS))
    await viewer.click("pinned-camera #unpin")
    await viewer.click("camera-strip [data-camera=microscope]")
    await viewer.wait_for_function("() => window.__repairLive.cameras.shown === 'microscope'")
    await microscope.close()
    await expect(viewer.locator(".away")).to_be_visible()
    await story.album.take(viewer, "viewer-camera-away")


async def the_end(story: Story) -> None:
    album, viewer, studio = story.album, story.viewer, story.studio
    await viewer.evaluate("() => window.cutOff()")
    await viewer.wait_for_function("() => window.__repairLive.state === 'reconnecting'")
    await album.take(viewer, "viewer-reconnecting")
    await viewer.evaluate("() => { window.unreachable = false; }")
    await story.plays()
    await story.house.ask("technician", "viewer:kick", viewerId=await story.house.viewer_id("Anna"))
    await viewer.wait_for_function("() => window.__repairLive.state === 'ended'")
    await album.take(viewer, "viewer-kicked")
    await studio.click("#end-live")
    await studio.wait_for_function("() => window.__repairStudio.state === 'idle'")
    await album.take(studio, "studio-ended")


async def test_the_pages_of_customer_and_technician(
    browser: Browser, gateway: GatewayServer, order: str, foreign_page: str
) -> None:
    album = Album(FAMILIAR | {order})
    context = await browser.new_context()
    await album.prepare(context)
    viewer, studio, talkback, other = [await context.new_page() for _ in range(4)]
    await studio.add_init_script("window.permission = 'NotAllowedError'")
    for page in (viewer, studio):
        await page.add_init_script(f"({MICROPHONE})()")
    await viewer.add_init_script(CUT)
    await other.goto(foreign_page)
    house = Household(gateway, order)
    story = Story(album, viewer, studio, talkback, house)
    try:
        await before_the_broadcast(story, gateway, order)
        await on_the_air(story)
        await two_cameras(story, gateway, order, other)
        await speaking(story)
        await the_end(story)
    finally:
        await house.leave()
        print("\n".join(album.faults))
    album.check()


async def test_the_shop_window(browser: Browser, gateway: GatewayServer) -> None:
    album = Album(frozenset({"Repair LIVE", "repair_1042"}))
    context = await browser.new_context()
    await album.prepare(context)
    page = await context.new_page()
    await page.goto(gateway.url)
    await album.take(page, "landing", sizes=(PHONE, LAPTOP, WALL))
    await page.click("#watch")
    await album.take(page, "login")
    await page.fill("login-dialog #login", "repair_1042")
    await page.fill("login-dialog #password", "not the password")
    await page.click("login-dialog button[type=submit]")
    await expect(page.locator("login-dialog [role=alert]")).not_to_be_empty()
    await album.take(page, "login-wrong")
    await refuse(page, 403)
    await album.take(page, "login-expired")
    await refuse(page, 429, **{"Retry-After": "95"})
    await expect(page.locator("login-dialog button[type=submit]")).to_be_disabled()
    await album.take(page, "login-limited")
    album.check()

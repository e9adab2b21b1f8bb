"""ICE restarts by PATCH in mid-session, from a real browser: the picture never stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.components import real_component
from tests.gateway_server import GatewayServer
from tests.peers.browser_media import BrowserPeer
from tests.peers.chromium import EXECUTABLE, chromium
from tests.waiting import eventually

LONGEST = 2.0
"""Seconds that no picture may take: a new session would have to connect, a lost one be noticed first."""

_RESTART = """async ({name, url, etag, takenUp}) => {
  const peer = window.peers[name];
  const offer = await peer.createOffer({iceRestart: true});
  await peer.setLocalDescription(offer);
  const field = (text, key) => text.match(new RegExp(`^a=${key}:(.*)$`, "m"))[1].trim();
  const ufrag = field(offer.sdp, "ice-ufrag");
  const body = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${field(offer.sdp, "ice-pwd")}`,
    "m=audio 9 UDP/TLS/RTP/SAVPF 0", `a=mid:${field(offer.sdp, "mid")}`,
    "a=end-of-candidates", ""].join("\\r\\n");
  const response = await fetch(url, {method: "PATCH", body, headers: {
    "Content-Type": "application/trickle-ice-sdpfrag", ...(etag ? {"If-Match": etag} : {})}});
  const fragment = await response.text();
  if (response.status !== 200 || !takenUp) {
    await peer.setLocalDescription({type: "rollback"});
  } else {
    const credential = key => text => text.replace(
      new RegExp(`^a=${key}:.*$`, "gm"), `a=${key}:${field(fragment, key)}`);
    const sdp = credential("ice-pwd")(credential("ice-ufrag")(peer.remoteDescription.sdp));
    await peer.setRemoteDescription({type: "answer", sdp});
  }
  return {status: response.status, ufrag};
}"""

_OBSERVE = """name => {
  const peer = window.peers[name], video = document.querySelector("video");
  const seen = window.seen = {states: [], longest: 0};
  peer.addEventListener("iceconnectionstatechange", () => seen.states.push(peer.iceConnectionState));
  let last = performance.now();
  const shown = () => {
    const now = performance.now();
    seen.longest = Math.max(seen.longest, (now - last) / 1000);
    last = now;
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
}"""

_PATH = """async name => {
  const report = await window.peers[name].getStats();
  const transport = [...report.values()].find(s => s.type === "transport");
  const pair = report.get(transport?.selectedCandidatePairId);
  return {ufrag: report.get(pair?.localCandidateId)?.usernameFragment, answers: pair?.responsesReceived ?? 0};
}"""


@dataclass(frozen=True)
class Stage:
    """A technician and a customer in one page, one of them observed."""

    page: Any
    name: str
    customer: BrowserPeer
    session: str

    async def restart(self, etag: str | None = "*", *, taken_up: bool = True) -> dict[str, Any]:
        arguments = {"name": self.name, "url": self.session, "etag": etag, "takenUp": taken_up}
        return dict(await self.page.evaluate(_RESTART, arguments))

    async def path(self) -> dict[str, Any]:
        """The selected path's user name fragment on the browser's side, and its answered checks."""
        return dict(await self.page.evaluate(_PATH, self.name))

    async def moves(self) -> None:
        """See two more seconds of picture."""
        frames = (await self.customer.statistics()).frames
        await eventually(self.customer.statistics, lambda seen: seen.frames >= frames + 60)

    async def never_stood_still(self) -> None:
        seen = await self.page.evaluate("() => window.seen")
        assert seen["longest"] < LONGEST
        assert not {"disconnected", "failed", "closed"} & set(seen["states"])


@pytest.mark.parametrize("who", ["technician", "customer"])
async def test_a_browser_restarts_ice_and_the_picture_goes_on(
    gateway: GatewayServer, order: str, foreign_page: str, who: str
) -> None:
    real_component("Chromium", EXECUTABLE)
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(foreign_page)
        technician, customer = BrowserPeer(page, "technician"), BrowserPeer(page, "customer")
        token = gateway.publish_token(order)
        published = await technician.publish(f"{gateway.url}/whip/{order}", token, codec="vp8")
        watched = await customer.watch(f"{gateway.url}/whep/{order}", gateway.watch_token(order))
        location = (published if who == "technician" else watched).location
        stage = Stage(page, who, customer, f"{gateway.url}{location}")
        await eventually(customer.statistics, lambda seen: seen.frames >= 30, deadline=30)
        await page.evaluate(_OBSERVE, who)

        before = await stage.path()
        for etag, taken_up, status in ((None, True, 428), ('"stale"', True, 412), ("*", False, 200)):
            failed = await stage.restart(etag, taken_up=taken_up)
            assert failed["status"] == status
            await stage.moves()
            assert (await stage.path())["ufrag"] == before["ufrag"], "a restart that failed changes nothing"

        for _ in range(2):
            restarted = await stage.restart()
            assert restarted["status"] == 200

            def uses_it(path: dict[str, Any], wanted: str = restarted["ufrag"]) -> bool:
                return path["ufrag"] == wanted and path["answers"] >= 2  # ours, later ones too

            await eventually(stage.path, uses_it)
            await stage.moves()
        await stage.never_stood_still()

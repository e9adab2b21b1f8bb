"""Record the offers that real clients send, as fixtures for the SDP tests.

    .venv/bin/python -m tools.capture_offers [NAME …]

Each client is pointed at an HTTP endpoint on loopback that keeps the body byte by byte and refuses the
session. Clients: chromium, firefox, gstreamer, ffmpeg, aiortc (default: all of them).
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from aiortc import RTCPeerConnection
from aiortc.contrib.media import MediaPlayer

from tests.peers import ffmpeg, gstreamer
from tests.peers.chromium import EXECUTABLE as CHROMIUM
from tests.peers.chromium import chromium
from tests.peers.firefox import EXECUTABLE as FIREFOX
from tests.peers.firefox import firefox
from tests.peers.processes import running

OFFERS = Path(__file__).parents[1] / "tests" / "conformance" / "offers"

# What a page of ours would do: wait for all candidates, then POST. `audio` and `video` count the lines that
# only receive; `talk` adds the line of a microphone that nobody has asked for yet.
POST_OFFER = """async ({url, publish, codec, simulcast, audio, video, talk}) => {
  const peer = new RTCPeerConnection();
  if (publish) {
    const media = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720}});
    const [sound] = media.getAudioTracks(), [picture] = media.getVideoTracks();
    const encodings = [
      {rid: "q", scaleResolutionDownBy: 4}, {rid: "h", scaleResolutionDownBy: 2}, {rid: "f"}];
    peer.addTransceiver(sound, {direction: "sendonly", streams: [media]});
    const sender = peer.addTransceiver(picture, {
      direction: "sendonly", streams: [media], ...(simulcast ? {sendEncodings: encodings} : {})});
    const codecs = RTCRtpSender.getCapabilities("video").codecs;
    const first = codecs.filter(c => c.mimeType.toLowerCase() === `video/${codec}`);
    sender.setCodecPreferences([...first, ...codecs.filter(c => !first.includes(c))]);
  }
  for (let n = 0; n < audio; n++) peer.addTransceiver("audio", {direction: "recvonly"});
  for (let n = 0; n < video; n++) peer.addTransceiver("video", {direction: "recvonly"});
  if (talk) peer.addTransceiver("audio", {direction: "sendonly"});
  await peer.setLocalDescription();
  if (peer.iceGatheringState !== "complete") await new Promise(resolve => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
  });
  await fetch(url, {method: "POST", body: peer.localDescription.sdp});
  peer.close();
}"""


class Recorder:
    """An endpoint that keeps what is posted to `/NAME` as NAME.sdp."""

    def __init__(self) -> None:
        self.base = ""
        self._arrived: dict[str, asyncio.Event] = {}

    async def start(self) -> web.AppRunner:
        application = web.Application()
        application.router.add_get("/", self._page)
        application.router.add_post("/{name}", self._record)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.base = f"http://{host}:{port}"
        return runner

    async def arrival(self, name: str) -> None:
        await asyncio.wait_for(self._arrived.setdefault(name, asyncio.Event()).wait(), 30)

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>offers</title>", content_type="text/html")

    async def _record(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        (OFFERS / f"{name}.sdp").write_bytes(await request.read())
        self._arrived.setdefault(name, asyncio.Event()).set()
        return web.Response(status=422)


def major_version(executable: str | None) -> str:
    """The major version that a browser prints."""
    text = subprocess.run([executable or "false", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.", text)
    assert found, f"no version in {text!r}"
    return found[1]


PUBLISH = {"publish": True, "codec": "vp8", "simulcast": False, "audio": 0, "video": 0, "talk": False}
PLAY = {**PUBLISH, "publish": False, "audio": 1, "video": 1}

BOTH_WAYS: dict[str, dict[str, Any]] = {
    "play-talk": {**PLAY, "talk": True},
    "play-cameras": {**PLAY, "video": 4},
    "studio": {**PUBLISH, "simulcast": True, "audio": 3},
}
"""Offers of our own pages: a viewer that may talk, one that sees all cameras, a technician who listens."""


async def browser_offers(
    page: Any, recorder: Recorder, client: str, cases: dict[str, dict[str, Any]]
) -> None:
    await page.goto(f"{recorder.base}/")
    for name, case in cases.items():
        file = f"{client}-{name}"
        await page.evaluate(POST_OFFER, {"url": f"/{file}", **case})
        await recorder.arrival(file)


async def from_chromium(recorder: Recorder) -> None:
    cases = {
        "publish-h264-simulcast": {**PUBLISH, "codec": "h264", "simulcast": True},
        "publish-vp8-simulcast": {**PUBLISH, "simulcast": True},
        "publish-vp8": PUBLISH,
        "play": PLAY,
        **BOTH_WAYS,
    }
    async with chromium() as browser:
        page = await browser.new_page()
        await browser_offers(page, recorder, f"chromium-{major_version(CHROMIUM)}", cases)


async def from_firefox(recorder: Recorder) -> None:
    cases = {
        "publish-vp8": PUBLISH,
        "publish-simulcast": {**PUBLISH, "simulcast": True},
        "play": PLAY,
        **BOTH_WAYS,
    }
    async with firefox() as browser:
        page = await browser.new_page()
        await browser_offers(page, recorder, f"firefox-{major_version(FIREFOX)}", cases)


async def from_gstreamer(recorder: Recorder) -> None:
    client = f"gstreamer-{gstreamer.version()}"
    for mode, codec, name in (
        ("publish", "h264", "publish-h264"),
        ("publish", "vp8", "publish-vp8"),
        ("play", "h264", "play"),
        ("play", "vp8", "play-vp8"),
    ):
        file = f"{client}-{name}"
        command = gstreamer.client_command(mode, codec, f"{recorder.base}/{file}")  # type: ignore[arg-type]
        async with running(*command):
            await recorder.arrival(file)


async def from_ffmpeg(recorder: Recorder) -> None:
    file = f"ffmpeg-{ffmpeg.version()}-publish"
    async with running(*ffmpeg.publish_command(f"{recorder.base}/{file}", seconds=10)):
        await recorder.arrival(file)


async def from_aiortc(recorder: Recorder) -> None:
    for name in ("publish", "play"):
        peer = RTCPeerConnection()
        if name == "publish":
            peer.addTrack(MediaPlayer("sine=frequency=440:sample_rate=48000", format="lavfi").audio)
            peer.addTrack(MediaPlayer("testsrc2=size=640x360:rate=30", format="lavfi").video)
        else:
            peer.addTransceiver("audio", direction="recvonly")
            peer.addTransceiver("video", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        async with ClientSession() as http:
            await http.post(f"{recorder.base}/aiortc-1.16-{name}", data=peer.localDescription.sdp)
        await peer.close()


CLIENTS: dict[str, Callable[[Recorder], Awaitable[None]]] = {
    "chromium": from_chromium,
    "firefox": from_firefox,
    "gstreamer": from_gstreamer,
    "ffmpeg": from_ffmpeg,
    "aiortc": from_aiortc,
}


async def main(names: list[str]) -> None:
    OFFERS.mkdir(parents=True, exist_ok=True)
    recorder = Recorder()
    runner = await recorder.start()
    try:
        for name in names or CLIENTS:
            await CLIENTS[name](recorder)
            print(f"{name}: recorded")
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

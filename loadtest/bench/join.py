"""Time from the WHEP POST to the first frame on the screen, in Chromium, with a live publisher.

The publisher is the demo's camera (H264, three layers). Each join is a fresh connection in one page; the
frame counts when `requestVideoFrameCallback` reports it, which is after decoding.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator

from playwright.async_api import Page, async_playwright

from loadtest.bench.figures import percentile, progress
from loadtest.bench.gateway_process import RunningGateway, gateway

LIVE_TIMEOUT = 30.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)
_JOIN = """async ({url, token}) => {
  const connection = new RTCPeerConnection();
  const video = document.createElement("video");
  video.muted = true; video.autoplay = true; video.playsInline = true;
  document.body.append(video);
  const stream = new MediaStream();
  connection.ontrack = ({track}) => { stream.addTrack(track); video.srcObject = stream; };
  connection.addTransceiver("audio", {direction: "recvonly"});
  connection.addTransceiver("video", {direction: "recvonly"});
  await connection.setLocalDescription();
  const first = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no frame in 10 s")), 10000);
    video.requestVideoFrameCallback(() => resolve(performance.now()));
  });
  first.catch(() => undefined);
  const headers = {"Content-Type": "application/sdp", Authorization: `Bearer ${token}`};
  const began = performance.now();
  const body = connection.localDescription.sdp;
  const response = await fetch(url, {method: "POST", headers, body});
  if (response.status !== 201) throw new Error(`HTTP ${response.status}`);
  const answered = performance.now();
  await connection.setRemoteDescription({type: "answer", sdp: await response.text()});
  const shown = await first;
  const size = [video.videoWidth, video.videoHeight];
  await fetch(response.headers.get("Location"), {method: "DELETE", headers});
  connection.close(); video.remove();
  return {answered: answered - began, shown: shown - began, size};
}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `join`."""
    parser.add_argument("--joins", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.73, help="seconds between joins, off the GOP's beat")
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="path of the browser")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure; milliseconds."""
    if options.chromium is None:
        raise SystemExit("Chromium is not installed: name it with --chromium")
    with gateway() as running:
        return asyncio.run(_measure(running, options))


async def _measure(running: RunningGateway, options: argparse.Namespace) -> dict[str, object]:
    async with _camera(running), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=list(FLAGS))
        page = await browser.new_page()
        await page.goto(f"{running.base}/healthz")
        await _until_live(page, running)
        joins = []
        for number in range(options.joins):
            joins.append(await page.evaluate(_JOIN, {"url": running.whep, "token": running.watch_token}))
            shown, (width, height) = joins[-1]["shown"], joins[-1]["size"]
            progress(f"join {number + 1}/{options.joins}: {shown:.0f} ms, {width}x{height}")
            await asyncio.sleep(options.pause)
        await browser.close()
    shown = [join["shown"] for join in joins]
    return {
        "benchmark": "join",
        "joins": len(joins),
        "answer_p50_ms": percentile([join["answered"] for join in joins], 0.5),
        "first_frame_p50_ms": percentile(shown, 0.5),
        "first_frame_p95_ms": percentile(shown, 0.95),
        "first_frame_max_ms": max(shown),
    }


@contextlib.asynccontextmanager
async def _camera(running: RunningGateway) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.demo.camera", stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assignment = {"url": running.whip, "state_url": _state_url(running), "token": running.publish_token}
    process.stdin.write(json.dumps(assignment).encode() + b"\n")
    try:
        yield
    finally:
        process.stdin.close()
        await process.wait()


def _state_url(running: RunningGateway) -> str:
    return f"{running.base}/api/live-stream/url?orderId={running.order_id}"


async def _until_live(page: Page, running: RunningGateway) -> None:
    ask = """async ({url, token}) =>
      (await (await fetch(url, {headers: {Authorization: `Bearer ${token}`}})).json()).live"""
    async with asyncio.timeout(LIVE_TIMEOUT):
        for _ in range(1_000):
            if await page.evaluate(ask, {"url": _state_url(running), "token": running.watch_token}):
                progress("the camera is live")
                return
            await asyncio.sleep(0.2)

"""Take the README's picture of the viewer page anew, from the demo.

.venv/bin/python -m tools.take_pictures
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page

from tests.gateway_server import free_port
from tests.peers.chromium import chromium
from tests.peers.processes import running
from tests.waiting import eventually

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIZES = {"viewer": (1280, 800), "viewer-phone": (390, 844)}


async def take(page: Page, name: str, link: str) -> None:
    """The viewer page once its picture moves and has its full size."""

    async def playing() -> bool:
        return bool(
            await page.evaluate(
                """async () => {
                  const live = window.__repairLive;
                  return live?.state === "playing" && (await live.stats()).width >= 1280;
                }"""
            )
        )

    await page.goto(link)
    await eventually(playing, deadline=30)
    await page.click("#sound-on")
    await page.mouse.move(0, 0)
    # A second of sound and picture, so that the counters have something to show.
    await asyncio.sleep(1)
    await page.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=85)


async def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "GATEWAY_HTTP_PORT": str(free_port(socket.SOCK_STREAM)),
            "GATEWAY_MEDIA_PORT": str(free_port(socket.SOCK_DGRAM)),
            "GATEWAY_DATA_DIR": folder,
        }
        async with (
            running(sys.executable, "-m", "gateway", "demo", environment=environment) as demo,
            chromium() as browser,
        ):
            line = await demo.line_with("/live-stream#token=", deadline=30)
            link = re.search(r"https?://\S+/live-stream#token=\S+", line)
            assert link
            for name, (width, height) in SIZES.items():
                page = await browser.new_page(viewport={"width": width, "height": height})
                await take(page, name, link[0])
                await page.close()


if __name__ == "__main__":
    asyncio.run(main())

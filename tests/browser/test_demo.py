"""`gateway demo`, as a newcomer meets it: one command, and the first page shows a live picture with sound."""

from __future__ import annotations

import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.components import real_component
from tests.gateway_server import ROOT, free_port
from tests.peers.chromium import EXECUTABLE, chromium
from tests.peers.processes import running
from tests.waiting import eventually

PICTURE_WITHIN = 10.0
"""Seconds from "ready" to a moving picture."""

_STATE = """async () => {
  const live = window.__repairLive;
  return {state: live?.state ?? "", ...(live?.pc ? await live.stats() : {})};
}"""


async def viewer(page: Page) -> dict[str, Any]:
    return dict(await page.evaluate(_STATE))


async def test_a_newcomer_sees_and_hears(tmp_path: Path) -> None:
    real_component("Chromium", EXECUTABLE)
    real_component("built pages", (ROOT / "gateway" / "pages" / "live-stream.html").exists())
    environment = {
        "GATEWAY_HTTP_PORT": str(free_port(socket.SOCK_STREAM)),
        "GATEWAY_MEDIA_PORT": str(free_port(socket.SOCK_DGRAM)),
        "GATEWAY_DATA_DIR": str(tmp_path),
        "NO_COLOR": "1",
    }
    async with chromium(autoplay=False) as browser:
        page = await browser.new_page()
        async with running(sys.executable, "-m", "gateway", "demo", environment=environment) as demo:
            await demo.line_with("gateway ready", deadline=30)
            ready = time.monotonic()
            line = await demo.line_with("/live-stream#token=")
            link = re.search(r"https?://\S+/live-stream#token=\S+", line)
            assert link, line

            await page.goto(link[0])
            first = await eventually(
                lambda: viewer(page),
                lambda now: now["state"] == "playing" and now["frames"] > 0,
                deadline=ready + PICTURE_WITHIN - time.monotonic(),
            )
            await page.click("#sound-on")
            await eventually(
                lambda: viewer(page),
                lambda now: now["frames"] >= first["frames"] + 60 and now["audioEnergy"] > 0,
            )
            assert await demo.stop() == 0
            assert "Traceback" not in demo.output

"""Chromium from the distribution's packages, driven by playwright."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

EXECUTABLE = shutil.which("chromium") or shutil.which("google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    # The fake camera's default of 20 frames a second is lower than any real one.
    "--use-fake-device-for-media-stream=fps=30",
    "--allow-loopback-in-peer-connection",
)


@asynccontextmanager
async def chromium(*, autoplay: bool = True) -> AsyncIterator[Browser]:
    """A headless browser with a fake camera and microphone and a fresh profile.

    Without `autoplay` pages live under the rules of a real visitor: sound only after a gesture.
    """
    arguments = [*ARGUMENTS, *(["--autoplay-policy=no-user-gesture-required"] if autoplay else [])]
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home:
        # Beside its profile Chromium keeps crash reports and settings of its toolkit in the user's home.
        folders = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), home)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=EXECUTABLE, args=arguments, env={**os.environ, **folders}
            )
            try:
                yield browser
            finally:
                await browser.close()

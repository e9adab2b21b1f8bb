"""Chromium from the distribution's packages, driven by playwright."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
    "--allow-loopback-in-peer-connection",
)


def _in_namespace(namespace: str, folder: str) -> str:
    """The path of a program that is Chromium inside a network namespace."""
    program = Path(folder, "chromium")
    program.write_text(f'#!/bin/sh\nexec ip netns exec {namespace} {EXECUTABLE} "$@"\n')
    program.chmod(0o700)
    return str(program)


@asynccontextmanager
async def chromium(
    *,
    autoplay: bool = True,
    namespace: str | None = None,
    microphone: Path | None = None,
    trusted: str | None = None,
    cameras: int = 1,
    allowed: bool = True,
) -> AsyncIterator[Browser]:
    """A headless browser with a fake camera and microphone and a fresh profile.

    Without `autoplay` pages live under the rules of a real visitor: sound only after a gesture. It lives in
    the network namespace of that name, if any. Its microphone plays the WAV file `microphone` over and over,
    or beeps. Pages of the origin `trusted` get camera and microphone without TLS too. Of several `cameras`
    the second delivers depth, which nothing encodes; with none there is no microphone either. Unless it is
    `allowed`, no page gets them.
    """
    chosen = {
        "--autoplay-policy=no-user-gesture-required": autoplay,
        # Says yes where a person would be asked; a headless browser says no by itself.
        "--use-fake-ui-for-media-stream": allowed,
        # The fake camera's default of 20 frames a second is lower than any real one.
        f"--use-fake-device-for-media-stream=device-count={cameras},fps=30": cameras > 0,
    }
    arguments = [*ARGUMENTS, *(argument for argument, wanted in chosen.items() if wanted)]
    if microphone is not None:
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}")
    if trusted is not None:
        arguments.append(f"--unsafely-treat-insecure-origin-as-secure={trusted}")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home:
        # Beside its profile Chromium keeps crash reports and settings of its toolkit in the user's home.
        folders = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), home)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=_in_namespace(namespace, home) if namespace else EXECUTABLE,
                args=arguments,
                env={**os.environ, **folders},
            )
            try:
                yield browser
            finally:
                await browser.close()

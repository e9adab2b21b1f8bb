"""Firefox, driven over WebDriver BiDi (playwright needs its own patched build, Debian has none).

Only what the tests need: open a page, call a JavaScript function in it, set permissions by
preference. https://w3c.github.io/webdriver-bidi/
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.peers.processes import running

EXECUTABLE = shutil.which("firefox-esr") or shutil.which("firefox")

PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    # Firefox leaves loopback out of its candidates unless told otherwise.
    "media.peerconnection.ice.loopback": True,
    "network.proxy.type": 0,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class ScriptError(Exception):
    """The page's script threw."""


class FirefoxPage:
    """One tab."""

    def __init__(self, browser: Firefox, context: str) -> None:
        self._browser = browser
        self._context = context

    async def goto(self, url: str) -> None:
        """Navigate and wait for the page's `load` event."""
        await self._browser.command(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def evaluate(self, function: str, argument: object = None) -> Any:
        """Call a JavaScript function, `(argument) => …`, and return its awaited result (JSON values)."""
        answer = await self._browser.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({function})({json.dumps(argument)})))()",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise ScriptError(answer["exceptionDetails"]["text"])
        value = answer["result"].get("value")
        return None if value is None else json.loads(value)

    async def key(self, key: str, *, down: bool) -> None:
        """Press a key down, or let it go, as WebDriver names it."""
        actions = [{"type": "keyDown" if down else "keyUp", "value": key}]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        await self._browser.command("input.performActions", context=self._context, actions=[source])

    async def show(self) -> None:
        """Bring the tab to the front."""
        await self._browser.command("browsingContext.activate", context=self._context)

    async def close(self) -> None:
        await self._browser.command("browsingContext.close", context=self._context)


class Firefox:
    """One browser process."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def command(self, method: str, **parameters: object) -> Any:
        """Send one BiDi command and return its `result`; raises RuntimeError for an error answer."""
        identifier = next(self._ids)
        answer = self._answers[identifier] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": identifier, "method": method, "params": parameters})
        message = await asyncio.wait_for(answer, 60)
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    async def new_page(self) -> FirefoxPage:
        created = await self.command("browsingContext.create", type="tab")
        return FirefoxPage(self, created["context"])

    async def read(self) -> None:
        """Hand the answers to their callers until the socket closes."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                answer = json.loads(message.data)
                waiting = self._answers.pop(answer.get("id"), None)
                if waiting and not waiting.done():
                    waiting.set_result(answer)
        for waiting in self._answers.values():
            waiting.cancel()


@asynccontextmanager
async def firefox() -> AsyncIterator[Firefox]:
    """A headless browser with a fake camera and microphone and a fresh profile."""
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="ascii")
        command = [EXECUTABLE or "firefox", "--headless", "--no-remote", "--profile", profile]
        # The sound library would leave a folder in /tmp for each new home.
        environment = {"HOME": profile, "XDG_RUNTIME_DIR": profile}
        async with running(*command, "--remote-debugging-port=0", environment=environment) as process:
            line = await process.line_with("WebDriver BiDi listening on ", deadline=60)
            url = line.split("listening on ", 1)[1].strip()
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(f"{url}/session", max_msg_size=0) as socket,
            ):
                browser = Firefox(socket)
                reader = asyncio.create_task(browser.read())
                try:
                    await browser.command("session.new", capabilities={})
                    yield browser
                finally:
                    reader.cancel()

"""What viewers, technicians and operators see of quality, from a real gateway with media on real sockets.

The media is synthetic: three layers of exact bitrates, which a player without decoder receives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.access.grants import Scope
from gateway.client.player import Player, PlayRequest
from loadtest.bench.gateway_process import RunningGateway
from loadtest.bench.media import SIMULCAST, SteadyPublisher
from tests.gateway_server import ROOT, GatewayServer
from tests.live_page import Page
from tests.waiting import eventually

LOW, MIDDLE, HIGH = SIMULCAST


class Stage:
    """A broadcast in three layers, a viewer with a page, and the technician's page."""

    def __init__(self, server: GatewayServer, order: str, http: ClientSession, stack: AsyncExitStack) -> None:
        self.server = server
        self.order = order
        self.http = http
        self._stack = stack

    async def broadcast(self) -> SteadyPublisher:
        token = self.server.publish_token(self.order)
        running = RunningGateway(0, self.server.url, self.order, token, "")
        publisher = SteadyPublisher(running, self.http, SIMULCAST)
        await publisher.open()
        self._stack.push_async_callback(publisher.close)
        return publisher

    async def watch(self) -> str:
        """The session's id."""
        whep, token = f"{self.server.url}/whep/{self.order}", self.server.watch_token(self.order)
        player = Player(PlayRequest(whep, token, transport_cc=True), self.http)
        await player.open()
        self._stack.push_async_callback(player.close)
        assert player.session.resource is not None
        return player.session.resource.url.name

    async def page(self, token: str) -> Page:
        page = Page()
        await page.connect(self.server.url, {"token": token})
        self._stack.push_async_callback(page.client.disconnect)
        return page

    async def stream(self) -> dict[str, Any]:
        """What the shop's reception sees of the order."""
        token = self.server.token(self.order, Scope.ADMIN, subject="reception")
        url = f"{self.server.url}/api/admin/streams/{self.order}"
        async with self.http.get(url, headers={"Authorization": f"Bearer {token}"}) as response:
            assert response.status == 200
            return dict(await response.json())

    async def metrics(self) -> list[str]:
        """The lines of a scrape."""
        async with self.http.get(f"{self.server.url}/metrics") as response:
            return (await response.text()).splitlines()


@pytest.fixture
async def stage(gateway: GatewayServer, order: str) -> AsyncIterator[Stage]:
    async with ClientSession() as http, AsyncExitStack() as stack:
        yield Stage(gateway, order, http, stack)


async def test_a_viewer_sees_which_layer_it_gets_and_chooses_another(stage: Stage) -> None:
    page = await stage.page(stage.server.watch_token(stage.order))
    await stage.broadcast()
    session_id = await stage.watch()
    playing = await page.hears_that("layer:state", lambda told: told["rid"] is not None)
    assert (playing["sessionId"], playing["camera"], playing["wanted"]) == (session_id, "main", "auto")

    assert await page.ask("layer:select", {"sessionId": session_id, "rid": "low"}) == {"ok": True}
    low = await page.hears_that("layer:state", lambda told: told["rid"] == "low")
    assert (low["width"], low["height"], low["wanted"]) == (LOW.width, LOW.height, "low")

    wish = {"sessionId": session_id, "rid": "auto", "maxHeight": MIDDLE.height}
    assert await page.ask("layer:select", wish) == {"ok": True}
    middle = await page.hears_that("layer:state", lambda told: told["rid"] == "mid")
    assert (middle["height"], middle["wanted"], middle["maxHeight"]) == (MIDDLE.height, "auto", MIDDLE.height)

    layers = await page.hears_that("stream:state", lambda told: len(told["cameras"][0]["layers"]) == 3)
    assert {layer["height"] for layer in layers["cameras"][0]["layers"]} == {180, 360, 720}
    up = 'gateway_layer_switches_total{direction="up"}'
    assert any(line.startswith(up) and not line.endswith(" 0.0") for line in await stage.metrics())


async def test_a_viewer_sees_that_nothing_plays_any_more(stage: Stage) -> None:
    page = await stage.page(stage.server.watch_token(stage.order))
    publisher = await stage.broadcast()
    await stage.watch()
    await page.hears_that("layer:state", lambda told: told["rid"] is not None)
    await publisher.close()
    told = await page.hears_that("layer:state", lambda told: told["rid"] is None)
    assert (told["height"], told["bitrate"], told["wanted"]) == (None, None, "auto")


async def test_a_technician_sees_what_arrives(stage: Stage) -> None:
    studio = await stage.page(stage.server.publish_token(stage.order))
    viewer = await stage.page(stage.server.watch_token(stage.order))
    await stage.broadcast()

    def whole(told: dict[str, Any]) -> bool:
        return len(told["layers"]) == 3 and all(layer["bitrate"] > 0 for layer in told["layers"])

    told = await studio.hears_that("uplink:state", whole)
    assert told["loss"] == 0.0
    assert {layer["rid"] for layer in told["layers"]} == {"low", "mid", "high"}
    video = sum(encoding.bitrate for encoding in SIMULCAST)
    assert told["bitrate"] == pytest.approx(video, rel=0.5)  # the machine may be busy
    assert viewer.all("uplink:state") == []


async def test_the_reception_sees_who_watches_and_how(stage: Stage) -> None:
    assert await stage.stream() == {"orderId": stage.order, "cameras": [], "viewers": []}
    page = await stage.page(stage.server.watch_token(stage.order))
    await stage.broadcast()
    session_id = await stage.watch()
    report = {"sessionId": session_id, "glassToGlass": 0.31, "firstFrame": 0.6, "freezes": 1, "frozen": 0.4}
    assert await page.ask("playback:report", report) == {"ok": True}

    def watched(stream: dict[str, Any]) -> bool:
        (viewer,) = stream["viewers"]
        return viewer["layer"] is not None and viewer["rtt"] is not None

    stream = await eventually(stage.stream, watched)
    (camera,) = stream["cameras"]
    assert camera["live"] is True
    assert camera["publisher"]["subject"] == "technician"
    (viewer,) = stream["viewers"]
    assert viewer["subject"] == "customer"
    assert (viewer["glassToGlass"], viewer["firstFrame"], viewer["freezes"]) == (0.31, 0.6, 1)
    assert viewer["estimate"] > 0
    assert session_id not in str(stream)
    metrics = await stage.metrics()
    assert "gateway_glass_to_glass_seconds_sum 0.31" in metrics
    assert "gateway_first_frame_seconds_count 1.0" in metrics
    assert 'gateway_sessions_by_kind{kind="whep"} 1.0' in metrics


async def test_every_metric_is_explained(stage: Stage) -> None:
    explained = (ROOT / "docs" / "monitoring.md").read_text()
    families = [line.split()[2] for line in await stage.metrics() if line.startswith("# TYPE gateway_")]
    assert len(families) > 5
    assert [name for name in families if f"`{name}" not in explained and not name.endswith("_created")] == []

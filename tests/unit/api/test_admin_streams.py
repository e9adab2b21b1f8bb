"""/api/admin/streams: who may ask, and what is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.access.grants import Scope
from gateway.signalling.playback import Playback
from tests.signalling_rig import (
    LAYERS,
    ORDER,
    OTHER_ORDER,
    Http,
    Rig,
    make_rig,
    publish,
    serving,
    watch,
)

ALL = "/api/admin/streams"
ONE = f"{ALL}/{ORDER}"


@pytest.fixture
def rig() -> Rig:
    return make_rig()


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


async def get(http: Http, rig: Rig, path: str) -> Any:
    async with http.get(path, headers=rig.bearer(Scope.ADMIN, order_id=None)) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        return await response.json()


@pytest.mark.parametrize("path", [ALL, ONE])
async def test_only_administrators_may_look(http: Http, rig: Rig, path: str) -> None:
    refused = await http.get(path)
    assert refused.status == 401
    assert refused.content_type == "application/problem+json"
    assert (await http.get(path, headers={"Authorization": "Bearer nonsense"})).status == 401
    others = rig.bearer(Scope.WATCH, Scope.TALK, Scope.PUBLISH)
    assert (await http.get(path, headers=others)).status == 403


async def test_an_administrator_whose_access_has_ended_may_not_look(http: Http, rig: Rig) -> None:
    rig.ledger.gone.add("access-1")
    headers = rig.bearer(Scope.ADMIN, stream_id="access-1")
    assert (await http.get(ALL, headers=headers)).status == 401


@pytest.mark.parametrize("order_id", ["77777777-2222-4333-8444-555555555555", "x", "..%2Fx"])
async def test_an_order_that_does_not_exist_is_not_found(http: Http, rig: Rig, order_id: str) -> None:
    headers = rig.bearer(Scope.ADMIN, order_id=None)
    assert (await http.get(f"{ALL}/{order_id}", headers=headers)).status == 404
    assert (await http.get(f"{ALL}/{order_id}")).status == 401  # nobody else learns which orders exist


async def test_while_nobody_is_there_the_lists_are_empty(http: Http, rig: Rig) -> None:
    assert await get(http, rig, ALL) == {"streams": []}
    assert await get(http, rig, ONE) == {"orderId": ORDER, "cameras": [], "viewers": []}


async def test_all_that_is_known_of_a_live_order(http: Http, rig: Rig) -> None:
    rig.plane.layers = LAYERS
    studio, anna = await publish(rig), await watch(rig)
    await publish(rig, subject="boris", camera="second")
    rig.plane.open_sessions[anna.session_id].select_layer("h", 720)
    rig.services.playback.note(
        anna, Playback(glass_to_glass=0.25, first_frame=0.5, freezes=2, frozen=1.5, stalled=False)
    )
    stream = await get(http, rig, ONE)
    assert [camera["name"] for camera in stream["cameras"]] == ["main", "second"]
    camera = stream["cameras"][0]
    assert {name: camera[name] for name in ("live", "since", "codec")} == {
        "live": True,
        "since": 1_790_000_000.0,
        "codec": "VP8",
    }
    high = {"rid": "f", "width": 1280, "height": 720, "fps": 30.0, "bitrate": 1_700_000, "live": True}
    assert camera["layers"][2] == high
    assert camera["publisher"] == {
        "subject": "technician",
        "since": studio.opened_at,
        "bitrate": 1_200_000,
        "loss": 0.01,
    }
    assert stream["viewers"] == [
        {
            "viewerId": anna.viewer_id,
            "subject": "anna",
            "camera": "main",
            "since": anna.opened_at,
            "layer": {"rid": "h", "width": 640, "height": 360, "fps": 30.0, "bitrate": 500_000, "live": True},
            "wanted": "h",
            "maxHeight": 720,
            "estimate": 3_000_000,
            "rtt": 0.03,
            "loss": 0.0,
            "glassToGlass": 0.25,
            "firstFrame": 0.5,
            "freezes": 2,
            "frozen": 1.5,
            "stalled": False,
        }
    ]
    assert await get(http, rig, ALL) == {"streams": [stream]}
    assert await get(http, rig, f"{ALL}/{OTHER_ORDER}") == {
        "orderId": OTHER_ORDER,
        "cameras": [],
        "viewers": [],
    }


async def test_who_plays_nothing_and_said_nothing_is_shown_as_that(http: Http, rig: Rig) -> None:
    await publish(rig)
    rig.plane.open_sessions[(await watch(rig)).session_id].play(None)
    (viewer,) = (await get(http, rig, ONE))["viewers"]
    assert viewer["layer"] is None
    assert viewer["wanted"] == "auto"
    for name in ("maxHeight", "glassToGlass", "firstFrame", "freezes", "frozen", "stalled"):
        assert viewer[name] is None


async def test_no_capability_is_given_away(http: Http, rig: Rig) -> None:
    """Whoever has a session's id may end it, as the URL of its resource."""
    sessions = [await publish(rig), *[await watch(rig, subject=f"viewer-{n}") for n in range(80)]]
    for path in (ALL, ONE):
        text = json.dumps(await get(http, rig, path))
        assert text.count('"viewerId"') == 80
        assert not any(session.session_id in text for session in sessions)
    assert len({session.viewer_id for session in sessions}) == len(sessions)


async def test_viewers_who_left_are_gone(http: Http, rig: Rig) -> None:
    await publish(rig)
    anna = await watch(rig)
    rig.sessions.close(anna.session_id)
    assert (await get(http, rig, ONE))["viewers"] == []

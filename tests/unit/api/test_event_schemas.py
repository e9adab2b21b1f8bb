"""Payloads: what is taken, what is refused, and that the pages' types are those of the models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.api.event_schemas import (
    MAX_LABEL,
    MAX_NAME,
    MAX_SDP,
    MAX_TEXT,
    Camera,
    LayerSelect,
    SessionCandidate,
    parse,
)
from gateway.api.event_table import CLIENT_EVENTS, SERVER_EVENTS
from gateway.errors import Malformed
from gateway.sfu.state import CameraState
from tests.signalling_rig import LAYERS
from tools.event_types import TARGET, written

DOCUMENT = Path(__file__).parents[3] / "docs" / "events.md"


def test_the_pages_types_are_those_of_the_models() -> None:
    assert TARGET.read_text(encoding="utf-8") == written(), "run python -m tools.event_types"


def test_every_event_is_explained() -> None:
    explained = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in {*CLIENT_EVENTS, *SERVER_EVENTS} if f"| `{name}` |" not in explained] == []


def test_members_that_nobody_knows_are_ignored() -> None:
    assert parse(LayerSelect, {"sessionId": "x", "tomorrow": 1}) == LayerSelect(session_id="x")


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("session:offer", {"sdp": "x" * (MAX_SDP + 1), "kind": "whep"}),
        ("session:offer", {"sdp": "x", "kind": "rtmp"}),
        ("session:offer", {"sdp": "x"}),
        ("session:offer", {"sdp": b"x", "kind": "whep"}),
        ("session:offer", {"sdp": "x", "kind": "whep", "camera": "c" * (MAX_NAME + 1)}),
        ("session:candidate", {"candidate": None}),
        ("session:candidate", {"sessionId": "x", "candidate": "c" * 1_025}),
        ("session:candidate", {"sessionId": "x", "candidate": {"candidate": "c" * 1_025}}),
        ("session:candidate", {"sessionId": "x", "candidate": {"candidate": "c", "sdpMLineIndex": -1}}),
        ("session:close", {"sessionId": "s" * (MAX_NAME + 1)}),
        ("camera:select", {"sessionId": "x"}),
        ("camera:select", {"sessionId": "x", "camera": "main", "mid": 1}),
        ("talk:grant", {}),
        ("talk:grant", {"viewerId": 5}),
        ("talk:mute", {"muted": "yes"}),
        ("talk:policy", {"mode": "OPEN"}),
        ("viewer:kick", {"viewerId": None}),
        ("chat:send", {"text": "x" * (MAX_TEXT + 1)}),
        ("chat:send", {"text": ""}),
        ("marker:add", {"label": "x" * (MAX_LABEL + 1)}),
        ("talk:start", []),
        ("talk:start", None),
    ],
)
def test_what_does_not_fit_is_refused(event: str, data: Any) -> None:
    with pytest.raises(Malformed) as caught:
        parse(CLIENT_EVENTS[event][0], data)
    assert len(caught.value.detail) < 300  # nothing of what was sent is repeated


def test_a_browsers_candidate_is_taken_as_it_is() -> None:
    browser = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}
    taken = parse(SessionCandidate, {"sessionId": "x", "candidate": {**browser, "usernameFragment": None}})
    assert taken.wire()["candidate"] == {**browser, "usernameFragment": None}
    assert parse(SessionCandidate, {"sessionId": "x", "candidate": None}).candidate is None


def test_snapshots_of_the_sfu_become_payloads() -> None:
    sent = Camera.model_validate(CameraState("main", True, 1.5, "VP8", LAYERS)).wire()
    assert sent["layers"][0] == {
        "rid": "l",
        "width": 320,
        "height": 180,
        "fps": 15.0,
        "bitrate": 150_000,
        "live": True,
    }

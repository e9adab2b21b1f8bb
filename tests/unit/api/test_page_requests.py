"""What pages may ask and tell about their sessions: every refusal, and what is kept."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from gateway.access.grants import Grant, Scope
from gateway.api.listener import Listener
from gateway.api.page_requests import PageRequests
from gateway.api.requests import RequestBook
from gateway.clock import ManualClock
from gateway.errors import Forbidden, Malformed, NotFound, Unacceptable
from gateway.signalling.playback import Playback
from gateway.signalling.sessions import Session
from tests.signalling_rig import ORDER, OTHER_ORDER, Rig, grant, make_rig, publish, watch

REPORT = "playback:report"
ANNA = grant(Scope.WATCH, subject="anna")


@pytest.fixture
async def rig() -> Rig:
    rig = make_rig(clock=ManualClock())
    await publish(rig)
    return rig


@pytest.fixture
async def session(rig: Rig) -> Session:
    return await watch(rig)


async def ask(rig: Rig, event: str, data: dict[str, Any], who: Grant = ANNA) -> Any:
    listener = Listener("sid", who, ORDER, "en", who.expires_at)
    return await RequestBook([PageRequests(rig.services)]).answer(event, listener, data)


async def test_a_report_is_kept_with_its_session_and_observed(rig: Rig, session: Session) -> None:
    report = {"glassToGlass": 0.21, "firstFrame": 1, "freezes": 3, "frozen": 2.5, "stalled": False}
    assert await ask(rig, REPORT, {"sessionId": session.session_id, **report}) == {}
    assert rig.services.playback.of(session) == Playback(
        glass_to_glass=0.21, first_frame=1.0, freezes=3, frozen=2.5, stalled=False
    )
    assert rig.glass_to_glass == [0.21]
    assert rig.first_frame == [1.0]


async def test_what_is_not_known_may_be_left_out_or_null(rig: Rig, session: Session) -> None:
    known = {"sessionId": session.session_id, "glassToGlass": None, "stalled": None, "freezes": 1}
    await ask(rig, REPORT, known)
    await ask(rig, REPORT, {"sessionId": session.session_id})
    assert rig.services.playback.of(session) == Playback(freezes=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, value)
            for name in ("glassToGlass", "firstFrame", "frozen")
            for value in ("1", True, [], {}, -0.001, 2e6, math.nan, math.inf, -math.inf, 10**400)
        ),
        *(("freezes", value) for value in ("1", True, 1.5, -1, 10**7, math.nan)),
        *(("stalled", value) for value in (0, 1, "false")),
        ("glassToGlass", 60.1),
        ("firstFrame", 300.1),
        ("sessionId", None),
        ("sessionId", 5),
    ],
)
async def test_a_report_with_an_impossible_value_changes_nothing(
    rig: Rig, session: Session, name: str, value: object
) -> None:
    report = {"sessionId": session.session_id, "glassToGlass": 0.2, "firstFrame": 0.5, name: value}
    with pytest.raises(Malformed):
        await ask(rig, REPORT, report)
    assert rig.services.playback.of(session) == Playback()
    assert rig.glass_to_glass == rig.first_frame == []


@pytest.mark.parametrize(
    "stranger",
    [
        grant(Scope.WATCH, subject="boris"),
        grant(Scope.WATCH, subject="anna", order_id=OTHER_ORDER),
        grant(Scope.PUBLISH, subject="technician"),
    ],
)
async def test_a_foreign_session_cannot_be_reported_on(rig: Rig, session: Session, stranger: Grant) -> None:
    with pytest.raises(Forbidden):
        await ask(rig, REPORT, {"sessionId": session.session_id, "glassToGlass": 9.0}, stranger)
    assert rig.glass_to_glass == []


async def test_an_ended_session_and_one_that_publishes_have_no_playback(rig: Rig, session: Session) -> None:
    rig.sessions.close(session.session_id)
    with pytest.raises(NotFound):
        await ask(rig, REPORT, {"sessionId": session.session_id, "glassToGlass": 1.0})
    published = rig.sessions.publishers()[0]
    technician = grant(Scope.PUBLISH, subject="technician")
    with pytest.raises(Unacceptable):
        await ask(rig, REPORT, {"sessionId": published.session_id, "glassToGlass": 1.0}, technician)
    assert rig.glass_to_glass == []


async def test_the_clock_is_that_of_the_sender_reports_in_unix_milliseconds(rig: Rig) -> None:
    assert await ask(rig, "clock:read", {}) == {"now": rig.services.clock.time() * 1000}


async def test_every_event_is_explained(rig: Rig) -> None:
    explained = (Path(__file__).parents[3] / "docs" / "events.md").read_text()
    assert [name for name in PageRequests(rig.services).handlers if f"`{name}`" not in explained] == []

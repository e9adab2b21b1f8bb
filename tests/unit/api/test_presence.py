"""Who has a page open, and that one more costs the same however many have."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from unittest.mock import Mock

from aiohttp import web

from gateway.access.grants import Scope
from gateway.api.events import LiveEvents
from gateway.api.listener import Listener
from gateway.api.presence import Presence
from tests.signalling_rig import ORDER, OTHER_ORDER, Rig, grant, make_rig, publish, watch


class FakeServer:
    """Counts what is said; a room is one message, however many are in it."""

    def __init__(self) -> None:
        self.said: Counter[str] = Counter()
        self.manager = Mock(is_connected=lambda *_: False)

    def on(self, *_: object, **__: object) -> None: ...

    async def enter_room(self, *_: object, **__: object) -> None: ...

    async def emit(self, event: str, *_: object, **__: object) -> None:
        self.said[event] += 1


async def join(events: LiveEvents, rig: Rig, subject: str, *scopes: Scope) -> None:
    environ: dict[str, Any] = {"aiohttp.request": Mock(spec=web.BaseRequest)}
    await events.connect(f"{subject}-page", environ, {"token": rig.token(*scopes, subject=subject)})


async def cost_of_one_more(pages: int) -> Counter[str]:
    """What is said when a viewer joins and begins to watch, and in the time after."""
    server, rig = FakeServer(), make_rig(capacity=2_000)
    events = LiveEvents(server, rig.services)  # type: ignore[arg-type]
    await publish(rig)
    await join(events, rig, "technician", Scope.PUBLISH)
    for number in range(pages):
        await join(events, rig, f"viewer-{number}", Scope.WATCH, Scope.TALK)
    task = asyncio.create_task(events.run())
    await asyncio.sleep(2.5)
    server.said.clear()
    await join(events, rig, "late", Scope.WATCH, Scope.TALK)
    await watch(rig, subject="late")
    await asyncio.sleep(2.5)
    task.cancel()
    await asyncio.wait((task,))
    await rig.sessions.stop()
    return server.said


async def test_one_more_viewer_is_as_many_messages_with_few_pages_as_with_many() -> None:
    few, many = await asyncio.gather(cost_of_one_more(10), cost_of_one_more(500))
    few.pop("uplink:state"), many.pop("uplink:state")  # a clock's, not the viewer's
    assert set(many) >= {"stream:state", "viewers", "talk:state", "chat:history", "markers", "people"}
    assert many.total() <= few.total() + 2  # an interval more or less


def page(subject: str, *scopes: Scope, order_id: str = ORDER) -> Listener:
    who = grant(*scopes, subject=subject, order_id=order_id)
    return Listener("sid", who, order_id, "en", who.expires_at, viewer_id=subject)


def test_pages_are_known_by_order_and_person_until_they_leave() -> None:
    presence = Presence()
    first, second = page("anna", Scope.WATCH), page("anna", Scope.WATCH)
    studio, elsewhere = page("studio", Scope.PUBLISH), page("anna", Scope.WATCH, order_id=OTHER_ORDER)
    for one in (first, second, studio, elsewhere):
        presence.join(one)
    assert presence.of_person(ORDER, "anna") == [first, second]
    assert presence.people(ORDER) == [first, studio]
    assert list(presence.watched_by_staff()) == [ORDER]
    for one in (first, studio, second):
        presence.leave(one)
    assert ORDER not in presence
    assert OTHER_ORDER in presence
    assert list(presence.watched_by_staff()) == []
    assert presence.of_person(ORDER, "anna") == ()

"""The watcher ends sessions of revoked accesses, asks only when needed, and survives the database."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from gateway.access.grants import Scope
from gateway.signalling.messages import OfferRequest
from tests.signalling_rig import ORDER, PLAY_OFFER, PUBLISH_OFFER, Rig, grant, make_rig


async def watched_session(rig: Rig, stream_id: str) -> str:
    staff = grant(Scope.PUBLISH, subject="technician")
    await rig.services.whip.publish(OfferRequest(grant=staff, order_id=ORDER, sdp=PUBLISH_OFFER))
    viewer = grant(Scope.WATCH, subject="anna", stream_id=stream_id)
    answer = await rig.services.whep.play(OfferRequest(grant=viewer, order_id=ORDER, sdp=PLAY_OFFER))
    return answer.session_id


async def test_a_revoked_access_ends_its_sessions() -> None:
    rig = make_rig()
    session_id = await watched_session(rig, "access-1")
    endings: dict[str, str] = {}
    rig.sessions.on_closed(lambda session, reason: endings.update({session.session_id: reason}))
    rig.services.revocation.start()
    rig.services.revocation.start()
    rig.ledger.gone.add("access-1")
    async with asyncio.timeout(1):
        while session_id not in endings:
            await asyncio.sleep(0.005)
    assert endings == {session_id: "revoked"}
    await rig.services.revocation.stop()
    await rig.services.revocation.stop()
    await rig.sessions.stop()


async def test_nobody_is_asked_about_while_nobody_is_live() -> None:
    rig = make_rig()
    await rig.services.revocation.check()
    assert rig.ledger.asked == []


async def test_one_question_covers_sessions_and_further_sources() -> None:
    rig = make_rig()
    await watched_session(rig, "access-1")
    told: list[Collection[str]] = []
    rig.services.revocation.watch(lambda: {"access-2"}, told.append)
    rig.ledger.gone.add("access-2")
    await rig.services.revocation.check()
    assert rig.ledger.asked == [frozenset({"access-1", "access-2"})]
    assert told == [{"access-2"}]
    await rig.sessions.stop()


async def test_a_database_that_is_away_does_not_end_the_watch() -> None:
    rig = make_rig()
    session_id = await watched_session(rig, "access-1")
    rig.ledger.failure = OSError("connection lost")
    rig.services.revocation.start()
    async with asyncio.timeout(2):
        while rig.services.drops["revocation_check_failed"] < 2:
            await asyncio.sleep(0.005)
    assert rig.sessions.get(session_id)
    rig.ledger.failure = None
    rig.ledger.gone.add("access-1")
    async with asyncio.timeout(2):
        while len(rig.sessions) == 2:
            await asyncio.sleep(0.005)
    await rig.services.revocation.stop()
    await rig.sessions.stop()

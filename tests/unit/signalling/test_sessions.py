"""The registry: who may open, who is replaced, how a session ends and who hears of it."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter

import pytest

from gateway.access.grants import Grant, Scope
from gateway.clock import ManualClock, SystemClock
from gateway.errors import Conflict, Kicked, NotFound, Unacceptable, Unavailable
from gateway.protocol.description import DtlsRole, IceCredentials, NegotiatedSession
from gateway.signalling.bans import BAN
from gateway.signalling.ports import SessionKind, SessionSpec
from gateway.signalling.sessions import MAX_TALKS, Session, SessionRegistry, new_etag, new_session_id
from tests.signalling_rig import ORDER, FakePlane, grant

_ids = itertools.count()
TECHNICIAN = grant(Scope.PUBLISH, subject="technician")


def make_spec(kind: SessionKind, who: Grant, camera: str = "main") -> SessionSpec:
    return SessionSpec(
        session_id=f"session-{next(_ids)}",
        kind=kind,
        order_id=ORDER,
        camera=camera,
        subject=who.subject,
        negotiated=NegotiatedSession((), IceCredentials("remote", "p" * 22), (), DtlsRole.SERVER),
        local_ice=IceCredentials("local", "p" * 22),
    )


class Rig:
    def __init__(self, clock: SystemClock | ManualClock | None = None, capacity: int = 10) -> None:
        self.clock = clock or SystemClock()
        self.plane = FakePlane()
        self.drops = Counter[str]()
        self.registry = SessionRegistry(
            clock=self.clock, media=self.plane, drops=self.drops, capacity=capacity
        )
        self.endings: list[tuple[str, str]] = []
        self.registry.on_closed(lambda session, reason: self.endings.append((session.session_id, reason)))

    def publish(self, who: Grant = TECHNICIAN, camera: str = "main") -> Session:
        return self.registry.open(make_spec(SessionKind.WHIP, who, camera), who)

    def watch(self, who: Grant) -> Session:
        return self.registry.open(make_spec(SessionKind.WHEP, who), who)

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def ending_of(self, session: Session) -> str:
        """The closing reason that listeners were told, waited for without a fixed delay."""
        async with asyncio.timeout(5):
            while True:
                for session_id, reason in self.endings:
                    if session_id == session.session_id:
                        return reason
                await asyncio.sleep(0.005)


def customer(name: str = "customer", **fields: object) -> Grant:
    return grant(Scope.WATCH, subject=name, **fields)  # type: ignore[arg-type]


def test_ids_are_unguessable_and_path_safe() -> None:
    ids = {new_session_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(i) * 6 >= 128 and i.replace("-", "").replace("_", "").isalnum() for i in ids)


def test_entity_tags_are_strong_and_quoted() -> None:
    tag = new_etag()
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert '"' not in tag[1:-1]
    assert "," not in tag


async def test_a_deleted_session_is_forgotten_at_once_and_its_media_closed() -> None:
    rig = Rig()
    session = rig.publish()
    rig.registry.close(session.session_id)
    with pytest.raises(NotFound):
        rig.registry.get(session.session_id)
    assert not rig.plane.open_sessions
    assert await rig.ending_of(session) == "deleted"


async def test_closing_twice_is_not_found_the_second_time() -> None:
    rig = Rig()
    session = rig.publish()
    rig.registry.close(session.session_id)
    with pytest.raises(NotFound):
        rig.registry.close(session.session_id)
    await rig.settle()
    assert rig.endings == [(session.session_id, "deleted")]


async def test_the_end_of_media_ends_the_session() -> None:
    rig = Rig()
    session = rig.publish()
    rig.plane.opened[0].closed.set_result("ice_timeout")
    assert await rig.ending_of(session) == "ice_timeout"
    assert len(rig.registry) == 0


@pytest.mark.parametrize("break_it", ["cancel", "exception"])
async def test_a_broken_promise_of_the_media_plane_is_a_failed_session(break_it: str) -> None:
    rig = Rig()
    session = rig.publish()
    closed = rig.plane.opened[0].closed
    if break_it == "cancel":
        closed.cancel()
    else:
        closed.set_exception(RuntimeError("no more packets"))
    assert await rig.ending_of(session) == "failed"


async def test_a_session_ends_with_its_token() -> None:
    rig = Rig()
    session = rig.watch(customer(expires_at=rig.clock.time() + 0.05))
    assert await rig.ending_of(session) == "expired"
    assert not rig.plane.open_sessions


async def test_a_renewed_token_keeps_exactly_its_bearers_sessions() -> None:
    rig = Rig()
    soon = rig.clock.time() + 0.1
    kept = rig.watch(customer("anna", stream_id="access-1", expires_at=soon))
    other = rig.watch(customer("boris", stream_id="access-2", expires_at=soon))
    assert rig.registry.renew(subject="anna", stream_id="access-1", expires_at=soon + 900) == 1
    assert await rig.ending_of(other) == "expired"
    assert rig.registry.get(kept.session_id) is kept


async def test_renewing_never_shortens() -> None:
    rig = Rig()
    session = rig.watch(customer(expires_at=5_000_000_000.0))
    rig.registry.renew(subject="customer", stream_id=None, expires_at=4_100_000_000.0)
    assert session.expires_at == 5_000_000_000.0


async def test_listeners_hear_of_renewals() -> None:
    rig = Rig()
    heard: list[tuple[str, str | None, float]] = []
    rig.registry.on_renewed(lambda *values: heard.append(values))
    rig.registry.renew(subject="anna", stream_id="access-1", expires_at=7.0)
    assert heard == [("anna", "access-1", 7.0)]


async def test_a_second_publisher_of_the_same_subject_takes_over() -> None:
    rig = Rig()
    zombie, fresh = rig.publish(), rig.publish()
    assert await rig.ending_of(zombie) == "replaced"
    assert rig.registry.get(fresh.session_id) is fresh
    assert list(rig.plane.open_sessions) == [fresh.session_id]


async def test_a_zombies_delete_never_hurts_its_successor() -> None:
    rig = Rig()
    zombie, fresh = rig.publish(), rig.publish()
    with pytest.raises(NotFound):
        rig.registry.close(zombie.session_id)
    await rig.settle()
    assert rig.registry.get(fresh.session_id) is fresh
    with pytest.raises(Conflict):
        rig.publish(grant(Scope.PUBLISH, subject="another"))


async def test_a_zombies_late_media_end_never_frees_its_successors_slot() -> None:
    rig = Rig()
    rig.publish()
    rig.plane.opened[0].hang = True
    rig.publish()
    rig.plane.opened[0].closed.set_result("ice_timeout")
    await rig.settle()
    with pytest.raises(Conflict):
        rig.publish(grant(Scope.PUBLISH, subject="another"))


async def test_a_family_on_one_login_talks_from_several_devices_and_the_oldest_gives_way() -> None:
    rig = Rig(capacity=100)
    anna, boris = customer("anna"), customer("boris")
    other, watching = rig.publish(boris, "talk"), rig.watch(anna)
    talks = [rig.publish(anna, "talk") for _ in range(MAX_TALKS)]
    assert set(rig.registry.publishers()) == {other, *talks}
    newest = rig.publish(anna, "talk")
    assert await rig.ending_of(talks[0]) == "replaced"
    assert set(rig.registry.publishers()) == {other, *talks[1:], newest}
    assert rig.registry.count(SessionKind.WHIP) == MAX_TALKS + 1
    rig.registry.close(talks[1].session_id)
    assert rig.registry.kick(ORDER, "anna") == MAX_TALKS
    assert rig.registry.publishers() == (other,)
    assert watching not in rig.registry.sessions()


async def test_another_subject_conflicts_until_the_slot_is_free() -> None:
    rig = Rig()
    first = rig.publish()
    another = grant(Scope.PUBLISH, subject="another")
    with pytest.raises(Conflict) as refused:
        rig.publish(another)
    assert refused.value.retry_after
    assert rig.registry.get(first.session_id) is first
    rig.registry.close(first.session_id)
    rig.publish(another)
    await rig.settle()
    assert len(rig.registry) == 1


async def test_two_cameras_of_an_order_do_not_conflict() -> None:
    rig = Rig()
    rig.publish()
    rig.publish(grant(Scope.PUBLISH, subject="another"), camera="microscope")
    assert len(rig.registry) == 2


async def test_a_media_plane_that_refuses_leaves_nothing_behind() -> None:
    rig = Rig()
    rig.plane.failure = Unacceptable("no")
    with pytest.raises(Unacceptable):
        rig.publish()
    assert len(rig.registry) == 0
    rig.publish(grant(Scope.PUBLISH, subject="another"))  # the slot is free


async def test_sessions_are_bounded_but_a_takeover_needs_no_further_place() -> None:
    rig = Rig(capacity=2)
    rig.publish()
    viewer = rig.watch(customer())
    with pytest.raises(Unavailable) as refused:
        rig.watch(customer())
    assert refused.value.retry_after
    rig.publish()
    rig.registry.close(viewer.session_id)
    rig.watch(customer())


async def test_revoked_streams_end_and_others_stay() -> None:
    rig = Rig()
    gone = rig.watch(customer("anna", stream_id="access-1"))
    kept = rig.watch(customer("boris", stream_id="access-2"))
    staff = rig.publish()
    assert rig.registry.stream_ids() == {"access-1", "access-2"}
    assert rig.registry.close_streams({"access-1"}) == 1
    assert await rig.ending_of(gone) == "revoked"
    assert {s.session_id for s in rig.registry.sessions()} == {kept.session_id, staff.session_id}


async def test_who_is_kicked_loses_all_sessions_and_gets_none_for_a_while() -> None:
    rig = Rig(ManualClock())
    anna, other = customer("anna"), rig.watch(customer("other"))
    first, second = rig.watch(anna), rig.watch(anna)
    assert rig.registry.kick(ORDER, "anna") == 2
    assert [await rig.ending_of(session) for session in (first, second)] == ["kicked", "kicked"]
    with pytest.raises(Kicked):
        rig.watch(anna)
    assert rig.registry.sessions() == (other,)
    rig.clock.advance(BAN)
    rig.watch(anna)
    await rig.registry.stop()


async def test_draining_refuses_new_sessions_and_keeps_the_old() -> None:
    rig = Rig()
    told: list[bool] = []
    rig.registry.on_draining(lambda: told.append(True))
    session = rig.publish()
    rig.registry.drain()
    rig.registry.drain()
    assert told == [True]
    for attempt in (rig.publish, lambda: rig.watch(customer())):
        with pytest.raises(Unavailable) as refused:
            attempt()
        assert refused.value.retry_after
    assert rig.registry.get(session.session_id) is session


async def test_stopping_ends_everything_and_may_be_repeated() -> None:
    rig = Rig()
    session = rig.publish()
    await rig.registry.stop()
    await rig.registry.stop()
    assert rig.endings == [(session.session_id, "shutdown")]
    assert not rig.plane.open_sessions


async def test_stopping_does_not_wait_for_a_goodbye_that_never_comes() -> None:
    rig = Rig()
    rig.publish()
    rig.plane.opened[0].hang = True
    loop = asyncio.get_running_loop()
    before = loop.time()
    await rig.registry.stop(deadline=0.05)
    assert loop.time() - before < 0.9
    assert len(rig.registry) == 0


async def test_a_cancelled_session_task_still_ends_the_session_and_returns() -> None:
    rig = Rig()
    session = rig.publish()
    await rig.settle()
    (task,) = (t for t in asyncio.all_tasks() if t.get_name() == "session-whip")
    task.cancel()
    assert await task == "shutdown"
    assert rig.endings == [(session.session_id, "shutdown")]
    assert not rig.plane.open_sessions


async def test_a_failing_listener_takes_nothing_from_the_others() -> None:
    rig = Rig()

    def defect(session: Session, reason: str) -> None:
        raise RuntimeError("defect")

    rig.registry.on_closed(defect)
    after: list[str] = []
    rig.registry.on_closed(lambda _, reason: after.append(reason))
    session = rig.publish()
    rig.registry.close(session.session_id)
    await rig.ending_of(session)
    assert after == ["deleted"]
    assert rig.drops["session_listener_failed"] == 1


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (grant(Scope.WATCH, subject="anna"), True),
        (grant(Scope.WATCH, subject="boris"), False),
        (grant(Scope.WATCH, subject="anna", order_id="another"), False),
        (grant(Scope.ADMIN, subject="reception", order_id=None), True),
    ],
)
async def test_whom_a_session_belongs_to(who: Grant, allowed: bool) -> None:
    rig = Rig()
    assert rig.watch(customer("anna")).belongs_to(who) is allowed

"""Sessions by order and by person."""

from __future__ import annotations

import pytest

from gateway.signalling.sessions import Session
from tests.signalling_rig import ORDER, OTHER_ORDER, Rig, make_rig, publish, watch


@pytest.fixture
def rig() -> Rig:
    return make_rig()


async def test_sessions_are_found_by_order_and_by_person_while_they_live(rig: Rig) -> None:
    index = rig.sessions.index
    studio = await publish(rig)
    first, second = await watch(rig), await watch(rig)
    boris = await watch(rig, subject="boris")
    assert index.orders() == (ORDER,)
    assert set(index.of_order(ORDER)) == {studio, first, second, boris}
    assert index.of_person(ORDER, "anna") == (first, second)
    rig.sessions.close(first.session_id)
    assert index.of_person(ORDER, "anna") == (second,)
    assert set(index.of_order(ORDER)) == {studio, second, boris}
    await rig.sessions.stop()


async def test_nothing_stays_of_orders_and_persons_without_sessions(rig: Rig) -> None:
    index = rig.sessions.index
    studio, anna = await publish(rig), await watch(rig)
    rig.sessions.close(anna.session_id)
    index.remove(anna)
    assert index.of_person(ORDER, "anna") == ()
    rig.sessions.close(studio.session_id)
    assert index.orders() == ()
    assert index.of_order(ORDER) == index.of_order(OTHER_ORDER) == ()
    await rig.sessions.stop()


async def test_one_who_takes_over_takes_the_place_of_the_former(rig: Rig) -> None:
    former = await publish(rig)
    later: Session = await publish(rig)
    assert later is not former
    assert rig.sessions.index.of_order(ORDER) == (later,)
    await rig.sessions.stop()


async def test_a_person_is_found_by_what_others_know(rig: Rig) -> None:
    first, second = await publish(rig, subject="anna"), await publish(rig, subject="anna", camera="b")
    boris = await publish(rig, subject="boris", camera="c")
    assert rig.sessions.index.of_viewer(ORDER, first.viewer_id) == (first, second)
    assert rig.sessions.index.of_viewer(ORDER, boris.viewer_id) == (boris,)
    assert rig.sessions.index.of_viewer(OTHER_ORDER, boris.viewer_id) == ()
    await rig.sessions.stop()

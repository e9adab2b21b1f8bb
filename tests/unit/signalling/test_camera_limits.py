"""A token for one camera shows no other one, not even as a thumbnail or while its own is gone."""

from __future__ import annotations

import pytest

from gateway.access.grants import Grant, Scope
from gateway.errors import Forbidden, Unacceptable
from gateway.signalling.messages import OfferRequest
from tests.signalling_rig import ORDER, PLAY_OFFER, grant, make_rig, publish


@pytest.mark.parametrize(
    ("who", "only"),
    [
        (grant(Scope.WATCH), False),
        (grant(Scope.WATCH, camera="main"), True),
        (grant(Scope.ADMIN, camera="main"), False),
    ],
    ids=["any camera", "one camera", "staff"],
)
async def test_a_session_is_bound_to_its_camera_where_the_grant_is(who: Grant, only: bool) -> None:
    rig = make_rig()
    await publish(rig)
    await publish(rig, camera="workshop")
    opened = await rig.services.whep.play(
        OfferRequest(grant=who, order_id=ORDER, sdp=PLAY_OFFER, camera="main")
    )
    assert rig.plane.opened[-1].spec.only_camera is only
    if only:
        with pytest.raises(Forbidden):
            rig.services.resource.select_camera(opened.session_id, who, "workshop")
        assert rig.plane.opened[-1].cameras == []
    else:
        rig.services.resource.select_camera(opened.session_id, who, "workshop")
        assert rig.plane.opened[-1].cameras == [("workshop", None)]
    await rig.sessions.stop(deadline=1.0)


async def test_a_pin_is_taken_off_a_line_of_the_session_and_the_main_line_always_shows_a_camera() -> None:
    rig, viewer = make_rig(), grant(Scope.WATCH)
    await publish(rig)
    opened = await rig.services.whep.play(
        OfferRequest(grant=viewer, order_id=ORDER, sdp=PLAY_OFFER, camera="main")
    )
    mid = next(iter(rig.plane.opened[-1].spec.senders))
    rig.services.resource.select_camera(opened.session_id, viewer, None, mid)
    assert rig.plane.opened[-1].cameras == [(None, mid)]
    for unknown in (None, "99"):
        with pytest.raises(Unacceptable):
            rig.services.resource.select_camera(opened.session_id, viewer, None, unknown)
    assert len(rig.plane.opened[-1].cameras) == 1
    await rig.sessions.stop(deadline=1.0)

from __future__ import annotations

from gateway.sfu.keyframe import INTERVAL, KeyframeRequester


def test_many_wishes_are_one_request_a_second() -> None:
    requester = KeyframeRequester()
    assert not requester.poll(0.0), "nobody asked"
    sent = []
    for step in range(300):
        requester.want()
        now = step * 0.01
        if requester.poll(now):
            sent.append(now)
    assert sent == [0.0, 1.0, 2.0]
    assert requester.sent == 3
    assert INTERVAL == 1.0


def test_a_wish_inside_the_interval_is_kept() -> None:
    requester = KeyframeRequester()
    requester.want()
    assert requester.poll(5.0)
    requester.satisfied()
    requester.want()
    assert not requester.poll(5.5)
    assert requester.poll(6.0)


def test_a_keyframe_that_came_by_itself_ends_the_wish() -> None:
    requester = KeyframeRequester()
    requester.want()
    requester.satisfied()
    assert not requester.poll(9.0)


def test_it_is_repeated_until_a_keyframe_comes() -> None:
    requester = KeyframeRequester(interval=0.5)
    requester.want()
    assert [now for now in range(4) if requester.poll(float(now))] == [0, 1, 2, 3]

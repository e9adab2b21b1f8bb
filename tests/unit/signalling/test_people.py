"""Ids by which people know each other: stable, of one order only, and saying nothing."""

from __future__ import annotations

from gateway.signalling.people import ViewerIds


def test_an_id_is_stable_for_a_person_in_an_order() -> None:
    assert ViewerIds(b"secret").of("order", "anna") == ViewerIds(b"secret").of("order", "anna")


def test_ids_differ_by_person_order_and_secret() -> None:
    ids = ViewerIds(b"secret")
    seen = {
        ids.of("order", "anna"),
        ids.of("order", "boris"),
        ids.of("other", "anna"),
        ViewerIds(b"another").of("order", "anna"),
        ids.of("orde", "ranna"),
    }
    assert len(seen) == 5


def test_an_id_is_short_and_plain_and_does_not_tell_the_subject() -> None:
    viewer_id = ViewerIds(b"x" * 100).of("order", "анна" * 100)
    assert len(viewer_id) == 12
    assert viewer_id.isascii()
    assert viewer_id.isalnum()
    assert "anna" not in ViewerIds(b"secret").of("order", "anna")

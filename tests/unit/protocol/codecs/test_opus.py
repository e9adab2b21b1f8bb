"""Opus: every packet is a place to start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.codecs import opus


@given(st.binary(max_size=40))
def test_every_packet_is_a_start_and_has_no_size(payload: bytes) -> None:
    assert opus.is_keyframe(payload) is True
    assert opus.resolution(payload) is None

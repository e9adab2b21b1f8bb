"""Wrapping numbers, looked at around every wrap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.sequence import SequenceUnwrapper, TimestampUnwrapper, seq_newer


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_newer_at_every_edge(bits: int) -> None:
    circle, half = 1 << bits, 1 << (bits - 1)
    for start in (0, 1, half - 1, half, half + 1, circle - 2, circle - 1):
        assert not seq_newer(start, start, bits)
        assert seq_newer((start + 1) % circle, start, bits)
        assert not seq_newer(start, (start + 1) % circle, bits)
        assert seq_newer((start + half - 1) % circle, start, bits)
        assert not seq_newer((start + half) % circle, start, bits)
        assert not seq_newer(start, (start + half) % circle, bits)
        assert not seq_newer((start + half + 1) % circle, start, bits)


def test_newer_is_16_bits_wide_unless_told() -> None:
    assert seq_newer(0, 65535)
    assert not seq_newer(0, 65535, bits=32)


@pytest.mark.parametrize("start", [0, 1, 32767, 32768, 65534, 65535])
def test_sequence_keeps_rising_over_three_wraps(start: int) -> None:
    unwrapper = SequenceUnwrapper()
    extended = [unwrapper.unwrap((start + step) % 65536) for step in range(3 * 65536 + 5)]
    assert extended == list(range(65536 + start, 65536 + start + 3 * 65536 + 5))


@pytest.mark.parametrize("start", [0, 1, 2**31, 2**32 - 2, 2**32 - 1])
def test_timestamp_keeps_rising_over_wraps(start: int) -> None:
    unwrapper, step = TimestampUnwrapper(), 2**29 + 7
    extended = [unwrapper.unwrap((start + n * step) % 2**32) for n in range(40)]
    assert extended == [2**32 + start + n * step for n in range(40)]


@pytest.mark.parametrize("start", [0, 1, 32768, 65535])
def test_late_packets_from_before_the_first_stay_positive_and_in_order(start: int) -> None:
    unwrapper = SequenceUnwrapper()
    first = unwrapper.unwrap(start)
    assert first == 65536 + start
    for back in (1, 2, 100, 32768):
        assert unwrapper.unwrap((start - back) % 65536) == first - back > 0
    assert unwrapper.highest == first


def test_late_packet_after_a_wrap_belongs_to_the_old_cycle() -> None:
    unwrapper = SequenceUnwrapper()
    assert unwrapper.unwrap(65535) == 131071
    assert unwrapper.unwrap(1) == 131073
    assert unwrapper.unwrap(0) == 131072
    assert unwrapper.unwrap(65534) == 131070
    assert unwrapper.highest == 131073


def test_highest_is_none_before_the_first() -> None:
    assert SequenceUnwrapper().highest is None


@given(st.integers(0, 65535), st.lists(st.integers(-500, 500), max_size=200))
def test_sequence_matches_the_true_number(start: int, jumps: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    base = unwrapper.unwrap(start)
    true = base
    for jump in jumps:
        # Whatever the order of arrival, within half a circle of the highest the number is exact.
        true = max(true + jump, (unwrapper.highest or 0) - 32768)
        assert unwrapper.unwrap(true % 65536) == true


@given(st.lists(st.integers(0, 65535)))
def test_sequence_never_negative_and_keeps_its_bits(values: list[int]) -> None:
    unwrapper = SequenceUnwrapper()
    for value in values:
        extended = unwrapper.unwrap(value)
        assert extended > 0
        assert extended % 65536 == value

"""Numbers of a stream made of many: no jump, no repeat, and the way back from a number to its packet."""

from __future__ import annotations

from gateway.sfu.rewriter import SEGMENTS_KEPT, NumberMap


def test_stays_follow_each_other_without_a_gap() -> None:
    numbers: NumberMap[str] = NumberMap(1_000)
    assert numbers.current is None
    first = numbers.switch("a", 70_000, 5)
    assert (first.first_out, first.sequence_offset, first.timestamp_offset) == (1_000, -69_000, 5)
    numbers.advance(70_009)
    assert numbers.next_out == 1_010
    second = numbers.switch("b", 90_000, 6)
    assert second.first_out == 1_010
    assert numbers.current is second
    numbers.advance(89_000)
    assert numbers.next_out == 1_010, "never back"


def test_a_number_leads_back_to_its_source() -> None:
    numbers: NumberMap[str] = NumberMap(65_530)
    numbers.switch("a", 70_000, 0)
    numbers.advance(70_009)
    numbers.switch("b", 90_000, 0)
    newest = 65_530 + 20
    for sent in range(65_530, newest + 1):
        found = numbers.find(sent & 0xFFFF, newest)
        assert found is not None
        segment, index = found
        expected = ("a", sent - 65_530 + 70_000) if sent < 65_540 else ("b", sent - 65_540 + 90_000)
        assert (segment.source, index) == expected


def test_numbers_that_were_never_sent_lead_nowhere() -> None:
    numbers: NumberMap[str] = NumberMap(1_000)
    assert numbers.find(1_000, 999) is None
    numbers.switch("a", 70_000, 0)
    numbers.advance(70_009)
    assert numbers.find(999, 1_009) is None
    assert numbers.find(1_010, 1_009) is None, "ahead is taken for a circle ago"


def test_an_empty_stay_is_passed_over() -> None:
    numbers: NumberMap[str] = NumberMap(1_000)
    numbers.switch("empty", 5, 0)
    numbers.switch("real", 70_000, 0)
    numbers.advance(70_001)
    found = numbers.find(1_000, 1_001)
    assert found is not None
    assert found[0].source == "real"


def test_history_is_bounded_and_can_be_let_go() -> None:
    numbers: NumberMap[int] = NumberMap(0)
    for source in range(10):
        numbers.switch(source, 70_000, 0)
        numbers.advance(70_009)
    kept = [numbers.find(out, numbers.next_out - 1) for out in range(100)]
    assert {found[0].source for found in kept if found} == set(range(10 - SEGMENTS_KEPT, 10))
    numbers.forget(lambda _: False)
    assert numbers.find(65, 99) is not None
    numbers.forget(lambda source: source == 8)
    assert numbers.next_out == 100
    assert [numbers.find(out, 99) for out in (65, 75, 85)] == [None] * 3, "what is forgotten has no heir"
    assert numbers.find(95, 99) is not None
    numbers.forget(lambda _: True)
    assert numbers.current is None
    assert numbers.switch(11, 7, 0).first_out == 100

"""Numbers of a layer without its higher temporal layers, for any order in which packets come."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.codecs.pictures import Picture
from gateway.sfu.packet import MediaPacket
from gateway.sfu.sublayer import TemporalSublayer, Whole
from tests.unit.sfu.fakes import media_packet

FIRST = 1_000


def packets(temporal_ids: list[int], per_frame: int = 1) -> list[MediaPacket]:
    made = []
    for place in range(len(temporal_ids) * per_frame):
        packet = media_packet(FIRST + place)
        frame = place // per_frame
        packet.picture = Picture(frame, 15, 0, temporal_ids[frame], 0)
        made.append(packet)
    return made


def test_a_whole_layer_has_the_layers_numbers() -> None:
    whole = Whole()
    for packet in packets([0, 2, 1]):
        whole.take(packet)
        assert whole.passes(packet)
        assert not whole.empty(packet)
    assert (whole.highest, whole.packets) == (FIRST + 2, 3)
    assert whole.index_of(5) == whole.source_of(5) == 5


def test_what_is_left_out_leaves_no_hole_in_numbers_or_pictures() -> None:
    sublayer = TemporalSublayer(0, FIRST)
    taken = packets([0, 2, 1, 2, 0, 1, 0], per_frame=2)
    for packet in taken:
        sublayer.take(packet)
    passed = [packet for packet in taken if sublayer.passes(packet)]
    assert [sublayer.index_of(packet.index) for packet in passed] == list(range(FIRST, FIRST + 6))
    numbers = [p.picture.number - sublayer.pictures_left_out(p.index) for p in passed if p.picture]
    assert numbers == [0, 0, 1, 1, 2, 2]
    assert (sublayer.highest, sublayer.packets) == (FIRST + 5, 6)


def test_who_is_late_keeps_an_empty_place() -> None:
    sublayer = TemporalSublayer(0, FIRST)
    base, late, after = packets([0, 2, 0])
    for packet in (base, after, late):
        sublayer.take(packet)
    assert sublayer.index_of(after.index) == FIRST + 2
    assert sublayer.passes(late)
    assert sublayer.empty(late)
    assert sublayer.index_of(late.index) == FIRST + 1


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_numbers_are_dense_unique_and_can_be_traced_back(data: st.DataObject) -> None:
    temporal_ids = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=60))
    sent = packets(temporal_ids, per_frame=data.draw(st.integers(1, 3)))
    delays = data.draw(st.lists(st.integers(0, 4), min_size=len(sent), max_size=len(sent)))
    order = sorted(sent, key=lambda p: (p.index + delays[p.index - FIRST], p.index))
    sublayer = TemporalSublayer(data.draw(st.integers(0, 1)), FIRST)
    told: dict[int, int] = {}
    for packet in order:
        sublayer.take(packet)
        if sublayer.passes(packet):
            own = sublayer.index_of(packet.index)
            assert own not in told
            told[own] = packet.index
    assert sorted(told) == list(range(FIRST, sublayer.highest + 1)), "a hole, or a number too many"
    for own, source in told.items():
        assert sublayer.source_of(own) == source
        assert sublayer.index_of(source) == own, "a number changed after it was told"


def test_the_past_is_forgotten_at_some_time_and_numbers_go_on() -> None:
    sublayer = TemporalSublayer(0, FIRST)
    taken = packets([0, 1] * 20_000)
    for packet in taken:
        sublayer.take(packet)
    newest = taken[-2]
    assert sublayer.index_of(newest.index) == FIRST + 19_999
    assert sublayer.source_of(FIRST + 19_999) == newest.index
    assert sublayer.pictures_left_out(newest.index) == 19_999
    assert len(sublayer._dropped) < 10_000

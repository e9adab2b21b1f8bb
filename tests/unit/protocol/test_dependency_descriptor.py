"""The dependency descriptor: structures as libwebrtc writes them, built bit by bit from the specification."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.dependency_descriptor import Structure, parse, shift_frame_number

NOT_PRESENT, DISCARDABLE, SWITCH, REQUIRED = range(4)
# Templates of scalability mode L1T3: a keyframe, then the base, the two higher layers in turn.
TEMPORAL_IDS = (0, 0, 1, 2, 2)
INDICATIONS = (
    (SWITCH, SWITCH, SWITCH),
    (SWITCH, SWITCH, SWITCH),
    (NOT_PRESENT, DISCARDABLE, SWITCH),
    (NOT_PRESENT, NOT_PRESENT, DISCARDABLE),
    (NOT_PRESENT, NOT_PRESENT, DISCARDABLE),
)
OFFSET = 60
L1T3 = Structure(OFFSET, TEMPORAL_IDS, INDICATIONS)


class Bits:
    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> Bits:
        self.text += f"{value:0{count}b}"
        return self

    def octets(self) -> bytes:
        padded = self.text + "0" * (-len(self.text) % 8)
        return int(padded, 2).to_bytes(len(padded) // 8, "big")


def mandatory(template: int, number: int, starts: int = 1, ends: int = 0) -> Bits:
    return Bits().put(starts, 1).put(ends, 1).put(template, 6).put(number, 16)


def keyframe(number: int) -> bytes:
    bits = mandatory(OFFSET, number).put(0b10000, 5).put(OFFSET, 6).put(2, 5)
    steps = [0 if b == a else 1 for a, b in itertools.pairwise(TEMPORAL_IDS)]
    for step in [*steps, 3]:
        bits.put(step, 2)
    for indications in INDICATIONS:
        for indication in indications:
            bits.put(indication, 2)
    return bits.put(0b1010_1010, 8).octets()  # frame differences and more, which nobody reads


def test_a_keyframe_brings_the_structure() -> None:
    found = parse(keyframe(7), None)
    assert found is not None
    assert found.structure == L1T3
    assert (found.starts_frame, found.ends_frame, found.frame_number, found.temporal_id) == (
        True,
        False,
        7,
        0,
    )
    assert found.enters == 0b110
    assert L1T3.targets() == [0, 1, 2]


def test_frames_refer_to_it_by_template() -> None:
    seen = [parse(mandatory((OFFSET + n) % 64, 9, ends=1).octets(), L1T3) for n in range(5)]
    assert [x.temporal_id for x in seen if x] == [0, 0, 1, 2, 2]
    assert [x.enters for x in seen if x] == [0b110, 0b110, 0b100, 0, 0]


def test_a_frame_may_tell_its_own_indications() -> None:
    custom = mandatory(OFFSET + 2, 9).put(0b00100, 5)
    for indication in (NOT_PRESENT, SWITCH, REQUIRED):
        custom.put(indication, 2)
    found = parse(custom.octets(), L1T3)
    assert found is not None
    assert found.enters == 0b10
    with_active_targets = mandatory(OFFSET + 2, 9).put(0b01100, 5).put(0b111, 3)
    for indication in (NOT_PRESENT, NOT_PRESENT, SWITCH):
        with_active_targets.put(indication, 2)
    found = parse(with_active_targets.octets(), L1T3)
    assert found is not None
    assert found.enters == 0b100


def test_what_cannot_be() -> None:
    assert parse(b"\x80\x00", None) is None
    assert parse(keyframe(1)[:6], None) is None
    assert parse(mandatory(OFFSET + 5 - 64, 1).octets(), L1T3) is None, "no such template"
    early = parse(mandatory(3, 1).octets(), None)
    assert early is not None
    assert (early.temporal_id, early.enters, early.structure) == (0, 0, None)


def test_the_number_moves_and_nothing_else() -> None:
    value = keyframe(65_530)
    moved = parse(shift_frame_number(value, 10), None)
    assert moved is not None
    assert moved.frame_number == 4
    assert shift_frame_number(value, 10)[3:] == value[3:]
    assert shift_frame_number(b"\x80", 10) == b"\x80"


@given(st.binary(max_size=60))
def test_garbage_is_read_or_refused(value: bytes) -> None:
    for known in (None, L1T3):
        found = parse(value, known)
        assert found is None or (found.temporal_id < 64 and found.frame_number < 65_536)

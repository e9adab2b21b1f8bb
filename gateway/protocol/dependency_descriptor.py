"""The dependency descriptor (AV1 RTP specification, appendix A), as far as a forwarder needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.protocol.codecs.bits import BitReader, EndOfBits

_MANDATORY: Final = 3
_SAME_LAYER, _NEXT_TEMPORAL, _NEXT_SPATIAL, _NO_MORE = range(4)
_MAX_TEMPLATES: Final = 64
_NOT_PRESENT: Final = 0
_SWITCH: Final = 2


@dataclass(frozen=True, slots=True)
class Structure:
    """The template structure that a keyframe brings and the frames after it refer to."""

    offset: int
    """The first template's id."""
    temporal_ids: tuple[int, ...]
    """By template."""
    indications: tuple[tuple[int, ...], ...]
    """By template, then by decode target: 0 not present, 1 discardable, 2 switch, 3 required."""

    def targets(self) -> list[int]:
        """The highest temporal layer of each decode target."""
        count = len(self.indications[0])
        present = zip(self.temporal_ids, self.indications, strict=True)
        tops = [0] * count
        for temporal, indications in present:
            for target in range(count):
                if indications[target] != _NOT_PRESENT:
                    tops[target] = max(tops[target], temporal)
        return tops


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One packet's descriptor."""

    starts_frame: bool
    ends_frame: bool
    frame_number: int
    """16 bits."""
    temporal_id: int
    """0 while no structure is known."""
    enters: int
    """Bit n: from this frame on, temporal layer n can be decoded by who had those below it."""
    structure: Structure | None
    """Where this packet brings a new one."""


def parse(value: bytes, known: Structure | None) -> Descriptor | None:
    """Read an extension value; None when it is cut off. `known` is the structure that came before it."""
    if len(value) < _MANDATORY:
        return None
    template, number = value[0] & 0x3F, value[1] << 8 | value[2]
    structure = None
    custom: tuple[int, ...] | None = None
    try:
        if len(value) > _MANDATORY:
            structure, custom = _read_extended(BitReader(value[_MANDATORY:]), known)
    except EndOfBits:
        return None
    valid = structure or known
    temporal = enters = 0
    if valid is not None:
        place = (template - valid.offset) % 64
        if place >= len(valid.temporal_ids):
            return None
        temporal = valid.temporal_ids[place]
        enters = _entered(valid.targets(), custom or valid.indications[place])
    return Descriptor(value[0] & 0x80 != 0, value[0] & 0x40 != 0, number, temporal, enters, structure)


def shift_frame_number(value: bytes, by: int) -> bytes:
    """The same descriptor with another frame number; references are differences and stay as they are."""
    if len(value) < _MANDATORY:
        return value
    number = (value[1] << 8 | value[2]) + by & 0xFFFF
    return value[:1] + number.to_bytes(2, "big") + value[_MANDATORY:]


def _entered(tops: list[int], indications: tuple[int, ...]) -> int:
    entered = 0
    for top, indication in zip(tops, indications, strict=True):
        if indication == _SWITCH and top:
            entered |= 1 << top
    return entered


def _read_extended(
    reader: BitReader, known: Structure | None
) -> tuple[Structure | None, tuple[int, ...] | None]:
    """A structure, or the frame's own decode target indications, where they are told."""
    has_structure, has_active, has_custom = reader.flag(), reader.flag(), reader.flag()
    reader.bits(2)  # custom_fdiffs_flag, custom_chains_flag
    if has_structure:
        # What the frame itself tells stands behind parts of the structure that nobody here needs.
        return _read_structure(reader), None
    if not has_custom or known is None:
        return None, None
    count = len(known.indications[0])
    if has_active:
        reader.bits(count)
    return None, tuple(reader.bits(2) for _ in range(count))


def _read_structure(reader: BitReader) -> Structure:
    offset, targets = reader.bits(6), reader.bits(5) + 1
    temporal_ids = [0]
    while (step := reader.bits(2)) != _NO_MORE:
        if len(temporal_ids) == _MAX_TEMPLATES:
            raise EndOfBits
        temporal = temporal_ids[-1]
        if step == _NEXT_TEMPORAL:
            temporal += 1
        elif step == _NEXT_SPATIAL:
            temporal = 0
        temporal_ids.append(temporal)
    indications = tuple(tuple(reader.bits(2) for _ in range(targets)) for _ in temporal_ids)
    return Structure(offset, tuple(temporal_ids), indications)

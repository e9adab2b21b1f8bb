from __future__ import annotations

import itertools
from array import array

from gateway.demo.sound import BLOCK_SAMPLES, BLOCKS, CHANNELS, make_blocks


def energy(block: bytes) -> float:
    samples = array("h", block)
    return sum(sample * sample for sample in samples) / len(samples)


def test_a_second_in_blocks_of_20_ms_of_stereo() -> None:
    blocks = make_blocks()
    assert len(blocks) == BLOCKS == 50
    assert {len(block) for block in blocks} == {BLOCK_SAMPLES * CHANNELS * 2}


def test_the_chime_begins_with_the_second_and_the_rest_is_soft_but_not_silent() -> None:
    levels = [energy(block) for block in make_blocks()]
    assert max(levels) == max(levels[:2])
    assert levels[-1] < levels[1] / 20
    assert min(levels) > 1_000


def test_nothing_is_clipped_and_the_seam_is_smooth() -> None:
    samples = array("h", b"".join(make_blocks()))[::2]
    assert max(map(abs, samples)) < 32_767
    steps = [abs(later - earlier) for earlier, later in itertools.pairwise(samples)]
    assert abs(samples[0] - samples[-1]) <= max(steps)

from __future__ import annotations

import asyncio
import sys

import pytest

from gateway.client.packetize import MAX_PAYLOAD
from gateway.demo.camera import LAYERS, Assignment, Studio, _ticks
from gateway.protocol.codecs import keyframe_detector

START = 1_790_000_000.0


def test_every_layer_is_shot_and_only_those_asked_for_give_keyframes() -> None:
    studio = Studio(LAYERS, 25)
    is_keyframe = keyframe_detector("H264")

    def shoot(number: int) -> set[str]:
        shots = studio.shoot(START + number / 25)
        assert [rid for rid, _ in shots] == ["l", "m", "h"]
        assert max(len(payload) for _, payloads in shots for payload in payloads) <= MAX_PAYLOAD
        return {rid for rid, payloads in shots if any(map(is_keyframe, payloads))}

    assert shoot(0) == {"l", "m", "h"}
    assert shoot(1) == set()
    studio.request_keyframe("m")
    studio.request_keyframe("unknown")
    studio.request_keyframe(None)
    assert shoot(2) == {"m"}
    assert shoot(3) == set()


class _Clock:
    """Starts at a time that is no whole frame, and goes as fast as it is asked."""

    def __init__(self) -> None:
        self.now = START + 0.013

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


async def test_ticks_fall_on_whole_fractions_and_missed_ones_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = _Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr("gateway.demo.camera.asyncio.sleep", sleep)
    seen = []
    async for captured in _ticks(25, clock):
        seen.append(round((captured - START) * 25, 3))
        if len(seen) == 2:
            clock.now += 0.2  # five frames late
        if len(seen) == 4:
            break
    assert seen == [1, 2, 7, 8]


async def test_the_process_refuses_an_unreadable_assignment() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway.demo.camera"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate(b'{"url": 1}\n')
    assert process.returncode == 2
    assert said.startswith(b"camera: standard input must begin")


def test_the_token_is_in_no_representation() -> None:
    assert "s3cret" not in repr(Assignment("http://127.0.0.1/", "http://127.0.0.1/", "s3cret"))

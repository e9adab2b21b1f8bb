from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

import pytest

from gateway.demo import camera_process
from gateway.demo.camera_process import CameraProcess

MODULE = "tests.unit.demo.obedient"


def read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


async def lines(path: Path, wanted: int) -> list[str]:
    for _ in range(1_000):
        found = read(path)
        if len(found) >= wanted:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{path} never had {wanted} lines")


async def test_stopping_closes_its_input_and_lets_it_say_goodbye(tmp_path: Path) -> None:
    log = tmp_path / "log"
    camera = CameraProcess(lambda: {"log": str(log), "token": "one", "then": "wait"}, MODULE)
    camera.start()
    assert await lines(log, 1) == ["one"]
    await camera.stop()
    await camera.stop()
    assert await lines(log, 2) == ["one", "goodbye"]


async def test_it_is_started_again_with_a_fresh_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_process, "FIRST_PAUSE", 0.01)
    log, number = tmp_path / "log", count(1)
    camera = CameraProcess(lambda: {"log": str(log), "token": str(next(number)), "then": "fail"}, MODULE)
    camera.start()
    assert (await lines(log, 3))[:3] == ["1", "2", "3"]
    await camera.stop()


async def test_one_that_does_not_take_the_hint_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_process, "PATIENCE", 0.05)
    process = await asyncio.create_subprocess_exec("sleep", "60", stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    await camera_process._end(process)
    assert process.returncode == -9

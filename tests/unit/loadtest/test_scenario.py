"""Scenarios: ours can be read, mistakes are named, options override."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from loadtest.scenario import SCENARIOS, Scenario, ScenarioError, from_values, load, with_options


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_ours_can_be_read_and_judge_loss_and_latency(path: Path) -> None:
    scenario = load(path)
    assert scenario.title != Scenario().title
    assert scenario.thresholds.loss is not None
    assert scenario.thresholds.latency_p99_ms is not None
    assert scenario.thresholds.failed_sessions is not None


def test_the_release_gate_asks_for_what_the_shop_needs() -> None:
    release = load(SCENARIOS / "release.toml")
    assert release.thresholds.loss == 0.0001
    assert release.thresholds.wrong_pictures == 0
    assert [layer.rid for layer in release.publish.layers] == ["q", "h", "f"]
    assert release.kbit == 2150


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("duraton = 5", "no key 'duraton'; did you mean 'duration'?"),
        ("[thresholds]\nlatency_p99 = 5", "no key 'thresholds.latency_p99'; did you mean 'latency_p99_ms'?"),
        ("[publish]\n[[publish.layers]]\nkbits = 5", "no key 'publish.layers.kbits'; did you mean 'kbit'?"),
        ("[publish]\n[[publish.layers]]\nkbit = 5\nwidth = 64", "publish.layers needs height"),
        ("[watch]\nviewers = 1.5", "watch.viewers must be a whole number"),
        ("[watch]\nnack = 1", "watch.nack must be true or false"),
        ("[watch]\nviewers = true", "watch.viewers must be a whole number"),
        ("duration = true", "duration must be a number"),
        ("watch = 5", "watch must be a table"),
        ("duration = 0", "duration must be over 0"),
        ("[publish]\ncodec = 'av1'", "publish.codec must be one of h264, vp8"),
        ("[network]\nprofile = 'moon'", "network.profile must be one of none, wifi"),
        ("[watch]\ntalkers = 2", "at most one an order"),
        (
            "[publish]\n[[publish.layers]]\nkbit=1\nwidth=1\nheight=1\n"
            "[[publish.layers]]\nkbit=2\nwidth=2\nheight=2",
            "more than one need a rid each",
        ),
    ],
)
def test_a_mistake_is_named(text: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        from_values(tomllib.loads(text))
    assert words in str(caught.value)


def test_the_file_is_named_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with pytest.raises(ScenarioError, match=r"mine\.toml: No such file"):
        load(path)
    path.write_text("viewers = 5")
    with pytest.raises(ScenarioError, match=r"mine\.toml: no key 'viewers'"):
        load(path)
    path.write_text("viewers 5")
    with pytest.raises(ScenarioError, match=r"mine\.toml: "):
        load(path)


def test_whole_numbers_do_for_seconds() -> None:
    scenario = from_values({"duration": 7, "thresholds": {"wrong_pictures": 0, "loss": 0}})
    assert scenario.duration == 7.0
    assert (scenario.thresholds.wrong_pictures, scenario.thresholds.loss) == (0, 0.0)


def test_what_is_left_out_is_not_judged() -> None:
    assert from_values({}).thresholds.loss is None


def test_options_override() -> None:
    release = load(SCENARIOS / "release.toml")
    changed = with_options(release, viewers=7, bitrate=3000, duration=5.0)
    assert changed.watch.viewers == 7
    assert changed.duration == 5.0
    assert [layer.kbit for layer in changed.publish.layers] == [300, 1000, 3000]
    assert with_options(release) == release
    assert with_options(release, viewers=3).watch.talkers == 3  # who is not there does not talk
    with pytest.raises(ScenarioError, match="duration"):
        with_options(release, duration=-1.0)

from __future__ import annotations

from gateway.sfu.estimation import overuse
from gateway.sfu.estimation.overuse import OveruseDetector, Usage


def feed(detector: OveruseDetector, *trends: float, start: float = 0.0) -> list[Usage]:
    return [detector.update(trend, start + n * 0.1) for n, trend in enumerate(trends)]


def test_small_trends_are_normal() -> None:
    assert feed(OveruseDetector(), 0, 3, -3, 5, 0) == [Usage.NORMAL] * 5


def test_a_strong_trend_is_overuse_and_its_reverse_is_underuse() -> None:
    detector = OveruseDetector()
    assert feed(detector, 0, 40) == [Usage.NORMAL, Usage.OVER]
    assert feed(detector, -40, start=0.2) == [Usage.UNDER]
    assert feed(detector, 0, start=0.3) == [Usage.NORMAL]


def test_a_trend_that_already_falls_starts_no_overuse_but_does_not_end_it() -> None:
    detector = OveruseDetector()
    assert feed(detector, 100, 80)[-1] is Usage.OVER
    detector = OveruseDetector()
    detector._trend = 100
    assert feed(detector, 50) == [Usage.NORMAL]


def test_the_threshold_follows_what_is_usual() -> None:
    detector = OveruseDetector()
    for n in range(100):
        detector.update(14 if n % 2 else -14, n * 0.02)
    assert detector.update(13, 2.0) is Usage.NORMAL
    for n in range(100):
        detector.update(0, 2.1 + n * 0.02)
    assert detector.update(overuse.LOWEST + 1, 5.0) is Usage.OVER


def test_the_threshold_does_not_follow_a_spike() -> None:
    detector = OveruseDetector()
    feed(detector, 0, 500, 500)
    assert detector.update(20, 0.4) is Usage.OVER


def test_the_threshold_has_a_top() -> None:
    detector = OveruseDetector()
    for n in range(2000):
        detector.update(detector._threshold + 14, n * 0.1)
    assert detector._threshold == overuse.HIGHEST

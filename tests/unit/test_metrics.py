"""What a scrape shows."""

from __future__ import annotations

from collections import Counter

from prometheus_client import generate_latest

from gateway.metrics import GatewayCollector, PlaybackHistograms, Reading, registry


def test_a_scrape_reads_the_figures_as_they_are_now() -> None:
    drops = Counter({"rtp_malformed": 3})
    sessions = [1, 2]
    metrics = registry(
        GatewayCollector(
            gauges={"gateway_sessions": Reading("Live sessions", lambda: len(sessions))},
            counters={
                "gateway_drops": Reading("Input dropped, by reason", lambda: drops, label="reason"),
                "gateway_datagrams_received": Reading("UDP datagrams read", lambda: 7.0),
            },
        )
    )
    text = generate_latest(metrics).decode()
    assert 'gateway_drops_total{reason="rtp_malformed"} 3.0' in text
    assert "gateway_sessions 2.0" in text
    assert "gateway_datagrams_received_total 7.0" in text
    assert "process_resident_memory_bytes" in text
    assert "python_info" in text
    drops["a_name"] += 1
    sessions.clear()
    text = generate_latest(metrics).decode()
    assert text.index('reason="a_name"') < text.index('reason="rtp_malformed"')
    assert "gateway_sessions 0.0" in text


def test_a_gauge_may_have_a_label() -> None:
    kinds = {"whip": 1.0, "whep": 4.0}
    reading = Reading("Live sessions", lambda: kinds, label="kind")
    text = generate_latest(registry(GatewayCollector({"gateway_sessions_by_kind": reading}, {}))).decode()
    assert 'gateway_sessions_by_kind{kind="whep"} 4.0' in text
    assert 'gateway_sessions_by_kind{kind="whip"} 1.0' in text


def test_without_drops_the_family_is_still_described() -> None:
    drops: Counter[str] = Counter()
    collector = GatewayCollector({}, {"gateway_drops": Reading("By reason", lambda: drops, label="reason")})
    text = generate_latest(registry(collector)).decode()
    assert "# TYPE gateway_drops_total counter" in text
    assert "gateway_drops_total{reason" not in text


def test_what_players_measure_is_a_distribution_over_all_of_them() -> None:
    times = PlaybackHistograms()
    metrics = registry(times.glass_to_glass, times.first_frame)
    for seconds in (0.18, 0.3, 12.0):
        times.glass_to_glass.observe(seconds)
    times.first_frame.observe(0.4)
    text = generate_latest(metrics).decode()
    assert 'gateway_glass_to_glass_seconds_bucket{le="0.2"} 1.0' in text
    assert 'gateway_glass_to_glass_seconds_bucket{le="0.3"} 2.0' in text
    assert 'gateway_glass_to_glass_seconds_bucket{le="10.0"} 2.0' in text
    assert "gateway_glass_to_glass_seconds_count 3.0" in text
    assert 'gateway_first_frame_seconds_bucket{le="0.5"} 1.0' in text

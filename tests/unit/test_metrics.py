"""What a scrape shows."""

from __future__ import annotations

from collections import Counter

from prometheus_client import generate_latest

from gateway.metrics import GatewayCollector, registry


def test_a_scrape_reads_the_counters_as_they_are_now() -> None:
    drops = Counter({"rtp_malformed": 3})
    sessions = [1, 2]
    metrics = registry(
        GatewayCollector(
            drops,
            gauges={"gateway_sessions": ("Live sessions", lambda: len(sessions))},
            counters={"gateway_datagrams_received": ("UDP datagrams read", lambda: 7.0)},
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


def test_without_drops_the_family_is_still_described() -> None:
    text = generate_latest(registry(GatewayCollector(Counter(), {}, {}))).decode()
    assert "# TYPE gateway_drops_total counter" in text
    assert "gateway_drops_total{reason" not in text

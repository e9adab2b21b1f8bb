"""What the engine writes by hand: consent checks, stamps, runs of equal packets, the times of sent frames."""

from __future__ import annotations

from pathlib import Path

import pytest
from aioice import stun

from gateway.protocol.description import IceCredentials
from gateway.protocol.stun import read_binding_request, success_response
from loadtest.engine.consent import INTERVAL, TIMEOUT, Consent
from loadtest.engine.outgoing import runs
from loadtest.engine.sent import SentTimes
from loadtest.engine.stamp import PLACEHOLDER, SIZE, read_stamp, write_stamp

OURS, THEIRS = IceCredentials("ours", "o" * 22), IceCredentials("theirs", "t" * 22)


def test_a_consent_check_is_authentic_and_its_answer_prolongs_consent() -> None:
    consent = Consent(OURS, THEIRS, 100.0)
    data = consent.request(101.0)
    username, request = read_binding_request(data, {b"theirs:ours": b"t" * 22})
    assert username == b"theirs:ours"
    assert not request.claims_controlled
    assert stun.parse_message(data).attributes["USE-CANDIDATE"] is None
    assert 101 + 0.8 * INTERVAL <= consent.due <= 101 + 1.2 * INTERVAL
    answer = success_response(request, ("127.0.0.1", 1), b"t" * 22)
    assert not consent.answered(data, 102.0)
    assert consent.answered(answer, 102.0)
    assert consent.until == 102.0 + TIMEOUT
    consent.request(103.0)
    assert not consent.answered(answer, 104.0)  # of the check before


@pytest.mark.parametrize("time", [0.0, 1_790_000_000.123456, 1_790_000_000.0, 4_000_000_000.999999])
def test_a_stamp_comes_back_and_never_looks_like_a_start_code(time: float) -> None:
    stamp = write_stamp(time)
    assert len(stamp) == SIZE == len(PLACEHOLDER)
    assert 0 not in stamp
    assert read_stamp(b"payload" + stamp) == pytest.approx(time, abs=2e-6)


@pytest.mark.parametrize("payload", [b"", b"short", bytes(100)])
def test_a_payload_without_a_stamp(payload: bytes) -> None:
    assert read_stamp(payload) is None


def test_runs_end_behind_a_shorter_and_before_a_longer_packet() -> None:
    packets = [bytes(size) for size in (30, 100, 100, 50, 20, 100)]
    assert [[len(packet) for packet in run] for run in runs(packets)] == [[30], [100, 100, 50], [20], [100]]
    assert list(runs([])) == []


def test_sent_times_are_shared_by_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    writer, reader, other = (SentTimes(f"http://host/whip/{name}") for name in "aab")
    writer.note(2, 250, 1_790_000_000.5)
    assert reader.at(2, 250) == 1_790_000_000.5
    assert reader.at(1, 250) == reader.at(2, 251) == other.at(2, 250) == 0

from __future__ import annotations

import pytest

from gateway.client.offer import H264, OPUS
from gateway.client.rtp_sender import HISTORY, RtpSender, TransportSequence
from gateway.protocol import extensions as uri
from gateway.protocol.description import Codec, SignalledSsrc
from gateway.protocol.rtcp import unix_from_ntp
from gateway.protocol.rtp import parse_rtp

EXTENSIONS = {uri.MID: 1, uri.RID: 2, uri.REPAIRED_RID: 3, uri.TRANSPORT_CC: 4}
WITHOUT_RTX = Codec(H264.kind, "H264", 102, 90_000)


def sender(codec: Codec = H264, rid: str | None = "h") -> RtpSender:
    return RtpSender(codec, SignalledSsrc(11, 12), EXTENSIONS, TransportSequence(), mid="1", rid=rid)


def test_a_frame_shares_a_timestamp_and_ends_with_the_marker() -> None:
    packets = sender().frame([b"one", b"two", b"six"], 1_790_000_000.0, marker=True)
    parsed = [parse_rtp(packet) for packet, _ in packets]
    assert [packet.payload for packet in parsed] == [b"one", b"two", b"six"]
    assert [packet.marker for packet in parsed] == [False, False, True]
    assert len({packet.timestamp for packet in parsed}) == 1
    first = packets[0][1]
    assert [index for _, index in packets] == [first, first + 1, first + 2]
    assert first < 65_536  # receivers begin to count roll-overs at zero
    assert [dict(packet.extensions)[4] for packet in parsed] == [b"\0\0", b"\0\1", b"\0\2"]
    assert {(packet.extensions[1], packet.extensions[2]) for packet in parsed} == {(b"1", b"h")}


def test_equal_payloads_do_not_mark_each_other() -> None:
    same = b"same"
    parsed = [parse_rtp(packet) for packet, _ in sender().frame([same, same], 1.0, marker=True)]
    assert [packet.marker for packet in parsed] == [False, True]


def test_a_nack_is_answered_as_rtx_with_the_original_number_in_front() -> None:
    stream = sender()
    [(original, index)] = stream.frame([b"payload"], 5.0, marker=True)
    [(packet, _)] = stream.retransmit([index & 0xFFFF, (index + 1) & 0xFFFF])
    repeated = parse_rtp(packet)
    assert (repeated.ssrc, repeated.payload_type) == (12, H264.rtx_payload_type)
    assert repeated.payload == (index & 0xFFFF).to_bytes(2, "big") + b"payload"
    assert repeated.timestamp == parse_rtp(original).timestamp
    assert repeated.extensions[3] == b"h"
    assert 2 not in repeated.extensions
    assert stream.retransmitted == 1


def test_without_rtx_the_very_same_packet_goes_again() -> None:
    stream = sender(WITHOUT_RTX)
    sent = stream.frame([b"payload"], 5.0, marker=True)
    assert stream.retransmit([sent[0][1] & 0xFFFF]) == sent


def test_the_history_is_bounded_and_forgets_the_oldest() -> None:
    stream = sender()
    sent = stream.frame([b"x"] * (HISTORY + 1), 5.0, marker=True)
    assert stream.retransmit([sent[0][1] & 0xFFFF]) == []
    assert len(stream.retransmit([index & 0xFFFF for _, index in sent])) == HISTORY


def test_reports_of_sound_and_picture_share_one_time_base() -> None:
    video, audio = sender(), RtpSender(OPUS, SignalledSsrc(7), {}, TransportSequence())
    assert video.report(100.0) is None
    captured = 1_790_000_000.0
    [(picture, _)] = video.frame([b"p"], captured, marker=True)
    [(sound, _)] = audio.frame([b"s"], captured, marker=False)
    for stream, packet in ((video, picture), (audio, sound)):
        report = stream.report(captured + 0.5)
        assert report is not None
        behind = (report.rtp_timestamp - parse_rtp(packet).timestamp) & 0xFFFFFFFF
        assert behind == stream.codec.clock_rate // 2
        assert unix_from_ntp(report.ntp) == pytest.approx(captured + 0.5, abs=1e-5)
        assert (report.packet_count, report.octet_count) == (1, 1)

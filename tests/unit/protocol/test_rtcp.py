"""RTCP: vectors by hand, against aiortc, round trips and garbage."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from aiortc import rtp as aiortc
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import Malformed
from gateway.protocol.rtcp import (
    Bye,
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    ReceptionReport,
    Remb,
    RtcpError,
    SenderReport,
    SourceDescription,
    TransportFeedback,
    ntp_from_unix,
    ntp_middle32,
    parse_rtcp,
    unix_from_ntp,
)

u8, u16, u32 = st.integers(0, 2**8 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
reports = st.builds(ReceptionReport, u32, u8, st.integers(-(2**23), 2**23 - 1), u32, u32, u32, u32)
report_lists = st.lists(reports, max_size=31).map(tuple)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
packets = st.one_of(
    st.builds(SenderReport, u32, st.integers(0, 2**64 - 1), u32, u32, u32, report_lists),
    st.builds(ReceiverReport, u32, report_lists),
    st.builds(SourceDescription, st.dictionaries(u32, names, max_size=31)),
    st.builds(Bye, st.lists(u32, max_size=31).map(tuple), names),
    st.builds(PictureLossIndication, u32, u32),
    st.builds(FullIntraRequest, u32, st.lists(st.tuples(u32, u8), max_size=20).map(tuple)),
    st.builds(Remb, u32, st.integers(0, 2**18 - 1), st.lists(u32, max_size=255).map(tuple)),
    st.builds(TransportFeedback, u32, u32, u16, st.integers(0, 2**24 - 1), u8, st.just((0, None))),
)
"""Packets whose values survive the wire exactly; NACK has its own test, its list may be reordered."""

REPORT = ReceptionReport(0x0A0B0C0D, 64, -5, 0x00012345, 678, 0xAABBCCDD, 65536)


@given(st.lists(packets, min_size=1, max_size=4))
def test_compound_round_trip(compound: list[Any]) -> None:
    data = b"".join(packet.encode() for packet in compound)
    assert len(data) % 4 == 0
    assert parse_rtcp(data) == compound


def test_sender_report_vector() -> None:
    data = bytes.fromhex(
        "81c8000c 01020304 e6a1b2c3 80000000 00001111 00000022 00003333"
        "0a0b0c0d 40fffffb 00012345 000002a6 aabbccdd 00010000"
    )
    report = SenderReport(0x01020304, 0xE6A1B2C380000000, 0x1111, 0x22, 0x3333, (REPORT,))
    assert parse_rtcp(data) == [report]
    assert report.encode() == data


def test_profile_specific_extension_of_a_report_is_ignored() -> None:
    data = ReceiverReport(7, (REPORT,)).encode()
    longer = data[:2] + (int.from_bytes(data[2:4], "big") + 2).to_bytes(2, "big") + data[4:] + b"8 octets"
    assert parse_rtcp(longer) == [ReceiverReport(7, (REPORT,))]


@pytest.mark.parametrize(("lost", "wire"), [(2**23, 0x7FFFFF), (-(2**23) - 1, 0x800000)])
def test_cumulative_loss_saturates(lost: int, wire: int) -> None:
    report = ReceptionReport(1, 0, lost, 0, 0, 0, 0)
    assert int.from_bytes(report.encode()[5:8], "big") == wire


def test_source_description_ignores_other_items_and_keeps_chunks_apart() -> None:
    items = b"\x06\x04tool" + b"\x01\x05alice" + b"\x02\x01n" + b"\x00"
    body = b"\x00\x00\x00\x01" + items + bytes(-len(items) % 4) + b"\x00\x00\x00\x02" + b"\x06\x01t\x00"
    data = bytes((0x82, 202)) + (len(body) // 4).to_bytes(2, "big") + body
    assert parse_rtcp(data) == [SourceDescription({1: "alice", 2: ""})]


@pytest.mark.parametrize("length", range(9))
def test_source_description_always_ends_its_items(length: int) -> None:
    data = SourceDescription({1: "x" * length}).encode()
    assert len(data) % 4 == 0
    assert data[-1] == 0
    assert parse_rtcp(data + Bye((1,)).encode()) == [SourceDescription({1: "x" * length}), Bye((1,))]


def test_names_that_are_no_utf8_are_replaced() -> None:
    data = SourceDescription({1: "abc"}).encode().replace(b"abc", b"\xffbc")
    assert parse_rtcp(data) == [SourceDescription({1: "\ufffdbc"})]


def test_reduced_size_packet_alone() -> None:
    assert parse_rtcp(PictureLossIndication(1, 2).encode()) == [PictureLossIndication(1, 2)]


@pytest.mark.parametrize(
    "unknown",
    [
        bytes.fromhex("80cf0001 00000001"),  # extended report
        bytes.fromhex("83cd0002 00000001 00000002"),  # transport feedback of another format
        bytes.fromhex("82ce0002 00000001 00000002"),  # slice loss indication
        bytes.fromhex("8fce0003 00000001 00000002 41424344"),  # application feedback, no REMB
    ],
)
def test_unknown_packets_are_skipped(unknown: bytes) -> None:
    assert parse_rtcp(unknown + Bye((9,)).encode()) == [Bye((9,))]
    assert parse_rtcp(unknown) == []


def test_padding_is_removed() -> None:
    assert parse_rtcp(bytes.fromhex("a1cb0002 00000009 00000004")) == [Bye((9,))]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        bytes.fromhex("80c9"),
        bytes.fromhex("40c90001 00000001"),  # version 1
        bytes.fromhex("80c90002 00000001"),  # longer than the datagram
        bytes.fromhex("80c90000"),  # no ssrc
        bytes.fromhex("81c90001 00000001"),  # report missing
        bytes.fromhex("80c80001 00000001"),
        bytes.fromhex("81ca0000"),
        bytes.fromhex("81ca0002 00000001 01056162"),  # name over the end
        bytes.fromhex("81ca0002 00000001 06006101"),  # item without its length
        bytes.fromhex("82cb0001 00000001"),
        bytes.fromhex("81cb0002 00000001 05616263"),  # reason over the end
        bytes.fromhex("81cd0001 00000001"),
        bytes.fromhex("a1cd0003 00000001 00000002 00000001"),  # padding inside a NACK entry
        bytes.fromhex("84ce0003 00000001 00000000 00000001"),  # half an entry
        bytes.fromhex("8fce0003 00000001 00000000 52454d42"),
        bytes.fromhex("8fce0004 00000001 00000000 52454d42 01000000"),  # ssrc missing
        bytes.fromhex("8fcd0003 00000001 00000002 00000001"),
        bytes.fromhex("a0c90001 00000000"),  # padding of nothing
        bytes.fromhex("a0c90001 00000005"),  # padding over the start
        bytes.fromhex("a0c90000"),
        PictureLossIndication(1, 2).encode() + b"\x80",
    ],
)
def test_malformed_packets_raise(data: bytes) -> None:
    with pytest.raises(RtcpError):
        parse_rtcp(data)


def test_rtcp_error_is_a_malformed_input() -> None:
    assert issubclass(RtcpError, Malformed)


@given(packets)
def test_every_truncation_raises(packet: Any) -> None:
    data = packet.encode()
    for size in {0, 1, 3, 4, len(data) // 2, len(data) - 4, len(data) - 1}:
        if size < len(data):
            with pytest.raises(RtcpError):
                parse_rtcp(data[:size])


@given(st.binary(max_size=100))
@example(b"\x80\xca\x00\x00")
def test_garbage_raises_rtcp_error_only(data: bytes) -> None:
    with contextlib.suppress(RtcpError):
        parse_rtcp(data)


@given(st.integers(0x80, 0xBF), st.integers(200, 207), st.binary(max_size=80))
def test_garbage_behind_a_valid_header(first: int, packet_type: int, rest: bytes) -> None:
    rest = rest[: len(rest) // 4 * 4]
    with contextlib.suppress(RtcpError):
        parse_rtcp(bytes((first, packet_type)) + (len(rest) // 4).to_bytes(2, "big") + rest)


@pytest.mark.parametrize(
    "packet",
    [
        ReceiverReport(1, (REPORT,) * 32),
        SourceDescription(dict.fromkeys(range(32), "")),
        SourceDescription({1: "x" * 256}),
        Bye(tuple(range(32))),
        Bye((1,), "x" * 256),
    ],
)
def test_what_does_not_fit_is_refused(packet: Any) -> None:
    with pytest.raises(RtcpError):
        packet.encode()


# --- against aiortc -------------------------------------------------------------------------------


@given(u32, st.integers(0, 2**64 - 1), u32, u32, u32, report_lists)
def test_reports_equal_aiortc(
    ssrc: int, ntp: int, timestamp: int, sent: int, octets: int, blocks: tuple[ReceptionReport, ...]
) -> None:
    infos = [
        aiortc.RtcpReceiverInfo(
            ssrc=block.ssrc,
            fraction_lost=block.fraction_lost,
            packets_lost=block.cumulative_lost,
            highest_sequence=block.highest_sequence,
            jitter=block.jitter,
            lsr=block.last_sr,
            dlsr=block.delay_since_last_sr,
        )
        for block in blocks
    ]
    sender = aiortc.RtcpSenderInfo(
        ntp_timestamp=ntp, rtp_timestamp=timestamp, packet_count=sent, octet_count=octets
    )
    ours = SenderReport(ssrc, ntp, timestamp, sent, octets, blocks)
    theirs = aiortc.RtcpSrPacket(ssrc=ssrc, sender_info=sender, reports=infos)
    assert ours.encode() == bytes(theirs)
    assert ReceiverReport(ssrc, blocks).encode() == bytes(aiortc.RtcpRrPacket(ssrc=ssrc, reports=infos))
    assert parse_rtcp(bytes(theirs)) == [ours]


def test_description_and_goodbye_equal_aiortc() -> None:
    [sdes] = aiortc.RtcpPacket.parse(SourceDescription({5: "alice"}).encode())
    assert sdes == aiortc.RtcpSdesPacket(chunks=[aiortc.RtcpSourceInfo(ssrc=5, items=[(1, b"alice")])])
    assert parse_rtcp(bytes(sdes)) == [SourceDescription({5: "alice"})]
    assert Bye((5, 6)).encode() == bytes(aiortc.RtcpByePacket(sources=[5, 6]))


def test_feedback_equals_aiortc() -> None:
    lost = (10, 11, 26, 27, 100)
    assert Nack(1, 2, lost).encode() == bytes(
        aiortc.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=list(lost))
    )
    assert PictureLossIndication(1, 2).encode() == bytes(aiortc.RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2))


@given(st.integers(0, 2**40), st.lists(u32, max_size=5))
def test_remb_equals_aiortc(bitrate: int, ssrcs: list[int]) -> None:
    theirs = aiortc.RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=aiortc.pack_remb_fci(bitrate, ssrcs))
    assert Remb(1, bitrate, tuple(ssrcs)).encode() == bytes(theirs)
    [parsed] = parse_rtcp(bytes(theirs))
    assert parsed == Remb(1, aiortc.unpack_remb_fci(theirs.fci)[0], tuple(ssrcs))


# --- time ------------------------------------------------------------------------------------------


def test_ntp_vectors() -> None:
    assert ntp_from_unix(0.0) == 2_208_988_800 << 32
    assert ntp_from_unix(0.5) == 2_208_988_800 << 32 | 1 << 31
    assert unix_from_ntp(2_208_988_800 << 32) == 0.0
    assert ntp_middle32(0x1122334455667788) == 0x33445566


@given(st.floats(0, 4_000_000_000))
def test_ntp_round_trip_over_the_era(seconds: float) -> None:
    ntp = ntp_from_unix(seconds)
    assert 0 <= ntp < 2**64
    assert unix_from_ntp(ntp) == pytest.approx(seconds, abs=2e-6)


def test_round_trip_time() -> None:
    sent = ntp_from_unix(1_790_000_000.0)
    report = ReceptionReport(1, 0, 0, 0, 0, ntp_middle32(sent), round(0.25 * 65536))
    assert report.round_trip_time(ntp_from_unix(1_790_000_000.35)) == pytest.approx(0.1, abs=1e-4)
    assert report.round_trip_time(ntp_from_unix(1_790_000_000.2)) == 0.0
    assert ReceptionReport(1, 0, 0, 0, 0, 0, 0).round_trip_time(sent) is None


def test_round_trip_time_over_the_wrap_of_the_middle() -> None:
    sent = 0xE0000000_FFFF0000 | 0xFFFF << 32
    report = ReceptionReport(1, 0, 0, 0, 0, ntp_middle32(sent), 0)
    assert report.round_trip_time(sent + (1 << 32)) == 1.0

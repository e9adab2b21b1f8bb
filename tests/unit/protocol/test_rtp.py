"""RTP vectors by hand, against aiortc, and at random."""

from __future__ import annotations

import contextlib
from struct import pack
from typing import Any

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensions, HeaderExtensionsMap, unpack_header_extensions
from aiortc.rtp import RtpPacket as AiortcPacket
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import Malformed
from gateway.protocol import extensions as uris
from gateway.protocol.rtp import EMPTY, RtpError, RtpPacket, encode_extensions, parse_rtp, write_rtp


def fixed(first: int = 0x80, second: int = 0x60) -> bytes:
    return pack("!BBHII", first, second, 0x1234, 0xDEADBEEF, 0xCAFEBABE)


def one_byte(elements: bytes) -> bytes:
    assert len(elements) % 4 == 0
    return fixed(0x90) + pack("!HH", 0xBEDE, len(elements) // 4) + elements


def two_byte(elements: bytes, profile: int = 0x1000) -> bytes:
    assert len(elements) % 4 == 0
    return fixed(0x90) + pack("!HH", profile, len(elements) // 4) + elements


def test_plain_packet() -> None:
    data = fixed(second=0xE0) + b"payload"
    packet = parse_rtp(data)
    assert isinstance(packet, RtpPacket)
    assert packet.data is data
    assert packet.payload_type == 96
    assert packet.marker is True
    assert packet.sequence_number == 0x1234
    assert packet.timestamp == 0xDEADBEEF
    assert packet.ssrc == 0xCAFEBABE
    assert packet.payload == b"payload"
    assert packet.padding_size == 0
    assert packet.header_size == 12
    assert packet.extensions is EMPTY
    assert parse_rtp(fixed(second=0x60)).marker is False


def test_repr_names_numbers_and_no_content() -> None:
    text = repr(parse_rtp(fixed() + b"secret"))
    assert "sequence_number=4660" in text
    assert "6 bytes" in text
    assert "secret" not in text


def test_contributing_sources_are_skipped() -> None:
    packet = parse_rtp(fixed(0x82) + bytes(8) + b"abc")
    assert packet.payload == b"abc"
    assert packet.header_size == 20


def test_everything_at_once() -> None:
    data = fixed(0xB1) + b"csrc" + pack("!HH", 0xBEDE, 1) + b"\x10A\x00\x00" + b"payload" + b"\x00\x00\x03"
    packet = parse_rtp(data)
    assert packet.extensions == {1: b"A"}
    assert packet.payload == b"payload"
    assert packet.padding_size == 3
    assert packet.header_size == 24


def test_padding_alone() -> None:
    packet = parse_rtp(fixed(0xA0) + bytes(254) + b"\xff")
    assert packet.payload == b""
    assert packet.padding_size == 255


@pytest.mark.parametrize(
    "data",
    [
        fixed(0xA0) + b"abc\x00",  # no padding although the bit is set
        fixed(0xA0) + b"abc\x05",  # more padding than there is payload
        fixed(0xA0),  # the ssrc's last octet is no padding
        fixed(0xB0) + pack("!HH", 0xBEDE, 1) + b"\x10A\x00\x01\x02",
    ],
)
def test_invalid_padding_raises(data: bytes) -> None:
    with pytest.raises(RtpError, match="padding"):
        parse_rtp(data)


@pytest.mark.parametrize("first", [0x00, 0x40, 0xC0, 0xFF])
def test_other_versions_raise(first: int) -> None:
    with pytest.raises(RtpError, match="version"):
        parse_rtp(fixed(first) + bytes(100))


def test_rtp_error_is_a_malformed_input() -> None:
    assert issubclass(RtpError, Malformed)


def test_one_byte_extensions_with_padding_between() -> None:
    packet = parse_rtp(one_byte(b"\x10A\x00\x00\x32abc\x4f0123456789abcdef\x00\x00\x00"))
    assert packet.extensions == {1: b"A", 3: b"abc", 4: b"0123456789abcdef"}


def test_one_byte_id_15_ends_the_list() -> None:
    assert parse_rtp(one_byte(b"\x10A\xf0\x20")).extensions == {1: b"A"}


def test_one_byte_id_0_with_a_length_ends_the_list() -> None:
    assert parse_rtp(one_byte(b"\x10A\x02\x20\x20B\x00\x00")).extensions == {1: b"A"}


def test_two_byte_extensions() -> None:
    packet = parse_rtp(two_byte(b"\x10\x01A\x00\x20\x00\xff\x04abcd"))
    assert packet.extensions == {16: b"A", 32: b"", 255: b"abcd"}


def test_two_byte_profile_has_four_application_bits() -> None:
    assert parse_rtp(two_byte(b"\x01\x02ab", profile=0x100F)).extensions == {1: b"ab"}


def test_unknown_profile_is_skipped_over() -> None:
    packet = parse_rtp(two_byte(b"\x01\x02ab", profile=0x2000) + b"payload")
    assert packet.extensions == {}
    assert packet.payload == b"payload"


@pytest.mark.parametrize(
    "data",
    [
        one_byte(b"\x00\x00\x00\x10"),
        one_byte(b"\x10A\x22b"),
        two_byte(b"\x01\x03ab"),
        two_byte(b"\x00\x00\x00\x01"),
    ],
)
def test_extensions_over_their_end_raise(data: bytes) -> None:
    with pytest.raises(RtpError, match="extension"):
        parse_rtp(data + b"payload")


def test_every_truncation_raises_rtp_error_or_is_shorter() -> None:
    header = fixed(0xB2) + bytes(8) + pack("!HH", 0xBEDE, 2) + b"\x10A\x32abc\x00\x00"
    data = header + b"payload" + b"\x00\x00\x03"
    for size in range(len(header) + 1):
        with pytest.raises(RtpError):
            parse_rtp(data[:size])
    for size in range(len(header) + 1, len(data)):
        # The last octet is now taken for the padding's count.
        with pytest.raises(RtpError):
            parse_rtp(data[:size])
    assert parse_rtp(data).payload == b"payload"


@pytest.mark.parametrize("first", [0x80, 0x8F, 0x90, 0x9F])
def test_truncated_headers_without_padding(first: int) -> None:
    sources = 4 * (first & 0x0F)
    header = fixed(first) + bytes(sources) + (pack("!HH", 0xBEDE, 1) + bytes(4) if first & 0x10 else b"")
    for size in range(len(header)):
        with pytest.raises(RtpError):
            parse_rtp(header[:size])
    assert parse_rtp(header).payload == b""


@given(st.binary(max_size=80))
@example(b"")
def test_garbage_raises_rtp_error_only(data: bytes) -> None:
    try:
        packet = parse_rtp(data)
    except RtpError:
        return
    assert packet.header_size + len(packet.payload) + packet.padding_size == len(data)


@given(st.integers(0x80, 0xBF), st.binary(max_size=60), st.sampled_from([0xBEDE, 0x1000, 0x1001, 0x1234]))
def test_garbage_behind_a_valid_start(first: int, rest: bytes, profile: int) -> None:
    with contextlib.suppress(RtpError):
        parse_rtp(fixed(first) + rest)
    data = fixed(0x90) + pack("!HH", profile, len(rest) // 4) + rest
    with contextlib.suppress(RtpError):
        parse_rtp(data)


packets = st.fixed_dictionaries(
    {
        "payload_type": st.integers(0, 127),
        "marker": st.booleans(),
        "sequence_number": st.integers(0, 2**16 - 1),
        "timestamp": st.integers(0, 2**32 - 1),
        "ssrc": st.integers(0, 2**32 - 1),
        "payload": st.binary(max_size=64),
        "padding": st.integers(0, 255),
    }
)
one_byte_values = st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=14)
any_values = st.dictionaries(st.integers(1, 255), st.binary(max_size=255), max_size=6)


@given(packets, any_values, st.booleans())
def test_round_trip(fields: dict[str, Any], values: dict[int, bytes], wide: bool) -> None:
    data = write_rtp(**fields, extensions=encode_extensions(values, two_byte=wide))
    packet = parse_rtp(data)
    assert packet.extensions == values
    assert packet.padding_size == fields["padding"]
    for name in ("payload_type", "marker", "sequence_number", "timestamp", "ssrc", "payload"):
        assert getattr(packet, name) == fields[name]


@given(packets, one_byte_values | any_values)
def test_aiortc_reads_what_we_write(fields: dict[str, Any], values: dict[int, bytes]) -> None:
    data = write_rtp(**fields, extensions=encode_extensions(values))
    other = AiortcPacket.parse(data)
    assert other.payload == fields["payload"]
    assert other.padding_size == fields["padding"]
    assert bool(other.marker) == fields["marker"]
    for name in ("payload_type", "sequence_number", "timestamp", "ssrc"):
        assert getattr(other, name) == fields[name]
    block = encode_extensions(values)
    if block:
        profile = int.from_bytes(block[:2], "big")
        assert dict(unpack_header_extensions(profile, block[4:])) == values


def test_we_read_what_aiortc_writes() -> None:
    table = HeaderExtensionsMap()
    table.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=1, uri=uris.MID),
                RTCRtpHeaderExtensionParameters(id=4, uri=uris.AUDIO_LEVEL),
                RTCRtpHeaderExtensionParameters(id=5, uri=uris.TRANSPORT_CC),
            ]
        )
    )
    other = AiortcPacket(payload_type=111, marker=1, sequence_number=65535, timestamp=2**32 - 1, ssrc=7)
    other.payload = b"opus"
    other.csrc = [1, 2]
    other.extensions = HeaderExtensions(mid="video", audio_level=(True, 42), transport_sequence_number=258)
    packet = parse_rtp(other.serialize(table))
    assert packet.extensions == {1: b"video", 4: bytes([0x80 | 42]), 5: b"\x01\x02"}
    assert packet.payload == b"opus"
    assert (packet.payload_type, packet.marker, packet.ssrc) == (111, True, 7)


def test_encode_nothing() -> None:
    assert encode_extensions({}) == b""
    assert encode_extensions({}, two_byte=True) == b""


def test_encode_one_byte_form() -> None:
    assert encode_extensions({1: b"A", 3: b"abc"}) == b"\xbe\xde\x00\x02\x10A\x32abc\x00\x00"


@pytest.mark.parametrize("values", [{15: b"a"}, {1: b""}, {1: bytes(17)}])
def test_encode_switches_to_the_two_byte_form(values: dict[int, bytes]) -> None:
    assert encode_extensions(values)[:2] == b"\x10\x00"


def test_encode_two_byte_form_on_request() -> None:
    assert encode_extensions({1: b"A"}, two_byte=True) == b"\x10\x00\x00\x01\x01\x01A\x00"


@pytest.mark.parametrize("values", [{0: b"a"}, {-1: b"a"}, {256: b"a"}, {1: bytes(256)}, {0: b"", 1: b"a"}])
def test_encode_refuses_what_no_form_carries(values: dict[int, bytes]) -> None:
    with pytest.raises(RtpError):
        encode_extensions(values)


@pytest.mark.parametrize("padding", [-1, 256])
def test_write_refuses_impossible_padding(padding: int) -> None:
    with pytest.raises(RtpError):
        write_rtp(
            payload_type=96,
            marker=False,
            sequence_number=0,
            timestamp=0,
            ssrc=0,
            payload=b"",
            padding=padding,
        )

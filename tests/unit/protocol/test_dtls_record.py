"""Record boundaries, datagram packing and the alert reader."""

from __future__ import annotations

import struct

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.dtls_record import (
    ALERT,
    APPLICATION_DATA,
    HANDSHAKE,
    AlertReader,
    _expand,
    pack_datagrams,
    split_records,
)


def record(content_type: int, body: bytes, epoch: int = 0, version: int = 0xFEFD) -> bytes:
    return struct.pack("!BHHHIH", content_type, version, epoch, 0, 5, len(body)) + body


def test_splits_well_formed_records() -> None:
    first, second = record(HANDSHAKE, b"abc", version=0xFEFF), record(APPLICATION_DATA, b"d", epoch=1)
    records = list(split_records(first + second))
    assert [(r.content_type, r.epoch, r.data) for r in records] == [(22, 0, first), (23, 1, second)]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x16",
        record(19, b"x"),
        record(24, b"x"),
        record(22, b"x", version=0x0303),
        record(22, b"xyz")[:-1],
    ],
)
def test_stops_at_the_first_bad_record(bad: bytes) -> None:
    good = record(HANDSHAKE, b"abc")
    assert [r.data for r in split_records(good + bad)] == [good]
    assert list(split_records(bad)) == []


@given(st.lists(st.integers(1, 1100), max_size=12), st.integers(1113, 1500))
def test_packing_keeps_order_and_size(sizes: list[int], mtu: int) -> None:
    flight = b"".join(record(HANDSHAKE, bytes([size & 0xFF]) * size) for size in sizes)
    datagrams = pack_datagrams(flight, mtu)
    assert b"".join(datagrams) == flight
    assert all(len(datagram) <= mtu for datagram in datagrams)
    assert sum(len(list(split_records(datagram))) for datagram in datagrams) == len(sizes)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    list(split_records(data))
    pack_datagrams(data, 1200)


def test_tls12_prf_vector() -> None:
    # The P_SHA256 test vector that circulates with RFC 5246 (IETF TLS list, "Test vectors for TLS 1.2 PRF").
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = b"test label" + bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    assert _expand(secret, seed, 100, "sha256").hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )


@pytest.mark.parametrize(
    ("alert", "ends"), [(b"\1\0", True), (b"\2\x28", True), (b"\1\x5a", False), (b"\2\0", True)]
)
def test_alert_reader_takes_authentic_ends_only(alert: bytes, ends: bool) -> None:
    key, implicit, explicit = bytes(16), b"salt", b"\0\1\0\0\0\0\0\5"
    header = struct.pack("!BHHHIH", ALERT, 0xFEFD, 1, 0, 5, 8 + 2 + 16)
    sealed = AESGCM(key).encrypt(implicit + explicit, alert, header[3:11] + header[:3] + b"\0\2")
    (sealed_record,) = split_records(header + explicit + sealed)
    reader = AlertReader(key, implicit)
    assert reader.ends_connection(sealed_record) is ends
    assert not AlertReader(bytes(15) + b"\1", implicit).ends_connection(sealed_record)
    (plain,) = split_records(record(ALERT, alert, epoch=1))
    assert not reader.ends_connection(plain)
    (other,) = split_records(record(HANDSHAKE, explicit + sealed, epoch=1))
    assert not reader.ends_connection(other)

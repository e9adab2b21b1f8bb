"""SRTP against RFC vectors and, profile by profile, against libsrtp."""

from __future__ import annotations

import pylibsrtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.srtp import (
    MAX_STREAMS,
    REPLAY_WINDOW,
    InboundSrtp,
    MasterKey,
    OutboundSrtp,
    SrtpError,
    SrtpKeys,
    SrtpProfile,
    _Gcm,
    derive_key,
)
from tests.unit.protocol.controlling_peer import receiver_report, rtp

ALL_PROFILES = pytest.mark.parametrize("profile", list(SrtpProfile))
GCM_PROFILES = pytest.mark.parametrize("profile", [p for p in SrtpProfile if p.is_gcm])

VECTOR_SALT = b"Quid pro quo"
VECTOR_RTP = bytes.fromhex("8040f17b8041f8d35501a0b2") + b"Gallia est omnis divisa in partes tres"
VECTOR_SRTP = {
    SrtpProfile.AEAD_AES_128_GCM: (
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd5"
        "0d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"
    ),
    SrtpProfile.AEAD_AES_256_GCM: (
        "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab1801238"
        "9a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13"
    ),
}
VECTOR_RTCP = bytes.fromhex(
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
)
VECTOR_SRTCP = (
    "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46"
    "86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"
)


def master(profile: SrtpProfile, fill: int = 7) -> MasterKey:
    return MasterKey(profile, bytes([fill]) * profile.key_length, bytes(range(profile.salt_length)))


def pair(profile: SrtpProfile) -> tuple[OutboundSrtp, InboundSrtp]:
    return OutboundSrtp(master(profile)), InboundSrtp(master(profile))


def with_session_keys(profile: SrtpProfile) -> OutboundSrtp:
    """RFC 7714's vectors give session keys, not master keys."""
    outbound = OutboundSrtp(master(profile))
    outbound._rtp = outbound._rtcp = _Gcm(bytes(range(profile.key_length)), VECTOR_SALT)
    return outbound


def test_rfc3711_b3_key_derivation() -> None:
    key = MasterKey(
        SrtpProfile.AES128_CM_SHA1_80,
        bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    assert derive_key(key, 0, 16).hex() == "c61e7a93744f39ee10734afe3ff7a087"
    assert derive_key(key, 2, 14).hex() == "30cbbc08863d8c85d49db34a9ae1"
    assert derive_key(key, 1, 20).hex() == "cebe321f6ff7716b6fd4ab49af256a156d38baa4"


@GCM_PROFILES
def test_rfc7714_16_rtp(profile: SrtpProfile) -> None:
    outbound = with_session_keys(profile)
    assert outbound.protect_rtp(VECTOR_RTP, 0xF17B).hex() == VECTOR_SRTP[profile]


def test_rfc7714_17_rtcp() -> None:
    outbound = with_session_keys(SrtpProfile.AEAD_AES_128_GCM)
    outbound._rtcp_index = 0x5D4
    assert outbound.protect_rtcp(VECTOR_RTCP).hex() == VECTOR_SRTCP


@ALL_PROFILES
def test_libsrtp_takes_what_we_send_over_two_roll_overs(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    for index in range(0xFF00, 0x20100, 7):
        assert inbound.unprotect_rtp(outbound.protect_rtp(rtp(index), index)) == rtp(index)


@ALL_PROFILES
def test_header_extensions_and_csrcs_stay_in_the_clear(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    header = bytes.fromhex("92e00001 00000001 00001234 0000000a 0000000b bede0001 10ff0000")
    packet = header + b"secret payload"
    sent = outbound.protect_rtp(packet, 1)
    assert sent.startswith(header)
    assert b"secret" not in sent
    assert inbound.unprotect_rtp(sent) == packet


@ALL_PROFILES
def test_the_same_index_with_the_same_bytes_is_the_same_datagram(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    first = outbound.protect_rtp(rtp(0xFFFE), 0xFFFE)
    for index in range(0xFFFF, 0xFFFF + 500):
        outbound.protect_rtp(rtp(index), index)
    again = outbound.protect_rtp(rtp(0xFFFE), 0xFFFE)
    assert again == first, "also back over the roll-over"
    assert inbound.unprotect_rtp(again) == rtp(0xFFFE)


@ALL_PROFILES
def test_rtcp_round_trip_of_several_ssrcs(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    seen = set()
    for count in range(200):
        report = receiver_report(count % 3)
        sent = outbound.protect_rtcp(report)
        seen.add(sent)
        assert inbound.unprotect_rtcp(sent) == report
    assert len(seen) == 200


@GCM_PROFILES
def test_hot_loop_gives_the_generic_paths_bytes(profile: SrtpProfile) -> None:
    outbound, _ = pair(profile)
    stream = outbound.gcm_stream(0x1234)
    assert stream is not None
    encrypt, nonce_base = stream
    packet, index = rtp(0x2FFFF), 0x2FFFF
    header, payload = packet[:12], packet[12:]
    output = bytearray(len(payload) + 16)
    encrypt((nonce_base ^ index).to_bytes(12, "big"), payload, header, output)
    assert header + output == outbound.protect_rtp(packet, index)


def test_cm_has_no_hot_loop() -> None:
    assert pair(SrtpProfile.AES128_CM_SHA1_80)[0].gcm_stream(1) is None


@ALL_PROFILES
def test_replay_and_window(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    packets = [outbound.protect_rtp(rtp(i), i) for i in range(REPLAY_WINDOW + 10)]
    inbound.unprotect_rtp(packets[9])
    inbound.unprotect_rtp(packets[-1])
    inbound.unprotect_rtp(packets[12])
    for replayed in (9, 12, 8, len(packets) - 1):
        with pytest.raises(SrtpError) as raised:
            inbound.unprotect_rtp(packets[replayed])
        assert raised.value.reason == "replay"
    report = outbound.protect_rtcp(receiver_report())
    inbound.unprotect_rtcp(report)
    with pytest.raises(SrtpError) as raised:
        inbound.unprotect_rtcp(report)
    assert raised.value.reason == "replay"


@ALL_PROFILES
def test_a_changed_bit_is_an_auth_error(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    sent = outbound.protect_rtp(rtp(1), 1)
    for position in (1, 5, 12, len(sent) - 1):
        changed = bytearray(sent)
        changed[position] ^= 1
        with pytest.raises(SrtpError) as raised:
            inbound.unprotect_rtp(bytes(changed))
        assert raised.value.reason == "auth"
    report = outbound.protect_rtcp(receiver_report())
    with pytest.raises(SrtpError) as raised:
        inbound.unprotect_rtcp(report[:5] + b"?" + report[6:])
    assert raised.value.reason == "auth"


@ALL_PROFILES
@pytest.mark.parametrize("size", [0, 1, 7, 11, 1501, 65507])
def test_impossible_lengths_are_malformed(profile: SrtpProfile, size: int) -> None:
    _, inbound = pair(profile)
    for unprotect in (inbound.unprotect_rtp, inbound.unprotect_rtcp):
        with pytest.raises(SrtpError) as raised:
            unprotect(b"\x80" * size)
        assert raised.value.reason == "malformed"


@ALL_PROFILES
def test_streams_are_bounded_and_only_authentic_ones_count(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    forged = OutboundSrtp(master(profile, fill=8))
    for ssrc in range(MAX_STREAMS + 5):
        with pytest.raises(SrtpError):
            inbound.unprotect_rtp(forged.protect_rtp(rtp(1, ssrc), 1))
    for ssrc in range(MAX_STREAMS):
        inbound.unprotect_rtp(outbound.protect_rtp(rtp(1, ssrc), 1))
    with pytest.raises(SrtpError) as raised:
        inbound.unprotect_rtp(outbound.protect_rtp(rtp(1, MAX_STREAMS), 1))
    assert raised.value.reason == "streams"
    assert inbound.unprotect_rtp(outbound.protect_rtp(rtp(2, 0), 2)) == rtp(2, 0)


@ALL_PROFILES
@pytest.mark.parametrize(
    ("packet", "index", "reason"),
    [
        (b"", 0, "malformed"),
        (rtp(1)[:11], 1, "malformed"),
        (rtp(1), 2, "malformed"),
        (rtp(1), (1 << 48) + 1, "exhausted"),
        (b"\x9f" + rtp(1)[1:], 1, "malformed"),
    ],
)
def test_what_cannot_be_protected(profile: SrtpProfile, packet: bytes, index: int, reason: str) -> None:
    outbound, _ = pair(profile)
    with pytest.raises(SrtpError) as raised:
        outbound.protect_rtp(packet, index)
    assert raised.value.reason == reason


@ALL_PROFILES
def test_short_rtcp_cannot_be_protected(profile: SrtpProfile) -> None:
    with pytest.raises(SrtpError):
        pair(profile)[0].protect_rtcp(b"\x80\xc9\0\1")


@ALL_PROFILES
def test_packets_as_large_as_an_ethernet_frame_carries(profile: SrtpProfile) -> None:
    outbound, inbound = pair(profile)
    packet = rtp(1, payload=bytes(1440))
    assert inbound.unprotect_rtp(outbound.protect_rtp(packet, 1)) == packet


def test_cm_is_what_libsrtp_makes() -> None:
    key = master(SrtpProfile.AES128_CM_SHA1_80)
    policy = pylibsrtp.Policy(key=key.key + key.salt, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    assert OutboundSrtp(key).protect_rtp(rtp(7), 7) == pylibsrtp.Session(policy).protect(rtp(7))


def test_rtcp_index_ends_before_it_repeats() -> None:
    outbound, _ = pair(SrtpProfile.AEAD_AES_128_GCM)
    outbound._rtcp_index = (1 << 31) - 1
    outbound.protect_rtcp(receiver_report())
    with pytest.raises(SrtpError) as raised:
        outbound.protect_rtcp(receiver_report())
    assert raised.value.reason == "exhausted"


@ALL_PROFILES
def test_exported_material_is_cut_for_both_roles(profile: SrtpProfile) -> None:
    material = bytes(range(SrtpKeys.exported_length(profile)))
    server = SrtpKeys.from_exported(profile, material, is_server=True)
    client = SrtpKeys.from_exported(profile, material, is_server=False)
    assert server == (client.remote, client.local)
    assert client.local.key == material[: profile.key_length]
    assert server.local.salt == material[-profile.salt_length :]


def test_keys_must_fit_and_never_show() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        MasterKey(SrtpProfile.AEAD_AES_128_GCM, bytes(16), bytes(14))
    assert "key=" not in repr(master(SrtpProfile.AEAD_AES_128_GCM))


@ALL_PROFILES
@given(data=st.binary(max_size=100))
def test_arbitrary_bytes_raise_only_srtp_errors(profile: SrtpProfile, data: bytes) -> None:
    _, inbound = pair(profile)
    for unprotect in (inbound.unprotect_rtp, inbound.unprotect_rtcp):
        for packet in (data, b"\x80\xc8" + data, b"\x90\x60" + data):
            with pytest.raises(SrtpError):
                unprotect(packet)

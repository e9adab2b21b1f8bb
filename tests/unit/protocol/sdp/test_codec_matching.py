from __future__ import annotations

import pytest

from gateway.protocol.description import Codec, MediaKind
from gateway.protocol.sdp import H264Profile, h264_profile, match_codec, parse
from gateway.protocol.sdp.codec_matching import offered_codecs
from gateway.protocol.sdp.policy import CODECS, FEEDBACK
from tests.unit.protocol.sdp.offers import section, session, video_with

CB, B, M, CH, H = (
    H264Profile.CONSTRAINED_BASELINE,
    H264Profile.BASELINE,
    H264Profile.MAIN,
    H264Profile.CONSTRAINED_HIGH,
    H264Profile.HIGH,
)


@pytest.mark.parametrize(
    ("profile_level_id", "profile"),
    [
        ("42e01f", CB),  # Chrome, OBS
        ("42c01e", CB),  # GStreamer
        ("42E034", CB),  # Safari, level 5.2
        ("4d801f", CB),
        ("58c01f", CB),
        ("42001f", B),
        ("420010", B),
        ("58801f", B),
        ("4d001f", M),
        ("4d401f", M),
        ("64001f", H),
        ("640028", H),
        ("640c34", CH),  # Safari
        ("640c1f", CH),
        ("f4001f", None),  # High 4:4:4 Predictive, which Chrome offers
        ("58001f", None),  # Extended
        ("42011f", None),  # reserved bits set
        ("42e01", None),
        ("42e01fff", None),
        ("x2e01f", None),
        ("", None),
    ],
)
def test_profile_by_pattern_with_the_level_ignored(
    profile_level_id: str, profile: H264Profile | None
) -> None:
    assert h264_profile({"profile-level-id": profile_level_id}) is profile


def test_absent_profile_is_baseline() -> None:
    assert h264_profile({}) is B


def h264(payload_type: int, profile_level_id: str | None, mode: str | None = "1") -> Codec:
    parameters = {"profile-level-id": profile_level_id, "packetization-mode": mode}
    return Codec(
        MediaKind.VIDEO,
        "H264",
        payload_type,
        90_000,
        parameters={key: value for key, value in parameters.items() if value is not None},
    )


def codec(payload_type: int, name: str, kind: MediaKind = MediaKind.VIDEO, **parameters: str) -> Codec:
    fmtp = {key.replace("_", "-"): value for key, value in parameters.items()}
    return Codec(kind, name, payload_type, 90_000, parameters=fmtp)


@pytest.mark.parametrize(
    ("published", "accepted", "matched"),
    [
        pytest.param(
            h264(96, "42e01f"), [h264(1, "42001f"), h264(2, "42e034")], 2, id="exact before compatible"
        ),
        pytest.param(h264(96, "42e01f"), [h264(1, "42e01f", "0"), h264(2, "42e01f")], 2, id="mode equal"),
        pytest.param(h264(96, "42e01f"), [h264(1, "42e01f", "0")], None, id="mode differs"),
        pytest.param(h264(96, "42e01f", None), [h264(1, "42e01f", "0")], 1, id="absent mode is 0"),
        pytest.param(h264(96, "42e01f"), [h264(1, "640c34")], 1, id="everybody decodes constrained baseline"),
        pytest.param(h264(96, None), [h264(1, "42e01f")], 1, id="baseline by default"),
        pytest.param(h264(96, "4d001f"), [h264(1, "42e01f")], None, id="main is too much for baseline"),
        pytest.param(h264(96, "4d001f"), [h264(1, "42e01f"), h264(2, "64001f")], 2, id="high decodes main"),
        pytest.param(
            h264(96, "640c1f"), [h264(1, "4d001f"), h264(2, "64001f")], 2, id="high decodes its part"
        ),
        pytest.param(h264(96, "640028"), [h264(1, "42e01f"), h264(2, "640c34")], 2, id="Safari decodes high"),
        pytest.param(h264(96, "f4001f"), [h264(1, "f4001f")], None, id="unknown profile"),
        pytest.param(codec(96, "VP8"), [h264(1, "42e01f"), codec(2, "VP8")], 2, id="by name"),
        pytest.param(
            codec(96, "VP9"), [codec(1, "VP9", profile_id="2"), codec(2, "VP9", profile_id="0")], 2, id="VP9"
        ),
        pytest.param(codec(96, "VP9", profile_id="2"), [codec(1, "VP9")], None, id="VP9 profile differs"),
        pytest.param(
            codec(96, "AV1"), [codec(1, "AV1", profile="0", level_idx="9")], 1, id="AV1 level ignored"
        ),
        pytest.param(codec(96, "AV1", profile="1"), [codec(1, "AV1")], None, id="AV1 profile differs"),
        pytest.param(
            codec(111, "opus", MediaKind.AUDIO, stereo="1"), [codec(9, "opus", MediaKind.AUDIO)], 9, id="opus"
        ),
        pytest.param(codec(96, "VP8"), [], None, id="nothing accepted"),
    ],
)
def test_match(published: Codec, accepted: list[Codec], matched: int | None) -> None:
    found = match_codec(published, accepted)
    assert (found.payload_type if found else None) == matched


def offered(text: str) -> tuple[Codec, ...]:
    return offered_codecs(parse(session(text)).media[0], CODECS, FEEDBACK)


@pytest.mark.parametrize(
    ("formats", "lines", "expected"),
    [
        pytest.param(
            "96 97",
            ["rtpmap:97 vp8/90000", "rtpmap:96 Av1/90000"],
            ["AV1", "VP8"],
            id="any case, m-line order",
        ),
        pytest.param("96", ["rtpmap:96 VP8/48000"], [], id="another clock"),
        pytest.param("96", ["rtpmap:96 opus/48000/2"], [], id="audio codec in video"),
        pytest.param("96", [], [], id="no rtpmap"),
        pytest.param("97", ["rtpmap:96 VP8/90000"], [], id="not in the m-line"),
        pytest.param(
            "72 96", ["rtpmap:72 VP8/90000", "rtpmap:96 VP9/90000"], ["VP9"], id="collides with RTCP"
        ),
        pytest.param("130", ["rtpmap:96 VP8/90000"], [], id="no payload type"),
        pytest.param("96 96", ["rtpmap:96 VP8/90000"], ["VP8"], id="named twice"),
        pytest.param("96 97", ["rtpmap:96 red/90000", "rtpmap:97 ulpfec/90000"], [], id="RED and FEC"),
        pytest.param(
            "96", ["rtpmap:96 H264/90000", "fmtp:96 packetization-mode=2"], [], id="interleaved H264"
        ),
        pytest.param(
            "96", ["rtpmap:96 H264/90000", "fmtp:96 profile-level-id=zz"], [], id="broken H264 profile"
        ),
        pytest.param("96", ["rtpmap:96 H264/90000"], ["H264"], id="H264 without fmtp"),
    ],
)
def test_offered_codecs(formats: str, lines: list[str], expected: list[str]) -> None:
    assert [c.name for c in offered(video_with(formats, *(f"a={line}" for line in lines)))] == expected


@pytest.mark.parametrize(
    ("rtpmap", "channels"),
    [("OPUS/48000/2", 2), ("opus/48000", 1), ("opus/48000/6", None), ("opus/16000/2", None)],
)
def test_opus(rtpmap: str, channels: int | None) -> None:
    codecs = offered(section("audio 9 UDP/TLS/RTP/SAVPF 111", f"a=rtpmap:111 {rtpmap}", mid="0"))
    assert [(c.name, c.channels) for c in codecs] == ([] if channels is None else [("opus", channels)])


@pytest.mark.parametrize(
    ("apt", "clock_rate", "expected"),
    [
        ("96", 90000, 97),
        ("99", 90000, None),
        ("96", 48000, None),
        ("x", 90000, None),
        ("9" * 5000, 90000, None),
    ],
)
def test_rtx_needs_the_apt_of_a_codec(apt: str, clock_rate: int, expected: int | None) -> None:
    text = video_with(
        "96 97", "a=rtpmap:96 VP8/90000", f"a=rtpmap:97 rtx/{clock_rate}", f"a=fmtp:97 apt={apt}"
    )
    assert [c.rtx_payload_type for c in offered(text)] == [expected]


def test_rtx_without_fmtp_is_nobodys() -> None:
    assert (
        offered(video_with("96 97", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000"))[0].rtx_payload_type
        is None
    )


def test_feedback_is_intersected_and_the_wildcard_expanded() -> None:
    feedback = ("a=rtcp-fb:* nack", "a=rtcp-fb:* x-ours", "a=rtcp-fb:97 NACK PLI", "a=rtcp-fb:97 ccm tmmbr")
    codecs = offered(video_with("96 97", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 VP9/90000", *feedback))
    assert [c.feedback for c in codecs] == [{"nack"}, {"nack", "nack pli"}]

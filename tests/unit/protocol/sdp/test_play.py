from __future__ import annotations

import pytest

from gateway.errors import Unacceptable
from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedSession
from gateway.protocol.sdp import PlayPolicy, negotiate_play, parse
from tests.unit.protocol.sdp.offers import audio, section, session, video, video_with

DATA = section("application 9 UDP/DTLS/SCTP webrtc-datachannel", mid="d", mux=False)
LISTEN, SEE = audio(direction="recvonly"), video(direction="recvonly")
H265 = video_with("98", "a=rtpmap:98 H265/90000", direction="recvonly")
THREE = video_with(
    "96 97 98 99",
    "a=rtpmap:96 VP8/90000",
    "a=rtpmap:97 H264/90000",
    "a=fmtp:97 packetization-mode=1;profile-level-id=42e01f",
    "a=rtpmap:98 VP9/90000",
    "a=rtpmap:99 H265/90000",
    direction="recvonly",
)
OBS = Codec(
    MediaKind.VIDEO,
    "H264",
    96,
    90_000,
    parameters={"packetization-mode": "1", "profile-level-id": "42e034"},
)
VP8 = Codec(MediaKind.VIDEO, "VP8", 120, 90_000)


def negotiate(text: str, **published: Codec | None) -> NegotiatedSession:
    preferred = {MediaKind(kind): codec for kind, codec in published.items()}
    return negotiate_play(parse(text), PlayPolicy(preferred=preferred))


@pytest.mark.parametrize("direction", ["recvonly", "sendrecv"])
def test_audio_and_video_are_sent(direction: str) -> None:
    agreed = negotiate(session(audio(direction=direction), video(direction=direction)))
    assert [m.rejected for m in agreed.media] == [False, False]


def test_all_known_codecs_stay_and_the_published_comes_first() -> None:
    assert [c.payload_type for c in negotiate(session(THREE)).media[0].codecs] == [96, 97, 98]
    assert [c.payload_type for c in negotiate(session(THREE), video=OBS).media[0].codecs] == [97, 96, 98]


def test_video_is_accepted_while_only_audio_is_published() -> None:
    agreed = negotiate(session(LISTEN, SEE), audio=Codec(MediaKind.AUDIO, "opus", 111, 48_000, 2), video=None)
    assert [m.rejected for m in agreed.media] == [False, False]


def test_an_unpublished_kind_without_a_common_codec_is_only_rejected() -> None:
    assert [m.rejected for m in negotiate(session(LISTEN, H265)).media] == [False, True]


def test_the_first_line_of_a_kind_that_receives_is_used() -> None:
    text = session(
        video(mid="a", direction="recvonly", port=0),
        video(mid="b"),
        video(mid="c", direction="recvonly"),
        video(mid="d", direction="recvonly"),
        bundle="a b c d",
    )
    assert [m.mid for m in negotiate(text).media if not m.rejected] == ["c"]


def test_data_channels_do_no_harm() -> None:
    assert [m.rejected for m in negotiate(session(DATA, SEE, bundle="d 1")).media] == [True, False]


def test_a_kind_that_the_policy_excludes_is_rejected() -> None:
    policy = PlayPolicy(kinds=frozenset({MediaKind.AUDIO}))
    assert [m.rejected for m in negotiate_play(parse(session(LISTEN, SEE)), policy).media] == [False, True]


def test_what_the_gateway_does_not_write_is_left_out() -> None:
    lines = [
        "a=rtcp-fb:96 transport-cc",
        "a=rtcp-fb:96 goog-remb",
        "a=rtcp-fb:96 ccm fir",
        f"a=extmap:1 {extensions.MID}",
        f"a=extmap:2 {extensions.TRANSPORT_CC}",
        f"a=extmap:3 {extensions.ABS_SEND_TIME}",
        f"a=extmap:4/recvonly {extensions.PLAYOUT_DELAY}",
        f"a=extmap:5/sendonly {extensions.VIDEO_ORIENTATION}",
        f"a=extmap:6 {extensions.ABS_CAPTURE_TIME}",
        f"a=extmap:7 {extensions.DEPENDENCY_DESCRIPTOR}",
    ]
    media = negotiate(session(video(*lines, direction="recvonly"))).media[0]
    assert media.codecs[0].feedback == {"nack", "nack pli", "goog-remb", "ccm fir", "transport-cc"}
    assert media.extensions == {
        extensions.TRANSPORT_CC: 2,
        extensions.PLAYOUT_DELAY: 4,
        extensions.ABS_CAPTURE_TIME: 6,
        extensions.DEPENDENCY_DESCRIPTOR: 7,
    }


def test_a_policy_may_allow_transport_cc() -> None:
    lines = ("a=rtcp-fb:96 transport-cc", f"a=extmap:2 {extensions.TRANSPORT_CC}")
    policy = PlayPolicy(feedback=frozenset({"transport-cc"}), extensions=(extensions.TRANSPORT_CC,))
    media = negotiate_play(parse(session(video(*lines, direction="recvonly"))), policy).media[0]
    assert (media.codecs[0].feedback, media.extensions) == ({"transport-cc"}, {extensions.TRANSPORT_CC: 2})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(session(video()), "must receive", id="sendonly"),
        pytest.param(session(video(direction="inactive")), "must receive", id="inactive"),
        pytest.param(session(audio(), SEE), "must receive", id="one of two sendonly"),
        pytest.param(session(H265), "no m-line", id="nothing in common"),
        pytest.param(session(DATA), "no m-line", id="data channel only"),
        pytest.param(session(LISTEN, SEE, bundle=None), "BUNDLE", id="two transports"),
        pytest.param(session(video(direction="recvonly", mux=False)), "rtcp-mux", id="no rtcp-mux"),
    ],
)
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        negotiate(text)


@pytest.mark.parametrize("published", [VP8, OBS], ids=["nothing at all in common", "another codec in common"])
def test_a_published_kind_must_have_a_match(published: Codec) -> None:
    text = session(H265 if published is VP8 else SEE)
    with pytest.raises(Unacceptable, match=f"published {published.name}"):
        negotiate(text, video=published)

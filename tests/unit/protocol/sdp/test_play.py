from __future__ import annotations

import pytest

from gateway.errors import Unacceptable
from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedSession, SignalledSsrc
from gateway.protocol.sdp import PlayPolicy, negotiate_play, parse
from tests.unit.protocol.sdp.offers import audio, section, session, video, video_with

DATA = section("application 9 UDP/DTLS/SCTP webrtc-datachannel", mid="d", mux=False)
LISTEN, SEE = audio(direction="recvonly"), video(direction="recvonly")
TALK = audio("a=ssrc:7 cname:x", mid="t")
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


def cameras(*lines: str, published: Codec | None = None, count: int = 3) -> NegotiatedSession:
    """Several video lines with the mids 0, 1, …"""
    text = session(*lines, bundle=" ".join(map(str, range(len(lines)))))
    policy = PlayPolicy(preferred={MediaKind.VIDEO: published}, video_lines=count)
    return negotiate_play(parse(text), policy)


def lines_of(agreed: NegotiatedSession) -> dict[str, str]:
    """What became of each line, by mid."""
    return {m.mid: "no" if m.rejected else "out" if m.outbound else "in" for m in agreed.media}


@pytest.mark.parametrize("direction", ["recvonly", "sendrecv"])
def test_audio_and_video_are_sent(direction: str) -> None:
    agreed = negotiate(session(audio(direction=direction), video(direction=direction)))
    assert lines_of(agreed) == {"0": "out", "1": "out"}


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


def see(mid: int, formats: str = "96 97") -> str:
    names = {"96": "VP8/90000", "97": "H264/90000", "98": "H265/90000"}
    rtpmaps = [f"a=rtpmap:{number} {names[number]}" for number in formats.split()]
    mode = ["a=fmtp:97 packetization-mode=1;profile-level-id=42e01f"] * ("97" in formats)
    return video_with(formats, *rtpmaps, *mode, direction="recvonly", mid=str(mid))


def test_further_cameras_are_sent_as_far_as_the_policy_has_lines() -> None:
    agreed = cameras(see(0), see(1), see(2), see(3), published=OBS)
    assert lines_of(agreed) == {"0": "out", "1": "out", "2": "out", "3": "no"}
    assert [[c.payload_type for c in m.codecs] for m in agreed.media] == [[97, 96]] * 3 + [[]]


def test_only_the_main_line_must_match_what_is_published() -> None:
    agreed = cameras(see(0), see(1, "96"), see(2, "98"), published=OBS)
    assert lines_of(agreed) == {"0": "out", "1": "out", "2": "no"}
    assert [c.name for c in agreed.media[1].codecs] == ["VP8"]
    with pytest.raises(Unacceptable, match="published H264"):
        cameras(see(0, "96"), see(1), published=OBS)


def test_lines_that_only_send_take_no_camera() -> None:
    agreed = cameras(video(mid="0"), see(1), see(2), count=2)
    assert lines_of(agreed) == {"0": "no", "1": "out", "2": "out"}


@pytest.mark.parametrize(("count", "sent"), [(1, ["0"]), (3, ["0", "1", "2"])])
def test_several_talkers_are_heard_as_far_as_the_policy_has_lines(count: int, sent: list[str]) -> None:
    text = session(*(audio(mid=str(mid), direction="recvonly") for mid in range(4)), bundle="0 1 2 3")
    agreed = negotiate_play(parse(text), PlayPolicy(audio_lines=count))
    assert [mid for mid, line in lines_of(agreed).items() if line == "out"] == sent


BOTH = audio(direction="sendrecv")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([LISTEN, SEE, TALK], {"0": "out", "1": "out", "t": "in"}, id="after the picture"),
        pytest.param([TALK, LISTEN, SEE], {"t": "in", "0": "out", "1": "out"}, id="before the sound"),
        pytest.param([SEE, TALK], {"1": "out", "t": "in"}, id="beside the picture alone"),
        pytest.param([BOTH, SEE, TALK], {"0": "out", "1": "out", "t": "in"}, id="beside a line both ways"),
        pytest.param([TALK, BOTH, SEE], {"t": "in", "0": "out", "1": "out"}, id="before a line both ways"),
        pytest.param([BOTH, SEE], {"0": "out", "1": "out"}, id="a line both ways is played"),
        pytest.param(
            [LISTEN, audio(mid="u"), TALK], {"0": "out", "u": "in", "t": "no"}, id="the first of two"
        ),
        pytest.param(
            [LISTEN, audio(mid="u", port=0), TALK], {"0": "out", "u": "no", "t": "in"}, id="stopped"
        ),
        pytest.param(
            [TALK, audio(direction="inactive"), SEE], {"t": "in", "0": "no", "1": "out"}, id="muted"
        ),
        pytest.param([SEE, TALK.replace("opus", "PCMU")], {"1": "out", "t": "no"}, id="not Opus"),
    ],
)
def test_return_audio(lines: list[str], expected: dict[str, str]) -> None:
    offer = parse(session(*lines, bundle=" ".join(expected)))
    assert lines_of(negotiate_play(offer, PlayPolicy(talk=True))) == expected


def test_without_talk_a_line_that_only_sends_is_rejected_or_refused() -> None:
    assert lines_of(negotiate(session(TALK, LISTEN, SEE))) == {"t": "no", "0": "out", "1": "out"}
    with pytest.raises(Unacceptable, match="audio is offered sendonly"):
        negotiate(session(SEE, TALK, bundle="1 t"))
    policy = PlayPolicy(talk=True, kinds=frozenset({MediaKind.VIDEO}))
    assert lines_of(negotiate_play(parse(session(SEE, TALK)), policy)) == {"1": "out", "t": "no"}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param([TALK], "nothing but return audio", id="alone"),
        pytest.param([TALK, H265], "nothing but return audio", id="beside what nobody plays"),
        pytest.param([TALK, video()], "video is offered sendonly", id="video that only sends"),
        pytest.param([SEE, audio(mid="t", mux=False)], "rtcp-mux", id="of another transport"),
    ],
)
def test_who_talks_must_receive_as_well(lines: list[str], reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        negotiate_play(parse(session(*lines, bundle="1 t")), PlayPolicy(talk=True))


def test_return_audio_brings_its_stream_its_mid_and_its_level() -> None:
    lines = [
        "a=rtcp-fb:111 transport-cc",
        f"a=extmap:1/sendonly {extensions.AUDIO_LEVEL}",
        f"a=extmap:2/recvonly {extensions.ABS_CAPTURE_TIME}",
        f"a=extmap:3 {extensions.TRANSPORT_CC}",
        f"a=extmap:4 {extensions.MID}",
        f"a=extmap:5 {extensions.ABS_SEND_TIME}",
        "a=ssrc:7 cname:x",
    ]
    policy = PlayPolicy(talk=True)
    sound, talk = negotiate_play(
        parse(session(audio(*lines, direction="recvonly"), audio(*lines, mid="1"))), policy
    ).media
    assert talk.extensions == {extensions.AUDIO_LEVEL: 1, extensions.TRANSPORT_CC: 3, extensions.MID: 4}
    assert talk.ssrcs == (SignalledSsrc(7, None, "x"),)
    assert talk.codecs[0].parameters == {"minptime": "10", "useinbandfec": "1"}
    assert talk.codecs[0].feedback == {"transport-cc"}
    assert sound.extensions == {extensions.ABS_CAPTURE_TIME: 2, extensions.TRANSPORT_CC: 3}
    assert sound.ssrcs == ()

from __future__ import annotations

import pytest

from gateway.errors import Unacceptable
from gateway.protocol import extensions
from gateway.protocol.description import MediaKind, NegotiatedSession
from gateway.protocol.sdp import PublishPolicy, negotiate_publish, parse
from tests.unit.protocol.sdp.offers import audio, section, session, video, video_with

DATA = section("application 9 UDP/DTLS/SCTP webrtc-datachannel", mid="d", mux=False)


def negotiate(text: str, policy: PublishPolicy | None = None) -> NegotiatedSession:
    return negotiate_publish(parse(text), policy or PublishPolicy())


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv"])
def test_audio_and_video_are_taken(direction: str) -> None:
    agreed = negotiate(session(audio(direction=direction), video(direction=direction)))
    assert [(m.mid, m.kind, m.rejected, m.outbound) for m in agreed.media] == [
        ("0", MediaKind.AUDIO, False, False),
        ("1", MediaKind.VIDEO, False, False),
    ]
    assert [codec.name for m in agreed.media for codec in m.codecs] == ["opus", "VP8"]


@pytest.mark.parametrize("kind", list(MediaKind))
def test_one_kind_is_enough(kind: MediaKind) -> None:
    agreed = negotiate(session(audio() if kind is MediaKind.AUDIO else video()))
    assert agreed.first(kind) is agreed.media[0]


def test_data_channels_and_disabled_lines_are_rejected_and_do_no_harm() -> None:
    agreed = negotiate(session(video(mid="a", port=0, mux=False), DATA, video(), bundle="d 1"))
    assert [(m.mid, m.kind, m.rejected) for m in agreed.media] == [
        ("a", MediaKind.VIDEO, True),
        ("d", None, True),
        ("1", MediaKind.VIDEO, False),
    ]


def test_codecs_keep_the_offered_order() -> None:
    lines = ("a=rtpmap:96 VP9/90000", "a=rtpmap:97 H264/90000", "a=rtpmap:98 VP8/90000")
    agreed = negotiate(session(video_with("98 97 96", *lines)), PublishPolicy(codecs=("VP8", "VP9")))
    assert [codec.payload_type for codec in agreed.media[0].codecs] == [98, 96]


@pytest.mark.parametrize(
    ("lines", "rids"),
    [
        pytest.param(
            ["rid:0 send", "rid:1 send", "rid:2 send", "simulcast:send 0;1;2"], ("0", "1", "2"), id="OBS"
        ),
        pytest.param(
            ["rid:f send", "rid:q send", "simulcast:send q;~f"], ("q", "f"), id="order of the simulcast"
        ),
        pytest.param(["rid:a send", "rid:b send", "simulcast:send a,b"], ("a",), id="first alternative"),
        pytest.param(["rid:b send", "simulcast:send a,b"], ("b",), id="first declared alternative"),
        pytest.param(["rid:a send", "simulcast:send a;b"], ("a",), id="undeclared layer"),
        pytest.param(["rid:a send", "simulcast:send a;a"], ("a",), id="layer named twice"),
        pytest.param(["rid:a recv", "simulcast:recv a"], (), id="what the publisher would receive"),
        pytest.param(["rid:a send"], (), id="rid without simulcast"),
        pytest.param([], (), id="none"),
    ],
)
def test_layers(lines: list[str], rids: tuple[str, ...]) -> None:
    assert negotiate(session(video(*(f"a={line}" for line in lines)))).media[0].rids == rids


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(session(video(mid="0"), video()), "more than one video", id="two video tracks"),
        pytest.param(session(audio(), audio(mid="1")), "more than one audio", id="two audio tracks"),
        pytest.param(session(video(direction="recvonly")), "must send", id="recvonly"),
        pytest.param(session(video(direction="inactive")), "must send", id="inactive"),
        pytest.param(session(audio(), video(direction="recvonly")), "must send", id="one of two recvonly"),
        pytest.param(
            session(video_with("96", "a=rtpmap:96 H265/90000")), "no common codec", id="foreign codec"
        ),
        pytest.param(
            session(audio(), video_with("96", "a=rtpmap:96 H265/90000")),
            "no common codec",
            id="never in part",
        ),
        pytest.param(session(DATA, bundle="d"), "no m-line", id="data channel only"),
        pytest.param(
            session(
                video(*(f"a=rid:{n} send" for n in range(9)), "a=simulcast:send " + ";".join("012345678"))
            ),
            "more than 8",
            id="nine layers",
        ),
    ],
)
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        negotiate(text)


def test_a_kind_that_the_policy_excludes_is_refused() -> None:
    with pytest.raises(Unacceptable, match="video is not taken here"):
        negotiate(session(audio(), video()), PublishPolicy(kinds=frozenset({MediaKind.AUDIO})))


def slot(mid: str, *lines: str, codec: str = "opus/48000/2") -> str:
    rtpmap = f"a=rtpmap:111 {codec}"
    return section("audio 9 UDP/TLS/RTP/SAVPF 111", "a=recvonly", rtpmap, *lines, mid=mid)


SLOTS = PublishPolicy(talk_slots=2)


@pytest.mark.parametrize("mids", ["0 1 a b", "a b 0 1", "a 0 b 1", "a 1"])
def test_talk_slots_are_sent_on(mids: str) -> None:
    lines = {"0": audio(), "1": video(), "a": slot("a"), "b": slot("b")}
    agreed = negotiate(session(*(lines[mid] for mid in mids.split()), bundle=mids), SLOTS)
    assert not any(m.rejected for m in agreed.media)
    assert [m.mid for m in agreed.media if m.outbound] == [mid for mid in mids.split() if mid in "ab"]
    assert {m.codecs[0].name for m in agreed.media if m.outbound} == {"opus"}


def test_a_slot_carries_what_viewers_get_and_announces_nothing() -> None:
    lines = [
        "a=rtcp-fb:111 transport-cc",
        f"a=extmap:1/recvonly {extensions.AUDIO_LEVEL}",
        f"a=extmap:2/sendonly {extensions.ABS_CAPTURE_TIME}",
        f"a=extmap:3 {extensions.TRANSPORT_CC}",
        f"a=extmap:4 {extensions.MID}",
        "a=ssrc:7 cname:x",
    ]
    agreed = negotiate(session(audio(*lines), slot("1", *lines)), SLOTS)
    assert agreed.media[1].extensions == {extensions.AUDIO_LEVEL: 1, extensions.TRANSPORT_CC: 3}
    assert agreed.media[1].ssrcs == ()
    assert agreed.media[0].extensions == {
        extensions.ABS_CAPTURE_TIME: 2,
        extensions.TRANSPORT_CC: 3,
        extensions.MID: 4,
    }


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param([video(), slot("a"), slot("b"), slot("c")], "more than 2 talk slots", id="too many"),
        pytest.param([slot("a"), slot("b")], "a publisher must send", id="nothing sent"),
        pytest.param([slot("a"), video(direction="recvonly")], "video is offered recvonly", id="picture"),
        pytest.param([video(), audio(direction="inactive")], "audio is offered inactive", id="inactive"),
        pytest.param([video(), slot("a", codec="PCMU/8000")], "no common codec for audio", id="not Opus"),
        pytest.param([audio(), audio(mid="b", direction="sendrecv")], "more than one audio", id="two tracks"),
    ],
)
def test_refuses_slots(lines: list[str], reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        negotiate(session(*lines, bundle="0 1 a b c"), SLOTS)


def test_without_slots_a_publisher_receives_nothing() -> None:
    with pytest.raises(Unacceptable, match="audio is offered recvonly; a publisher must send"):
        negotiate(session(video(), slot("a"), bundle="1 a"))

from __future__ import annotations

import pytest

from gateway.errors import Unacceptable
from gateway.protocol.description import MediaKind, NegotiatedSession, SignalledSsrc
from gateway.protocol.sdp import PublishPolicy, negotiate_publish, parse
from tests.unit.protocol.sdp.offers import audio, section, session, video, video_with

DATA = section("application 9 UDP/DTLS/SCTP webrtc-datachannel", mid="d", mux=False)


def negotiate(text: str, policy: PublishPolicy | None = None) -> NegotiatedSession:
    return negotiate_publish(parse(text), policy or PublishPolicy())


@pytest.mark.parametrize("direction", ["sendonly", "sendrecv"])
def test_audio_and_video_are_taken(direction: str) -> None:
    agreed = negotiate(session(audio(direction=direction), video(direction=direction)))
    assert [(m.mid, m.kind, m.rejected) for m in agreed.media] == [
        ("0", MediaKind.AUDIO, False),
        ("1", MediaKind.VIDEO, False),
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
    ("lines", "ssrcs"),
    [
        pytest.param(["ssrc:1 cname:x"], [SignalledSsrc(1, None, "x")], id="one"),
        pytest.param(
            ["ssrc-group:FID 1 2", "ssrc:1 cname:x", "ssrc:2 cname:x"],
            [SignalledSsrc(1, 2, "x")],
            id="with RTX",
        ),
        pytest.param(["ssrc-group:FID 1 2", "ssrc:1 cname:x"], [SignalledSsrc(1, 2, "x")], id="FFmpeg's FID"),
        pytest.param(
            [
                "ssrc:5 cname:x",
                "ssrc-group:FID 5 6",
                "ssrc-group:FID 3 4",
                "ssrc-group:SIM 3 5 7",
                "ssrc:6 cname:x",
            ],
            [SignalledSsrc(3, 4, None), SignalledSsrc(5, 6, "x"), SignalledSsrc(7, None, None)],
            id="SIM gives the order",
        ),
        pytest.param(
            ["ssrc:1 cname:x", "ssrc:2 cname:x", "ssrc-group:FEC-FR 1 2"],
            [SignalledSsrc(1, None, "x")],
            id="FEC",
        ),
        pytest.param(["ssrc-group:FID 1"], [], id="half a group"),
        pytest.param([], [], id="none"),
    ],
)
def test_sources(lines: list[str], ssrcs: list[SignalledSsrc]) -> None:
    assert list(negotiate(session(video(*(f"a={line}" for line in lines)))).media[0].ssrcs) == ssrcs


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
        pytest.param(session(video(*(f"a=ssrc:{n}" for n in range(33)))), "more than 32", id="33 ssrcs"),
    ],
)
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        negotiate(text)


def test_a_kind_that_the_policy_excludes_is_refused() -> None:
    with pytest.raises(Unacceptable, match="video is not taken here"):
        negotiate(session(audio(), video()), PublishPolicy(kinds=frozenset({MediaKind.AUDIO})))

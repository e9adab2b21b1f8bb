from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Unacceptable
from gateway.protocol.description import Fingerprint, NegotiatedMedia
from gateway.protocol.sdp import (
    Direction,
    ExtMap,
    Group,
    MalformedSdp,
    PlayPolicy,
    PublishPolicy,
    negotiate_play,
    negotiate_publish,
    parse,
    write_answer,
)
from gateway.signalling.opening import sender_streams
from tests.unit.protocol.sdp.offers import LOCAL, TRANSPORT, audio, section, session, video

CAPTURED = sorted((Path(__file__).parents[3] / "conformance" / "offers").rglob("*.sdp"))


def test_session_level_values() -> None:
    offer = parse(
        session(
            audio(),
            video(),
            lines=("a=ice-lite", "a=extmap-allow-mixed", "a=msid-semantic: WMS *", "a=ice-options:trickle"),
        )
    )
    assert offer.origin == "- 1 1 IN IP4 127.0.0.1"
    assert offer.groups == (Group("BUNDLE", ("0", "1")),)
    assert (offer.ice_lite, offer.extmap_allow_mixed, offer.msid_semantic) == (True, True, "WMS *")
    assert offer.transport.ice_options == ("trickle",)


def test_media_level_beats_session_level_and_is_completed_by_it() -> None:
    offer = parse(session(audio("a=ice-ufrag:mine", "a=setup:ACTIVE"), video()))
    first, second = (offer.transport_of(media) for media in offer.media)
    assert (first.ice_ufrag, first.ice_pwd, first.setup) == ("mine", "remotepasswordremotepw", "active")
    assert (second.ice_ufrag, second.setup) == ("remo", "actpass")
    assert first.fingerprints == second.fingerprints != ()


def test_direction_and_extensions_of_the_session_hold_for_media() -> None:
    bare = section("audio 9 UDP/TLS/RTP/SAVPF 111", mid="0")
    offer = parse(session(bare, video(), lines=(*TRANSPORT, "a=recvonly", "a=extmap:4 urn:x")))
    assert [media.direction for media in offer.media] == [Direction.RECVONLY, Direction.SENDONLY]
    assert all(media.extmaps == (ExtMap(4, "urn:x"),) for media in offer.media)


def test_direction_defaults_to_sendrecv() -> None:
    assert parse(session(section("audio 9 X 0"))).media[0].direction is Direction.SENDRECV


def test_several_fingerprints_are_kept() -> None:
    shorter = "sha-1 " + ":".join(["0a"] * 20)
    offer = parse(session(audio(f"a=fingerprint:{shorter}", f"a=fingerprint:{TRANSPORT[2][14:]}")))
    assert [value.algorithm for value in offer.media[0].transport.fingerprints] == ["sha-1", "sha-256"]
    assert offer.media[0].transport.fingerprints[0] == Fingerprint("sha-1", ":".join(["0A"] * 20))


def test_media_attributes() -> None:
    media = parse(
        session(
            video(
                "a=msid:- track",
                "a=rtcp-mux-only",
                "a=rtcp-rsize",
                "a=bundle-only",
                "a=extmap-allow-mixed",
                "a=fmtp:96 a=b",
                "a=fmtp:96 c",
                "a=ssrc:1 cname:x",
                "a=ssrc:1 msid:- y",
                "a=ssrc:2",
                "a=candidate:1 1 udp 1 192.0.2.9 5000 typ host",
                "a=candidate:",
                "a=end-of-candidates",
                "a=rtcp-fb:96 nack",
                "a=simulcast: send rid=0",
                port=0,
            )
        )
    ).media[0]
    assert media.enabled
    assert (media.msid, media.host, media.port) == ("- track", "0.0.0.0", 0)
    assert media.rtcp_mux
    assert media.rtcp_mux_only
    assert media.rtcp_reduced_size
    assert media.extmap_allow_mixed
    assert media.end_of_candidates
    assert media.parameters == {96: {"a": "b", "c": ""}}
    assert media.ssrcs == {1: {"cname": "x", "msid": "- y"}, 2: {}}
    assert [candidate.host for candidate in media.candidates] == ["192.0.2.9"]
    assert media.feedback == {96: ("nack", "nack pli")}
    assert media.simulcast is None


def test_port_0_is_disabled_unless_bundle_only() -> None:
    assert not parse(session(video(port=0))).media[0].enabled


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(session(audio()).replace("\r\n", "\n"), id="LF only"),
        pytest.param(session(audio()).rstrip("\r\n"), id="no end of the last line"),
        pytest.param(session(audio()) + "\r\n\r\n", id="blank lines behind"),
        pytest.param(
            session(audio()) + "a=unknown:\tvalue\r\na=\r\nb=AS:100\r\nk=x\r\n", id="lines nobody reads"
        ),
        pytest.param(session(audio()).replace("m=audio 9 ", "m=audio 9/2 "), id="port count"),
    ],
)
def test_tolerates(text: str) -> None:
    assert [media.mid for media in parse(text).media] == ["0"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("\r\n", id="a blank line"),
        pytest.param("hello", id="prose"),
        pytest.param('{"type": "offer", "sdp": "v=0"}', id="JSON"),
        pytest.param("v=0\r\n", id="no origin"),
        pytest.param(session(audio()).replace("v=0", "v=1"), id="version 1"),
        pytest.param("o=x\r\n" + session(audio()), id="version not first"),
        pytest.param(session("v=0\r\n", audio()), id="two versions"),
        pytest.param(session(audio(), "o=x\r\n"), id="origin behind an m-line"),
        pytest.param(session(audio() + "x=1\r\n"), id="unknown letter"),
        pytest.param(session(audio() + "mid\r\n"), id="no equals sign"),
        pytest.param(session(audio("a=x:\0")), id="NUL"),
        pytest.param(session(audio("a=x:\ud800")), id="lone surrogate"),
        pytest.param(session(audio("a=x:\u2028m=video")), id="line separator of Unicode"),
        pytest.param(session(audio()).replace("\r\n", "\r"), id="CR only"),
        pytest.param(session(audio(), audio()), id="one mid twice"),
        pytest.param(session(audio("a=mid:2")), id="two mids on one m-line"),
        pytest.param(session(section("audio 9 UDP/TLS/RTP/SAVPF")), id="m-line without format"),
        pytest.param(session(section("audio 65536 UDP/TLS/RTP/SAVPF 0")), id="port too high"),
        pytest.param(session(section("audio 9 UDP//RTP 0")), id="hole in the protocol"),
        pytest.param(session(audio("c=IN IP4")), id="c= without address"),
        pytest.param(session(audio("c=XX IP4 0.0.0.0")), id="c= of another network"),
        pytest.param(session(*(section("audio 9 X 0") for _ in range(33))), id="33 m-lines"),
        pytest.param(session(audio()) + "a=x\n" * 8192, id="too many lines"),
        pytest.param(session(audio()) + "a=" + "x" * 131072, id="too long"),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(MalformedSdp):
        parse(text)


def test_the_largest_input_takes_linear_time() -> None:
    line = "a=ssrc:{} cname:xxxxxx\n"
    text = session(video()) + "".join(line.format(number) for number in range(5000))
    started = time.process_time()
    assert len(parse(text).media[0].ssrcs) == 5000
    assert time.process_time() - started < 2.0


def exercise(text: str) -> None:
    """Everything that an offer goes through; may raise only the documented errors."""
    for negotiate in (
        lambda o: negotiate_publish(o, PublishPolicy()),
        lambda o: negotiate_publish(o, PublishPolicy(talk_slots=3)),
        lambda o: negotiate_play(o, PlayPolicy()),
        lambda o: negotiate_play(o, PlayPolicy(video_lines=4, audio_lines=3, talk=True)),
    ):
        try:
            offer = parse(text)
            negotiated = negotiate(offer)
            answer = write_answer(offer, negotiated, LOCAL, sender_streams(negotiated))
        except (MalformedSdp, Unacceptable):
            continue
        assert [m.direction for m in parse(answer).media] == [expected_direction(m) for m in negotiated.media]
        accepted = [media for media in negotiated.media if not media.rejected]
        assert len(answer.encode()) <= 8192 * max(1, len(accepted) - 1)


def expected_direction(agreed: NegotiatedMedia) -> Direction:
    if agreed.rejected:
        return Direction.INACTIVE
    return Direction.SENDONLY if agreed.outbound else Direction.RECVONLY


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_only_documented_errors_escape_from_mutated_offers(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(CAPTURED)).read_bytes().decode().split("\r\n")
    for _ in range(data.draw(st.integers(1, 6))):
        index = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "swap", "cut", "insert", "replace"])):
            case "drop" if len(lines) > 1:
                del lines[index]
            case "double":
                lines.insert(index, lines[index])
            case "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[index], lines[other] = lines[other], lines[index]
            case "cut":
                lines[index] = lines[index][: data.draw(st.integers(0, len(lines[index])))]
            case "insert":
                at = data.draw(st.integers(0, len(lines[index])))
                lines[index] = lines[index][:at] + data.draw(st.text(max_size=5)) + lines[index][at:]
            case _:
                numbers = st.sampled_from(["0", "-1", "255", "99999999999999999999999", "*", "~", "64"])
                words = lines[index].split(" ")
                words[data.draw(st.integers(0, len(words) - 1))] = data.draw(numbers)
                lines[index] = " ".join(words)
    exercise("\r\n".join(lines))


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("vosatmc=:/ 0129\r\nrtpmapfbid;,~*-")))
def test_only_documented_errors_escape_from_noise(text: str) -> None:
    exercise(text)
    exercise(session(video(*text.split("\n"))))

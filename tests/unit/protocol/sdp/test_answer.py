from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import Unacceptable
from gateway.protocol import extensions
from gateway.protocol.sdp import (
    MAX_ANSWER_BYTES,
    Direction,
    ExtMap,
    Group,
    PlayPolicy,
    PublishPolicy,
    RtpMap,
    SenderStream,
    SessionDescription,
    Simulcast,
    SsrcGroup,
    max_answer_bytes,
    negotiate_play,
    negotiate_publish,
    parse,
    write_answer,
)
from tests.unit.protocol.sdp.offers import (
    LOCAL,
    TRANSPORT,
    VP8,
    audio,
    section,
    sender,
    session,
    video,
    video_with,
)

DATA = section("application 9 UDP/DTLS/SCTP webrtc-datachannel", mid="d", mux=False)


def publish_answer(text: str) -> SessionDescription:
    offer = parse(text)
    return parse(write_answer(offer, negotiate_publish(offer, PublishPolicy()), LOCAL))


def play_answer(text: str, *senders: SenderStream) -> SessionDescription:
    offer = parse(text)
    negotiated = negotiate_play(offer, PlayPolicy())
    return parse(write_answer(offer, negotiated, LOCAL, {stream.mid: stream for stream in senders}))


def test_the_whole_text() -> None:
    offer = parse(session(audio(), video("a=rtcp-rsize", "a=rtcp-mux-only")))
    text = write_answer(offer, negotiate_publish(offer, PublishPolicy()), LOCAL)
    transport = [
        "c=IN IP4 192.0.2.1",
        "a=ice-ufrag:loca",
        "a=ice-pwd:localpasswordlocalpasswd",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:passive",
    ]
    assert text.split("\r\n") == [
        "v=0",
        "o=- 4711 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE 0 1",
        "m=audio 8189 UDP/TLS/RTP/SAVPF 111",
        *transport,
        "a=mid:0",
        "a=recvonly",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host",
        "a=candidate:2 1 tcp 1671430143 192.0.2.1 8189 typ host tcptype passive",
        "a=end-of-candidates",
        "m=video 8189 UDP/TLS/RTP/SAVPF 96",
        *transport,
        "a=mid:1",
        "a=recvonly",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=rtcp-rsize",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
        "",
    ]


def test_lines_keep_order_and_mids_and_rejected_ones_leave_the_group() -> None:
    answer = publish_answer(session(DATA, video(mid="v"), audio(mid="a"), bundle="d a v"))
    assert [(m.kind, m.mid, m.port) for m in answer.media] == [
        ("application", "d", 0),
        ("video", "v", 8189),
        ("audio", "a", 8189),
    ]
    assert answer.groups == (Group("BUNDLE", ("a", "v")),)
    data = answer.media[0]
    assert (data.formats, data.protocol, data.direction) == (
        ("webrtc-datachannel",),
        "UDP/DTLS/SCTP",
        Direction.INACTIVE,
    )
    assert data.transport.ice_ufrag is None


def test_candidates_stand_on_the_first_line_of_the_group() -> None:
    answer = publish_answer(session(DATA, video(mid="v"), audio(mid="a"), bundle="d a v"))
    assert [(m.candidates, m.end_of_candidates) for m in answer.media] == [
        ((), False),
        ((), False),
        (LOCAL.candidates, True),
    ]


def test_a_rejected_rtp_line_names_one_offered_format() -> None:
    answer = publish_answer(
        session(video_with("97 96", "a=rtpmap:97 rtx/90000").replace(" 9 ", " 0 "), audio())
    )
    assert answer.media[0].formats == ("97",)
    assert answer.media[0].rtpmaps == {97: RtpMap(97, "rtx", 90000)}
    unnamed = publish_answer(session(video_with("34").replace(" 9 ", " 0 "), audio()))
    assert (unnamed.media[0].formats, unnamed.media[0].rtpmaps) == (("34",), {})


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [("0 1", (Group("BUNDLE", ("1",)),)), ("1 1", (Group("BUNDLE", ("1",)),)), ("0", ()), (None, ())],
)
def test_a_single_line_and_its_group(bundle: str | None, expected: tuple[Group, ...]) -> None:
    answer = publish_answer(session(video(), bundle=bundle))
    assert answer.groups == expected
    assert answer.media[0].candidates == LOCAL.candidates


def test_no_mid_is_invented() -> None:
    answer = publish_answer(session(video(mid=None), bundle="0"))
    assert (answer.media[0].mid, answer.groups) == (None, ())
    assert answer.media[0].candidates == LOCAL.candidates


@pytest.mark.parametrize(
    ("offered", "answered"), [("actpass", "passive"), ("active", "passive"), ("passive", "active")]
)
def test_setup(offered: str, answered: str) -> None:
    answer = publish_answer(session(video(), lines=(*TRANSPORT[:3], f"a=setup:{offered}")))
    assert answer.media[0].transport.setup == answered


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("trickle", ("trickle",)), ("ice2,trickle", ("trickle", "ice2")), ("renomination", ())],
)
def test_ice_options_are_intersected(offered: str, answered: tuple[str, ...]) -> None:
    answer = publish_answer(session(video(f"a=ice-options:{offered}")))
    assert answer.media[0].transport.ice_options == answered


def test_without_candidates_the_destination_is_unknown() -> None:
    offer = parse(session(video()))
    text = write_answer(offer, negotiate_publish(offer, PublishPolicy()), replace(LOCAL, candidates=()))
    assert "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n" in text
    assert "a=end-of-candidates\r\n" in text


@pytest.mark.parametrize(
    ("offered", "answered"),
    [(None, None), (Direction.SENDONLY, Direction.RECVONLY), (Direction.SENDRECV, Direction.SENDRECV)],
)
def test_extension_directions_are_mirrored(offered: Direction | None, answered: Direction | None) -> None:
    direction = f"/{offered}" if offered else ""
    answer = publish_answer(
        session(video(f"a=extmap:9{direction} {extensions.RID}", "a=extmap:8 urn:unknown"))
    )
    assert answer.media[0].extmaps == (ExtMap(9, extensions.RID, answered),)


def test_extension_direction_towards_a_viewer() -> None:
    line = f"a=extmap:6/recvonly {extensions.PLAYOUT_DELAY}"
    answer = play_answer(session(video(line, direction="recvonly")), sender("1"))
    assert answer.media[0].extmaps == (ExtMap(6, extensions.PLAYOUT_DELAY, Direction.SENDONLY),)


def test_mixed_extensions_are_answered_where_they_were_offered() -> None:
    mixed = "a=extmap-allow-mixed"
    at_session = publish_answer(session(audio(), video(mixed), lines=(*TRANSPORT, mixed)))
    assert at_session.extmap_allow_mixed
    assert [m.extmap_allow_mixed for m in at_session.media] == [False, False]
    at_media = publish_answer(session(audio(mixed), video(mixed)))
    assert not at_media.extmap_allow_mixed
    assert [m.extmap_allow_mixed for m in at_media.media] == [True, True]
    at_one = publish_answer(session(audio(mixed), video()))
    assert [m.extmap_allow_mixed for m in at_one.media] == [False, False]


def test_simulcast_is_answered_with_all_layers() -> None:
    lines = ("a=rid:0 send", "a=rid:1 send", "a=rid:2 send", "a=simulcast:send 0;1;2")
    offer = parse(session(video(*lines)))
    text = write_answer(offer, negotiate_publish(offer, PublishPolicy()), LOCAL)
    assert "a=rid:0 recv\r\na=rid:1 recv\r\na=rid:2 recv\r\na=simulcast:recv 0;1;2\r\n" in text
    assert parse(text).media[0].simulcast == Simulcast(recv=(("0",), ("1",), ("2",)))


@pytest.mark.parametrize(
    ("rtpmap", "fmtp", "echoed"),
    [
        (
            "H264/90000",
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f;sprop-parameter-sets=Z0LA,aM4;max-fs=9",
            {"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": "42e01f"},
        ),
        ("H264/90000", "packetization-mode=0", {"packetization-mode": "0"}),
        ("VP8/90000", "max-fs=12288;max-fr=60", None),
        ("VP9/90000", "profile-id=2;max-fr=60", {"profile-id": "2"}),
        ("AV1/90000", "level-idx=5;profile=0;tier=0", {"level-idx": "5", "profile": "0", "tier": "0"}),
    ],
)
def test_format_parameters(rtpmap: str, fmtp: str, echoed: dict[str, str] | None) -> None:
    answer = publish_answer(session(video_with("96", f"a=rtpmap:96 {rtpmap}", f"a=fmtp:96 {fmtp}")))
    assert answer.media[0].parameters.get(96) == echoed


def test_opus_keeps_fec_and_stereo_but_not_what_describes_the_offerer() -> None:
    text = session(audio("a=fmtp:111 stereo=1;sprop-stereo=1;maxplaybackrate=48000"))
    assert publish_answer(text).media[0].parameters[111] == {
        "minptime": "10",
        "useinbandfec": "1",
        "stereo": "1",
    }


RTX = video_with("96 97", *VP8, "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", direction="recvonly")


def test_a_viewer_is_told_both_ssrcs_with_cname_and_msid() -> None:
    answer = play_answer(
        session(audio(direction="recvonly"), RTX), sender("0", 1000, 1001), sender("1", 2000, 2001)
    )
    sound, picture = answer.media
    assert answer.msid_semantic == "WMS *"
    assert [m.direction for m in answer.media] == [Direction.SENDONLY] * 2
    assert (sound.msid, picture.msid) == ("main track-0", "main track-1")
    assert (sound.ssrc_groups, list(sound.ssrcs)) == ((), [1000])
    assert picture.ssrc_groups == (SsrcGroup("FID", (2000, 2001)),)
    assert picture.ssrcs == {
        2000: {"cname": "gateway", "msid": "main track-1"},
        2001: {"cname": "gateway", "msid": "main track-1"},
    }
    assert picture.parameters[97] == {"apt": "96"}
    assert picture.formats == ("96", "97")


def test_no_fid_group_without_a_repair_ssrc() -> None:
    answer = play_answer(session(RTX), sender("1", 2000))
    assert (answer.media[0].ssrc_groups, list(answer.media[0].ssrcs)) == ((), [2000])


@pytest.mark.parametrize(
    ("offered", "sends", "expected"),
    [
        ("recvonly", True, Direction.SENDONLY),
        ("sendrecv", True, Direction.SENDONLY),
        ("recvonly", False, Direction.INACTIVE),
        ("sendrecv", False, Direction.RECVONLY),
    ],
)
def test_directions_fit_the_offer(offered: str, sends: bool, expected: Direction) -> None:
    answer = play_answer(session(video(direction=offered)), *[sender("1")] * sends)
    assert answer.media[0].direction is expected


def test_a_sender_on_a_line_that_only_sends_stays_silent() -> None:
    offer = parse(session(video()))
    text = write_answer(offer, negotiate_publish(offer, PublishPolicy()), LOCAL, {"1": sender("1")})
    assert parse(text).media[0].direction is Direction.INACTIVE


def test_a_session_may_go_both_ways() -> None:
    level = f"a=extmap:6/%s {extensions.AUDIO_LEVEL}"
    offer = parse(
        session(
            audio(level % "recvonly", direction="recvonly"),
            video(direction="recvonly"),
            audio(level % "sendonly", mid="t"),
            bundle="0 1 t",
        )
    )
    negotiated = negotiate_play(offer, PlayPolicy(talk=True))
    senders = {mid: sender(mid) for mid in "01"}
    sound, picture, talk = parse(write_answer(offer, negotiated, LOCAL, senders)).media
    assert [m.direction for m in (sound, picture, talk)] == ["sendonly", "sendonly", "recvonly"]
    assert sound.extmaps == (ExtMap(6, extensions.AUDIO_LEVEL, Direction.SENDONLY),)
    assert talk.extmaps == (ExtMap(6, extensions.AUDIO_LEVEL, Direction.RECVONLY),)
    assert (talk.msid, talk.ssrcs, talk.formats) == (None, {}, ("111",))


def long_answer(lines: int, size: int) -> str:
    """An answer of several lines that must repeat `size` bytes of codec parameters in each."""
    parameter = f"a=fmtp:111 minptime={'1' * size}"
    mids = [str(mid) for mid in range(lines)]
    media = (audio(parameter, direction="recvonly", mid=mid) for mid in mids)
    offer = parse(session(*media, bundle=" ".join(mids)))
    negotiated = negotiate_play(offer, PlayPolicy(audio_lines=lines))
    return write_answer(offer, negotiated, LOCAL, {mid: sender(mid) for mid in mids})


@pytest.mark.parametrize(("lines", "limit"), [(1, 8192), (2, 8192), (3, 16384), (5, 32768)])
def test_an_answer_that_would_be_too_long_is_refused(lines: int, limit: int) -> None:
    fixed = len(long_answer(lines, 1)) - lines
    most = (limit - fixed) // lines
    assert limit - lines < len(long_answer(lines, most)) <= limit == max_answer_bytes(lines)
    with pytest.raises(Unacceptable, match=str(limit)):
        long_answer(lines, most + 1)


def test_rejected_lines_leave_no_more_room_to_the_others() -> None:
    offer = parse(session(video(), audio(), DATA))
    huge = replace(LOCAL, candidates=LOCAL.candidates * 80)
    with pytest.raises(Unacceptable, match=str(MAX_ANSWER_BYTES)):
        write_answer(offer, negotiate_publish(offer, PublishPolicy()), huge)


def test_passwords_are_not_shown() -> None:
    assert LOCAL.ice.pwd not in repr(LOCAL)
    assert "remotepassword" not in repr(parse(session(audio())))

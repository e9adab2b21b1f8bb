from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.protocol.description import Candidate, Fingerprint
from gateway.protocol.sdp import (
    Direction,
    ExtMap,
    Group,
    MalformedSdp,
    Rid,
    RtpMap,
    Simulcast,
    SsrcGroup,
    attributes,
)

DIGEST = ":".join(["ab"] * 32)

READ: list[tuple[str, Callable[[str], object], str, object]] = [
    ("number", lambda text: attributes.number(text, 10), "10", 10),
    ("mid with punctuation", attributes.token, "video-0.a{b}", "video-0.a{b}"),
    ("shortest ufrag", attributes.ice_ufrag, "ab+/", "ab+/"),
    ("ufrag beyond the RFC's letters", attributes.ice_ufrag, "a-b_c=", "a-b_c="),
    ("ice-options", attributes.ice_options, "ice2 trickle", ("ice2", "trickle")),
    ("ice-options with commas", attributes.ice_options, "ice2,trickle", ("ice2", "trickle")),
    ("fingerprint", attributes.fingerprint, f"SHA-256 {DIGEST}", Fingerprint("sha-256", DIGEST.upper())),
    ("video rtpmap", attributes.rtpmap, "96 VP8/90000", RtpMap(96, "VP8", 90000)),
    ("stereo rtpmap", attributes.rtpmap, "111 OPUS/48000/2", RtpMap(111, "OPUS", 48000, 2)),
    ("fmtp", attributes.format_parameters, "96 Apt=97; x = y ;;", (96, {"apt": "97", "x": "y"})),
    ("fmtp of lone words", attributes.format_parameters, "101 0-15", (101, {"0-15": ""})),
    ("fmtp with = in the value", attributes.format_parameters, "96 s=Zw==,aA==", (96, {"s": "Zw==,aA=="})),
    ("fmtp of nothing", attributes.format_parameters, "96", (96, {})),
    ("rtcp-fb", attributes.feedback, "96 nack  PLI", (96, "nack pli")),
    ("rtcp-fb for all", attributes.feedback, "* transport-cc", (None, "transport-cc")),
    ("extmap", attributes.extmap, "3 urn:x", ExtMap(3, "urn:x")),
    ("extmap one way", attributes.extmap, "3/sendonly urn:x a", ExtMap(3, "urn:x", Direction.SENDONLY)),
    ("group", attributes.group, "BUNDLE 0 1", Group("BUNDLE", ("0", "1"))),
    ("empty group", attributes.group, "BUNDLE", Group("BUNDLE", ())),
    ("rid", attributes.rid, "hi send pt=96;max-width=1280", Rid("hi", Direction.SENDONLY)),
    ("simulcast", attributes.simulcast, "send 0;1;2", Simulcast(send=(("0",), ("1",), ("2",)))),
    (
        "simulcast both ways, alternatives, paused",
        attributes.simulcast,
        "recv a send b,~c;~d",
        Simulcast(send=(("b", "c"), ("d",)), recv=(("a",),)),
    ),
    ("simulcast of an early draft", attributes.simulcast, "send rid=a;b", None),
    ("ssrc", attributes.ssrc_attribute, "4294967295 msid:a b", (4294967295, "msid", "a b")),
    ("bare ssrc", attributes.ssrc_attribute, "7", (7, "", "")),
    ("ssrc-group", attributes.ssrc_group, "FID 1 2", SsrcGroup("FID", (1, 2))),
    (
        "candidate",
        attributes.candidate,
        "a 1 UDP 2130706431 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport 9 generation 0",
        Candidate("a", 1, "udp", 2130706431, "192.0.2.1", 5000, "srflx"),
    ),
    (
        "tcp candidate with a hidden address",
        attributes.candidate,
        "a 0 tcp 1 f00.local 9 typ host tcptype active",
        Candidate("a", 0, "tcp", 1, "f00.local", 9, "host", "active"),
    ),
]

REFUSED: list[tuple[str, Callable[[str], object], str]] = [
    ("empty number", lambda text: attributes.number(text, 10), ""),
    ("negative number", lambda text: attributes.number(text, 10), "-1"),
    ("number with a separator", lambda text: attributes.number(text, 10**6), "1_000"),
    ("number above its cap", lambda text: attributes.number(text, 10), "11"),
    ("endless number", lambda text: attributes.number(text, 10), "0" * 5000),
    ("digits of another script", lambda text: attributes.number(text, 10), "٣"),
    ("superscript digit", lambda text: attributes.number(text, 10), "²"),
    ("empty token", attributes.token, ""),
    ("token with a space", attributes.token, "a b"),
    ("token too long", attributes.token, "a" * 65),
    ("short ufrag", attributes.ice_ufrag, "abc"),
    ("ufrag that splits user names", attributes.ice_ufrag, "ab:cd"),
    ("long ufrag", attributes.ice_ufrag, "a" * 257),
    ("short pwd", attributes.ice_pwd, "a" * 21),
    ("long pwd", attributes.ice_pwd, "a" * 257),
    ("fingerprint without digest", attributes.fingerprint, "sha-256"),
    ("fingerprint that is no hex", attributes.fingerprint, "sha-256 " + ":".join(["GG"] * 32)),
    ("fingerprint without colons", attributes.fingerprint, "sha-256 " + "AB" * 32),
    ("rtpmap without clock", attributes.rtpmap, "96 VP8"),
    ("rtpmap of payload type 128", attributes.rtpmap, "128 VP8/90000"),
    ("rtpmap with a word as clock", attributes.rtpmap, "96 VP8/fast"),
    ("fmtp beyond ASCII", attributes.format_parameters, "96 a=ü"),
    ("fmtp without a number", attributes.format_parameters, "x a=b"),
    ("empty rtcp-fb", attributes.feedback, ""),
    ("rtcp-fb without value", attributes.feedback, "96"),
    ("extmap without URI", attributes.extmap, "3"),
    ("extmap with an unknown direction", attributes.extmap, "3/up urn:x"),
    ("extmap with an empty direction", attributes.extmap, "3/ urn:x"),
    ("group without semantics", attributes.group, ""),
    ("rid without direction", attributes.rid, "hi"),
    ("rid in a third direction", attributes.rid, "hi both"),
    ("rid with a semicolon", attributes.rid, "h;i send"),
    ("simulcast without streams", attributes.simulcast, "send"),
    ("simulcast with an unknown direction", attributes.simulcast, "up 0"),
    ("simulcast with an empty stream", attributes.simulcast, "send 0;;2"),
    ("ssrc above 32 bits", attributes.ssrc_attribute, "4294967296 cname:x"),
    ("ssrc-group without semantics", attributes.ssrc_group, ""),
    ("ssrc-group of words", attributes.ssrc_group, "FID one"),
    ("candidate cut short", attributes.candidate, "a 1 udp 1 192.0.2.1 5000 typ"),
    ("candidate without typ", attributes.candidate, "a 1 udp 1 192.0.2.1 5000 tip host"),
    ("candidate with a port too high", attributes.candidate, "a 1 udp 1 192.0.2.1 65536 typ host"),
]


@pytest.mark.parametrize(
    ("function", "text", "expected"), [row[1:] for row in READ], ids=[row[0] for row in READ]
)
def test_reads(function: Callable[[str], object], text: str, expected: object) -> None:
    assert function(text) == expected


@pytest.mark.parametrize(("function", "text"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refuses(function: Callable[[str], object], text: str) -> None:
    with pytest.raises(MalformedSdp):
        function(text)


@pytest.mark.parametrize("tcp_type", [None, "passive"])
def test_a_candidate_reads_back(tcp_type: str | None) -> None:
    candidate = Candidate(
        "x", 1, "udp" if tcp_type is None else "tcp", 7, "2001:db8::1", 5000, "host", tcp_type
    )
    assert attributes.candidate(attributes.candidate_text(candidate)) == candidate

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.description import Candidate, IceCredentials
from gateway.protocol.sdp import MalformedSdp
from gateway.signalling.sdp_fragment import SdpFragment, parse, write_restart_fragment

CREDENTIALS = IceCredentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
ICE = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
HOST = "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r\n"
AUDIO = "m=audio 9 RTP/AVP 0\r\n"
CANDIDATE = Candidate("1387637174", 1, "udp", 2122260223, "192.0.2.1", 61764)
END = "a=end-of-candidates\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n{ICE}{HOST}{END}",
            SdpFragment(CREDENTIALS, (CANDIDATE,), True, ("0",)),
            id="as in RFC 9725",
        ),
        pytest.param(ICE, SdpFragment(CREDENTIALS), id="session-level credentials only"),
        pytest.param(ICE.replace("\r\n", "\n").strip(), SdpFragment(CREDENTIALS), id="LF, no last line end"),
        pytest.param(
            f"{ICE}{AUDIO}a=mid:video-main\r\n{HOST}",
            SdpFragment(CREDENTIALS, (CANDIDATE,), False, ("video-main",)),
            id="RTP/AVP 0 and a worded mid",
        ),
        pytest.param(
            f"{ICE}{AUDIO}a=mid:0\r\n{HOST}{AUDIO}a=mid:1\r\n{HOST}m=\r\na=mid:0\r\n",
            SdpFragment(CREDENTIALS, (CANDIDATE, CANDIDATE), False, ("0", "1")),
            id="m=audio for every mid",
        ),
        pytest.param(
            HOST.replace(" 1 udp", " 0 udp"),
            SdpFragment(candidates=(Candidate("1387637174", 0, "udp", 2122260223, "192.0.2.1", 61764),)),
            id="component 0",
        ),
        pytest.param(
            HOST.replace("192.0.2.1", "2001:db8::1"),
            SdpFragment(candidates=(Candidate("1387637174", 1, "udp", 2122260223, "2001:db8::1", 61764),)),
            id="IPv6",
        ),
        pytest.param(HOST.replace("192.0.2.1", "7e6a1c.local"), SdpFragment(), id=".local"),
        pytest.param(HOST.replace("192.0.2.1", "host.example"), SdpFragment(), id="a name"),
        pytest.param(
            HOST.replace("udp", "tcp").replace("host", "host tcptype active"), SdpFragment(), id="TCP"
        ),
        pytest.param(
            f"{END}a=candidate:\r\na=\r\n", SdpFragment(end_of_candidates=True), id="the end, three ways"
        ),
        pytest.param("a=ice-ufrag:EsAw\r\n", SdpFragment(), id="half of the credentials"),
        pytest.param(
            ICE + ICE.replace("EsAw", "else").replace("P2u", "xxx"),
            SdpFragment(CREDENTIALS),
            id="first ones count",
        ),
    ],
)
def test_reads(text: str, expected: SdpFragment) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("\r\n", id="a blank line"),
        pytest.param('{"candidate": ""}', id="JSON"),
        pytest.param("a=ice-ufrag:a\r\n", id="short ufrag"),
        pytest.param("a=ice-pwd:short\r\n", id="short password"),
        pytest.param("a=candidate:1 1 udp\r\n", id="half a candidate"),
        pytest.param("a=mid:a b\r\n", id="mid of two words"),
        pytest.param("a=x:\0\r\n", id="NUL"),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(MalformedSdp):
        parse(text)


def test_the_answer_to_a_restart() -> None:
    text = write_restart_fragment(CREDENTIALS, (CANDIDATE,), ("0", "1"))
    assert text == (
        "a=ice-lite\r\na=ice-options:trickle\r\na=group:BUNDLE 0 1\r\n"
        f"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n{ICE}"
        f"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n{END}"
    )
    assert parse(text) == SdpFragment(CREDENTIALS, (CANDIDATE,), True, ("0",))


def test_passwords_are_not_shown() -> None:
    assert CREDENTIALS.pwd not in repr(parse(ICE))


@given(st.lists(st.sampled_from([ICE, HOST, END, AUDIO, "a=mid:0\r\n"])), st.data())
def test_only_the_documented_error_escapes(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    at = data.draw(st.integers(0, len(text)))
    with contextlib.suppress(MalformedSdp):
        parse(text[:at] + data.draw(st.text(max_size=4)) + text[at + data.draw(st.integers(0, 5)) :])

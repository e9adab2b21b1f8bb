from __future__ import annotations

from pathlib import Path

import pytest

from gateway.protocol.sdp import (
    Direction,
    MediaDescription,
    Rid,
    SessionDescription,
    Simulcast,
    parse,
    write,
)
from tests.unit.protocol.sdp.offers import session, video

CAPTURED = sorted((Path(__file__).parents[3] / "conformance" / "offers").rglob("*.sdp"))


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_what_was_read_is_written_back(path: Path) -> None:
    description = parse(path.read_bytes().decode())
    assert parse(write(description)) == description


def test_rare_attributes_are_written_back() -> None:
    text = session(
        video("a=rtcp-fb:* nack", "a=rid:a recv", "a=simulcast:send b,c;d recv a", "a=extmap-allow-mixed"),
        lines=("a=ice-lite", "a=bundle-only"),
    ).replace("IP4 0.0.0.0", "IP6 2001:db8::1")
    description = parse(text)
    assert description.media[0].simulcast == Simulcast(send=(("b", "c"), ("d",)), recv=(("a",),))
    assert description.media[0].rids == (Rid("a", Direction.RECVONLY),)
    assert parse(write(description)) == description


def test_lines_end_with_crlf_and_missing_hosts_are_written_as_unknown() -> None:
    media = MediaDescription(kind="audio", port=9, protocol="UDP/TLS/RTP/SAVPF", formats=("0",))
    text = write(SessionDescription(origin="- 1 1 IN IP4 127.0.0.1", media=(media,)))
    assert text == (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=sendrecv\r\n"
    )

from __future__ import annotations

import pytest

from gateway.protocol import extensions
from gateway.protocol.description import MediaKind, NegotiatedMedia
from gateway.protocol.sdp import PublishPolicy, negotiate_publish, parse
from gateway.protocol.sdp.media_matching import media_kind, rejected
from tests.unit.protocol.sdp.offers import TRANSPORT, section, session, video

FEEDBACK = "a=rtcp-fb:96 transport-cc"
TCC = f"a=extmap:3 {extensions.TRANSPORT_CC}"


def negotiated(*lines: str, mixed: bool = False, policy: PublishPolicy | None = None) -> NegotiatedMedia:
    flag = ("a=extmap-allow-mixed",) if mixed else ()
    offer = parse(session(video(*lines), bundle="1", lines=(*TRANSPORT, *flag)))
    return negotiate_publish(offer, policy or PublishPolicy()).media[0]


@pytest.mark.parametrize(
    ("lines", "mixed", "expected"),
    [
        pytest.param([f"4 {extensions.MID}"], False, {extensions.MID: 4}, id="known"),
        pytest.param(["4 urn:unknown"], False, {}, id="unknown"),
        pytest.param(
            [f"4/sendonly {extensions.RID}"], False, {extensions.RID: 4}, id="the way the media goes"
        ),
        pytest.param([f"4/sendrecv {extensions.RID}"], False, {extensions.RID: 4}, id="both ways"),
        pytest.param([f"4/recvonly {extensions.RID}"], False, {}, id="against the media"),
        pytest.param([f"4/inactive {extensions.RID}"], False, {}, id="inactive"),
        pytest.param([f"0 {extensions.MID}"], True, {}, id="padding's id"),
        pytest.param([f"15 {extensions.MID}"], False, {}, id="id of the two-byte form, not allowed"),
        pytest.param([f"15 {extensions.MID}"], True, {extensions.MID: 15}, id="id of the two-byte form"),
        pytest.param([f"256 {extensions.MID}"], True, {}, id="id of no form"),
        pytest.param(
            [f"4 {extensions.MID}", f"5 {extensions.MID}"], False, {extensions.MID: 4}, id="URI twice"
        ),
        pytest.param(
            [f"4 {extensions.MID}", f"4 {extensions.RID}"], False, {extensions.MID: 4}, id="id twice"
        ),
    ],
)
def test_extensions(lines: list[str], mixed: bool, expected: dict[str, int]) -> None:
    assert negotiated(*(f"a=extmap:{line}" for line in lines), mixed=mixed).extensions == expected


@pytest.mark.parametrize(
    ("lines", "both"),
    [([FEEDBACK, TCC], True), ([FEEDBACK], False), ([TCC], False), ([], False)],
    ids=["feedback and extension", "feedback only", "extension only", "neither"],
)
def test_transport_cc_needs_feedback_and_extension(lines: list[str], both: bool) -> None:
    media = negotiated(*lines)
    assert (extensions.TRANSPORT_CC in media.extensions) is both
    assert ("transport-cc" in media.codecs[0].feedback) is both
    assert "nack pli" in media.codecs[0].feedback


def test_a_policy_without_the_extension_leaves_out_the_feedback() -> None:
    media = negotiated(FEEDBACK, TCC, policy=PublishPolicy(extensions=(extensions.MID,)))
    assert media.codecs[0].feedback == {"nack", "nack pli"}
    assert media.extensions == {}


@pytest.mark.parametrize(("lines", "expected"), [((), False), (("a=rtcp-rsize",), True)])
def test_reduced_size_only_if_offered(lines: tuple[str, ...], expected: bool) -> None:
    assert negotiated(*lines).rtcp_reduced_size is expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [("audio", MediaKind.AUDIO), ("video", MediaKind.VIDEO), ("application", None), ("text", None)],
)
def test_rejected_lines_keep_mid_and_kind(name: str, kind: MediaKind | None) -> None:
    offer = parse(session(section(f"{name} 9 UDP/TLS/RTP/SAVPF 96", mid="x")))
    assert media_kind(offer.media[0]) is kind
    assert rejected(offer, 0) == NegotiatedMedia(mid="x", kind=kind, rejected=True)

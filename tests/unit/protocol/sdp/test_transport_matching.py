from __future__ import annotations

import pytest

from gateway.errors import Unacceptable
from gateway.protocol.description import DtlsRole, NegotiatedSession
from gateway.protocol.sdp import PublishPolicy, negotiate_publish, parse
from tests.unit.protocol.sdp.offers import FINGERPRINT, ICE, TRANSPORT, audio, section, session, video

NO_SETUP = TRANSPORT[:3]


def negotiate(text: str) -> NegotiatedSession:
    return negotiate_publish(parse(text), PublishPolicy())


@pytest.mark.parametrize(
    ("setup", "role"),
    [
        ("actpass", DtlsRole.SERVER),
        ("active", DtlsRole.SERVER),
        ("passive", DtlsRole.CLIENT),
        ("ACTPASS", DtlsRole.SERVER),
        (None, DtlsRole.SERVER),
    ],
)
def test_dtls_role(setup: str | None, role: DtlsRole) -> None:
    lines = NO_SETUP if setup is None else (*NO_SETUP, f"a=setup:{setup}")
    assert negotiate(session(audio(), video(), lines=lines)).dtls_role is role


def test_transport_at_media_level() -> None:
    agreed = negotiate(session(audio(*TRANSPORT), video(*TRANSPORT), lines=()))
    assert (agreed.remote_ice.ufrag, agreed.remote_ice.pwd) == ("remo", "remotepasswordremotepw")
    assert [f.algorithm for f in agreed.remote_fingerprints] == ["sha-256"]


def test_the_first_accepted_mid_of_the_group_is_the_one_that_counts() -> None:
    other = ("a=ice-ufrag:other", "a=ice-pwd:otherpasswordotherpass")
    text = session(audio(*other), video(), bundle="1 0")
    assert negotiate(text).remote_ice.ufrag == "remo"
    assert negotiate(text.replace("BUNDLE 1 0", "BUNDLE 0 1")).remote_ice.ufrag == "other"


def test_values_written_only_on_a_rejected_line_of_the_bundle_are_found() -> None:
    data = section("application 9 UDP/DTLS/SCTP webrtc-datachannel", *TRANSPORT, mid="d", mux=False)
    assert negotiate(session(data, video(), bundle="d 1", lines=())).remote_ice.ufrag == "remo"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(session(video(), bundle="0 1"), id="FFmpeg's group of two with one m-line"),
        pytest.param(session(video(), bundle=None), id="one m-line without a group"),
        pytest.param(session(video(mid=None), bundle=None), id="one m-line without a mid"),
        pytest.param(session(video(), bundle="0"), id="one m-line outside of the group"),
        pytest.param(session(audio(), video()) + "a=group:LS 0 1\r\n", id="lip synchronisation group"),
        pytest.param(session(video("a=rtcp-mux-only", mux=False), bundle="1"), id="rtcp-mux-only alone"),
        pytest.param(
            session(video(), bundle="1").replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), id="old protocol name"
        ),
    ],
)
def test_accepts(text: str) -> None:
    assert negotiate(text).remote_ice.ufrag == "remo"


def test_unusable_fingerprints_are_dropped() -> None:
    weak = "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)
    cut = "a=fingerprint:sha-512 " + ":".join(["AB"] * 32)
    agreed = negotiate(session(video(), bundle="1", lines=(weak, cut, *TRANSPORT)))
    assert [f.algorithm for f in agreed.remote_fingerprints] == ["sha-256"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(session(), "no m-line", id="no media"),
        pytest.param(session(video(port=0)), "no m-line", id="all disabled"),
        pytest.param(session(audio(), video(), bundle=None), "BUNDLE", id="two m-lines without a group"),
        pytest.param(session(audio(), video(), bundle="0"), "BUNDLE", id="one of two outside of the group"),
        pytest.param(
            session(audio(mid=None), video(mid="0"), bundle="0"), "BUNDLE", id="no mid beside a group"
        ),
        pytest.param(session(video(), lines=(*TRANSPORT, "a=ice-lite")), "ICE-lite", id="two lite agents"),
        pytest.param(session(video(), lines=TRANSPORT[1:]), "ice-ufrag", id="no ufrag"),
        pytest.param(session(video(), lines=(ICE[0], *TRANSPORT[2:])), "ice-pwd", id="no password"),
        pytest.param(session(video(), lines=(*ICE, "a=setup:actpass")), "fingerprint", id="no fingerprint"),
        pytest.param(
            session(video(), lines=(*ICE, f"a=fingerprint:md5 {FINGERPRINT[8:55]}")),
            "fingerprint",
            id="MD5 only",
        ),
        pytest.param(session(video(), lines=(*NO_SETUP, "a=setup:holdconn")), "setup", id="holdconn"),
        pytest.param(session(video(), lines=(*NO_SETUP, "a=setup:both")), "setup", id="unknown setup"),
        pytest.param(session(video(mux=False)), "rtcp-mux", id="no rtcp-mux"),
        pytest.param(session(video()).replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "DTLS", id="plain RTP"),
    ],
)
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(Unacceptable, match=reason):
        negotiate(text)


@pytest.mark.parametrize(
    ("on_session", "on_audio", "on_video", "expected"),
    [
        (True, False, False, True),
        (False, True, True, True),
        (False, True, False, False),
        (False, False, False, False),
    ],
)
def test_mixed_extensions(on_session: bool, on_audio: bool, on_video: bool, expected: bool) -> None:
    mixed = ("a=extmap-allow-mixed",)
    text = session(
        audio(*mixed * on_audio), video(*mixed * on_video), lines=(*TRANSPORT, *mixed * on_session)
    )
    assert negotiate(text).extmap_allow_mixed is expected

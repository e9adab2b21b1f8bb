"""The agreed session as a value."""

from __future__ import annotations

from gateway.protocol.description import (
    DtlsRole,
    Fingerprint,
    IceCredentials,
    MediaKind,
    NegotiatedMedia,
    NegotiatedSession,
)

AUDIO = NegotiatedMedia(mid="0", kind=MediaKind.AUDIO)
REFUSED = NegotiatedMedia(mid="1", kind=MediaKind.VIDEO, rejected=True)
VIDEO = NegotiatedMedia(mid="2", kind=MediaKind.VIDEO)
DATA = NegotiatedMedia(mid="3", kind=None, rejected=True)


def session(*media: NegotiatedMedia) -> NegotiatedSession:
    return NegotiatedSession(
        media=media,
        remote_ice=IceCredentials("abcd", "not for anybody's eyes"),
        remote_fingerprints=(Fingerprint("sha-256", "AA:BB"),),
        dtls_role=DtlsRole.SERVER,
    )


def test_the_first_of_a_kind_is_the_first_accepted_one() -> None:
    agreed = session(DATA, REFUSED, AUDIO, VIDEO)
    assert agreed.first(MediaKind.VIDEO) is VIDEO
    assert agreed.first(MediaKind.AUDIO) is AUDIO


def test_a_kind_that_was_refused_or_never_offered_is_absent() -> None:
    assert session(AUDIO, REFUSED).first(MediaKind.VIDEO) is None
    assert session().first(MediaKind.AUDIO) is None


def test_the_ice_password_stays_out_of_logs() -> None:
    assert "eyes" not in repr(session(AUDIO))

"""What is asked before a session opens, and the streams that an answer announces."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.access.grants import Scope
from gateway.errors import NotFound, Unauthenticated
from gateway.protocol.description import MediaKind, NegotiatedMedia, NegotiatedSession, SignalledSsrc
from gateway.protocol.sdp import PlayPolicy, negotiate_play, parse
from gateway.signalling.opening import Doorkeeper, local_description, sender_streams
from tests.signalling_rig import ORDER, PLAY_OFFER, FakeLedger, FakePlane, grant

NEGOTIATED = negotiate_play(parse(PLAY_OFFER), PlayPolicy())


@pytest.mark.parametrize(
    ("order_id", "camera"),
    [("unknown", "main"), (ORDER, ""), (ORDER, ".."), (ORDER, "a b"), (ORDER, "x" * 65), ("../x", "main")],
)
async def test_unknown_orders_and_impossible_names_are_not_found(order_id: str, camera: str) -> None:
    ledger = FakeLedger()
    with pytest.raises(NotFound):
        await Doorkeeper(orders=ledger, ledger=ledger).check(grant(Scope.WATCH), order_id, camera)


async def test_an_ended_access_is_refused_before_the_order_is_looked_up() -> None:
    ledger = FakeLedger()
    ledger.gone.add("access-1")
    keeper = Doorkeeper(orders=ledger, ledger=ledger)
    with pytest.raises(Unauthenticated):
        await keeper.check(grant(Scope.WATCH, stream_id="access-1"), "unknown", "main")
    await keeper.check(grant(Scope.WATCH, stream_id="access-2"), ORDER, "main")


def test_each_answer_has_fresh_credentials() -> None:
    plane = FakePlane()
    first, second = local_description(plane), local_description(plane)
    assert first.ice != second.ice
    assert first.session_id != second.session_id
    assert first.candidates == plane.candidates


def test_one_stream_for_each_accepted_line_in_one_media_stream() -> None:
    streams = sender_streams(NEGOTIATED)
    assert list(streams) == [m.mid for m in NEGOTIATED.media if not m.rejected]
    assert len({s.msid for s in streams.values()}) == 1
    assert len({s.cname for s in streams.values()}) == 1
    assert len({s.track_id for s in streams.values()}) == len(streams)
    ssrcs = [ssrc for s in streams.values() for ssrc in (s.ssrc, s.rtx_ssrc) if ssrc is not None]
    assert len(set(ssrcs)) == len(ssrcs)
    assert all(0 < ssrc < 2**32 for ssrc in ssrcs)


def spoken(*media: NegotiatedMedia) -> NegotiatedSession:
    return replace(NEGOTIATED, media=media)


def line(mid: str, kind: MediaKind, *, outbound: bool = True, ssrcs: Sequence[int] = ()) -> NegotiatedMedia:
    announced = tuple(SignalledSsrc(ssrc, ssrc + 1) for ssrc in ssrcs)
    return NegotiatedMedia(mid, kind, outbound=outbound, ssrcs=announced)


def test_further_cameras_and_talkers_are_in_media_streams_of_their_own() -> None:
    mids = {"v1": MediaKind.VIDEO, "a1": MediaKind.AUDIO, "v2": MediaKind.VIDEO, "a2": MediaKind.AUDIO}
    streams = sender_streams(spoken(*(line(mid, kind) for mid, kind in mids.items())))
    assert streams["v1"].msid == streams["a1"].msid
    assert len({stream.msid for stream in streams.values()}) == 3
    assert len({stream.cname for stream in streams.values()}) == 1


def test_lines_on_which_we_receive_get_no_stream() -> None:
    talk = line("t", MediaKind.AUDIO, outbound=False)
    streams = sender_streams(spoken(talk, line("a", MediaKind.AUDIO), line("v", MediaKind.VIDEO)))
    assert list(streams) == ["a", "v"]
    assert streams["a"].msid == streams["v"].msid


def test_no_ssrc_of_the_offerer_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([6, 7, 8, 8, 9])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(drawn))
    talk = line("t", MediaKind.AUDIO, outbound=False, ssrcs=[7])
    streams = sender_streams(spoken(talk, line("a", MediaKind.AUDIO), line("v", MediaKind.VIDEO)))
    assert [stream.ssrc for stream in streams.values()] == [9, 10]


def test_a_retransmission_stream_only_where_it_was_negotiated() -> None:
    for media in NEGOTIATED.media:
        stream = sender_streams(NEGOTIATED)[media.mid]
        assert (stream.rtx_ssrc is not None) == any(c.rtx_payload_type is not None for c in media.codecs)


def test_rejected_lines_get_no_stream() -> None:
    rejected = replace(NEGOTIATED.media[0], rejected=True)
    rest = NEGOTIATED.media[1:]
    assert list(sender_streams(replace(NEGOTIATED, media=(rejected, *rest)))) == [m.mid for m in rest]

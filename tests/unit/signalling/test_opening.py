"""What is asked before a session opens, and the streams that an answer announces."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.access.grants import Scope
from gateway.errors import NotFound, Unauthenticated
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


def test_a_retransmission_stream_only_where_it_was_negotiated() -> None:
    for media in NEGOTIATED.media:
        stream = sender_streams(NEGOTIATED)[media.mid]
        assert (stream.rtx_ssrc is not None) == any(c.rtx_payload_type is not None for c in media.codecs)


def test_rejected_lines_get_no_stream() -> None:
    rejected = replace(NEGOTIATED.media[0], rejected=True)
    rest = NEGOTIATED.media[1:]
    assert list(sender_streams(replace(NEGOTIATED, media=(rejected, *rest)))) == [m.mid for m in rest]

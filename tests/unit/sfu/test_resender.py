"""What is sent again: the same bytes or as RTX, once a round trip, within a budget."""

from __future__ import annotations

import pytest

from gateway.protocol.rtp import parse_rtp
from gateway.sfu.resender import RESEND_AT_ONCE, RESEND_INTERVAL, RESEND_SHARE, TOO_LATE
from tests.unit.sfu.fakes import CM, GCM, Viewer, marks, vp8
from tests.unit.sfu.watching import watched

SIZE = 1_000


@pytest.mark.parametrize("profile", [GCM, CM])
def test_plain_retransmission_is_the_same_datagram_also_when_padded_and_none_is_of_a_former_layer(
    profile: int,
) -> None:
    studio, viewer, track = watched(profile)
    studio.send(vp8(1_001, size=998), vp8(1_002, size=1_000), vp8(1_003, size=400))
    assert studio.layer.cache.get(65_536 + 1_001).padding == 2  # type: ignore[union-attr]
    studio.now += 0.1
    studio.send(vp8(5, ssrc=0xBEEF, keyframe=True))  # the publisher begins anew under another ssrc
    studio.tick()
    studio.send(vp8(6, ssrc=0xBEEF, keyframe=True), vp8(7, ssrc=0xBEEF))
    sent = {int.from_bytes(d[2:4], "big"): d for d in studio.egress.datagrams(viewer.address)}
    assert len(sent) == 6
    former, current = list(sent)[:4], list(sent)[4:]
    track.resend(list(sent), studio.now)
    again = {int.from_bytes(d[2:4], "big"): d for d in viewer.resent()}
    assert again == {number: sent[number] for number in current}
    assert viewer.drops == {"nack_former_layer": len(former)}
    assert marks(viewer.received(studio.egress)) == [1_000, 1_001, 1_002, 1_003, 6, 7]


def test_a_mended_packet_is_not_resent_before_its_padding_is_fixed() -> None:
    studio, viewer, track = watched()
    studio.send(vp8(1_002, size=1_000))
    lost = track.newest_out() - 1
    studio.publisher.on_rtp(vp8(1_001, size=998), studio.now, studio.wall)
    studio.publisher.on_rtp(vp8(1_003, size=1_000), studio.now, studio.wall)
    track.resend([lost & 0xFFFF], studio.now)
    assert viewer.resent() == []
    studio.flush()
    (first,) = [
        d for d in studio.egress.datagrams(viewer.address) if d[2:4] == (lost & 0xFFFF).to_bytes(2, "big")
    ]
    track.resend([lost & 0xFFFF], studio.now)
    assert viewer.resent() == [first]


def test_rtx_names_the_original_number_and_counts_its_own() -> None:
    studio, viewer, track = watched(rtx_ssrc=0xABC)
    studio.send(vp8(1_001, size=998, marker=True), vp8(1_002, size=1_000))
    got = viewer.received(studio.egress)
    track.resend([packet.sequence_number for packet in got], studio.now)
    again = [parse_rtp(packet) for packet, _ in viewer.link.rtp]
    assert [p.payload for p in again] == [p.sequence_number.to_bytes(2, "big") + p.payload for p in got]
    assert {(p.ssrc, p.payload_type) for p in again} == {(0xABC, 97)}
    assert [(p.marker, p.timestamp) for p in again] == [(p.marker, p.timestamp) for p in got]
    indices = [index for _, index in viewer.link.rtp]
    assert indices == list(range(indices[0], indices[0] + 3))
    assert [p.sequence_number for p in again] == [index & 0xFFFF for index in indices]
    assert track._resender.count == 3


def test_what_was_never_sent_is_not_resent() -> None:
    studio, viewer, track = watched()
    newest = track.newest_out()
    track.resend([newest + 1 & 0xFFFF, newest - 1 & 0xFFFF, newest + 30_000 & 0xFFFF], studio.now)
    assert viewer.link.rtp == []
    assert viewer.drops["nack_not_cached"] == 3
    fresh = Viewer().down_track()
    fresh.resend([0, 1, 65_535], studio.now)
    assert fresh.drops["nack_not_cached"] == 3


def test_a_packet_is_resent_once_a_round_trip() -> None:
    studio, viewer, track = watched()
    lost = [track.newest_out() & 0xFFFF]
    for wait, resent in ((0.0, 1), (RESEND_INTERVAL / 2, 0), (RESEND_INTERVAL, 1)):
        studio.now += wait
        track.resend(lost, studio.now)
        assert len(viewer.resent()) == resent


def test_a_viewer_who_asks_for_everything_has_a_budget() -> None:
    studio, viewer, track = watched()
    for sequence in range(1_001, 1_601):
        studio.send(vp8(sequence, size=SIZE))
    everything = [number & 0xFFFF for number in range(track.newest_out() - 599, track.newest_out() + 1)]
    track.transport.estimator.estimate = 1.0
    track.resend(everything, studio.now)
    assert len(viewer.resent()) == RESEND_AT_ONCE / SIZE
    assert viewer.drops["nack_over_budget"] == 1


def test_resending_takes_its_share_of_a_full_link_and_no_more() -> None:
    studio, viewer, track = watched()
    track.transport.estimator.estimate = 400_000.0
    octets = 0
    for turn in range(200):
        studio.now += 0.05
        studio.send(*(vp8(1_001 + 100 * turn + more, size=SIZE) for more in range(100)))
        newest = track.newest_out()
        track.resend([number & 0xFFFF for number in range(newest - 99, newest + 1)], studio.now)
        octets += sum(len(packet) for packet in viewer.resent())
    assert octets <= 1.1 * (RESEND_AT_ONCE + 10 * RESEND_SHARE * 400_000 / 8)
    assert octets >= 0.9 * 10 * RESEND_SHARE * 400_000 / 8
    assert len(track._resender._resent) <= 1_200


def test_what_is_too_late_for_any_player_is_not_resent() -> None:
    studio, viewer, track = watched()
    lost = [track.newest_out() & 0xFFFF]
    track.resend(lost, studio.now + TOO_LATE + 0.1)
    assert viewer.resent() == []
    assert viewer.drops["nack_too_late"] == 1

"""Bursts: how they are cut, what each viewer gets of them, and that nobody pays for another's trouble."""

from __future__ import annotations

import errno
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol import extensions
from gateway.sfu.down_track import DownTrack
from gateway.sfu.fanout import (
    CM_TAG_SIZE,
    GCM_TAG_SIZE,
    MAX_BURST_BYTES,
    cut_into_runs,
    fan_out,
)
from gateway.sfu.packet import MediaPacket, even_out
from gateway.sfu.sublayer import Whole
from gateway.sfu.view import Profile, View
from tests.unit.sfu.fakes import CM, GCM, LEVEL_ID, FakeEgress, Viewer, lone_layer, marks, media_packet


def whole(profile: Profile) -> View:
    """All of a layer in this shape."""
    return View(profile, Whole())


PLAIN = whole(Profile(96, (), gcm=True))
FIRST = 70_000


def burst(*sizes: int, **more: object) -> list[MediaPacket]:
    return [media_packet(FIRST + place, size, **more) for place, size in enumerate(sizes)]


def playing(viewer: Viewer, view: View, ssrc: int = 0xD0D0) -> DownTrack:
    """A down track that is fed from FIRST on."""
    down_track = viewer.down_track(ssrc=ssrc)
    down_track.begin(lone_layer(), view, media_packet(FIRST))
    return down_track


@pytest.mark.parametrize(
    ("sizes", "runs"),
    [
        ([], []),
        ([100], [1]),
        ([100, 100, 100], [3]),
        ([100, 100, 50], [3]),
        ([100, 50, 50], [2, 1]),
        ([100, 50, 100], [2, 1]),
        ([50, 100, 100], [1, 2]),
        ([100] * 64, [64]),
        ([100] * 65, [64, 1]),
        ([1_200] * 60, [52, 8]),
    ],
)
def test_runs_have_equal_sizes_but_for_a_shorter_last(sizes: list[int], runs: list[int]) -> None:
    slots = [PLAIN.lay_out(packet) for packet in burst(*sizes)]
    assert [len(run) for run in cut_into_runs(slots, GCM_TAG_SIZE, 64)] == runs


@given(
    sizes=st.lists(st.integers(15, 1_300), max_size=200),
    overhead=st.sampled_from([GCM_TAG_SIZE, CM_TAG_SIZE]),
    segments=st.sampled_from([1, 2, 64]),
)
@settings(max_examples=60, deadline=None)
def test_every_run_is_one_legal_datagram_burst(sizes: list[int], overhead: int, segments: int) -> None:
    slots = [PLAIN.lay_out(packet) for packet in burst(*sizes)]
    runs = cut_into_runs(slots, overhead, segments)
    assert [slot for run in runs for slot in run] == slots
    for run in runs:
        wire = [slot.size + overhead for slot in run]
        assert len(run) <= segments
        assert sum(wire) <= MAX_BURST_BYTES
        assert len(set(wire[:-1])) <= 1
        assert wire[-1] <= wire[0]


@pytest.mark.parametrize("srtp", [GCM, CM])
@pytest.mark.parametrize("max_segments", [64, 1])
def test_each_viewer_gets_every_packet_with_numbers_of_its_own(srtp: int, max_segments: int) -> None:
    egress = FakeEgress(max_segments)
    view = whole(Profile(100, (), gcm=srtp is GCM))
    viewers = [Viewer(srtp) for _ in range(3)]
    tracks = [playing(viewer, view, ssrc=place) for place, viewer in enumerate(viewers)]
    packets = burst(*[1_000] * 69, 998, 1_000, 500, marker=True)
    even_out(packets)
    fan_out(packets, view, tracks, egress)
    calls = len(egress.calls) // len(viewers)
    assert calls == (2 if max_segments == 64 else 72)
    for place, viewer in enumerate(viewers):
        got = viewer.received(egress)
        assert marks(got) == [packet.index for packet in packets]
        assert [packet.payload for packet in got] == [packet.payload for packet in packets]
        assert {packet.ssrc for packet in got} == {place}
        assert {(packet.payload_type, packet.marker) for packet in got} == {(100, True)}
        first = got[0]
        assert [p.sequence_number - first.sequence_number for p in got] == list(range(72))
        steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(got)}
        assert steps == {3_000}
    assert len({track.sequence_offset for track in tracks}) > 1


@pytest.mark.parametrize("size", [990, 1_003, 1_010, 1_011])
def test_a_full_burst_of_cm_packets_fits_into_a_datagram_with_its_tags(size: int) -> None:
    egress, viewer = FakeEgress(), Viewer(CM)
    view = whole(Profile(96, (), gcm=False))
    fan_out(burst(*[size] * 130), view, [playing(viewer, view)], egress)
    assert len(viewer.received(egress)) == 130


def test_what_srtp_refuses_is_counted_and_the_rest_of_the_run_goes_out() -> None:
    egress, viewer, view = FakeEgress(), Viewer(CM), whole(Profile(96, (), gcm=False))
    track = playing(viewer, view)
    track.sequence_offset = (1 << 48) - FIRST - 2  # the key ends in the middle of the burst
    fan_out(burst(600, 600, 600, 500), view, [track], egress)
    ((_, cut),) = egress.calls
    assert [len(datagram) for datagram in cut] == [622, 622]
    assert viewer.drops == {"srtp_protect_exhausted": 2}


def test_one_viewer_with_impossible_numbers_leaves_the_others_alone() -> None:
    egress, view = FakeEgress(), whole(Profile(96, (), gcm=False))
    lost, fine = Viewer(CM), Viewer(CM)
    tracks = [playing(lost, view), playing(fine, view)]
    tracks[0].sequence_offset = 1 << 48
    fan_out(burst(600, 600), view, tracks, egress)
    assert lost.received(egress) == []
    assert lost.drops == {"srtp_protect_exhausted": 2}
    assert len(fine.received(egress)) == 2


@pytest.mark.parametrize("srtp", [GCM, CM])
def test_a_refused_burst_is_handed_over_whole_and_the_sweep_goes_on(srtp: int) -> None:
    egress, view = FakeEgress(), whole(Profile(96, (), gcm=srtp is GCM))
    away, here = Viewer(srtp), Viewer(srtp)
    tracks = [playing(away, view), playing(here, view)]
    error = egress.refusing[away.address] = OSError(errno.EIO, "no offload")
    fan_out(burst(600, 600, 500), view, tracks, egress)
    ((refused, sent, segment, address),) = egress.refusals
    assert (refused, address) == (error, away.address)
    cut = [sent[start : start + segment] for start in range(0, len(sent), segment)]
    assert [len(away.inbound.unprotect_rtp(datagram)) for datagram in cut] == [612, 612, 512]
    assert len(here.received(egress)) == 3


def test_extensions_are_renumbered_for_each_profile_and_others_left_out() -> None:
    egress = FakeEgress()
    packets = burst(100, tags={LEVEL_ID: b"\x85", 9: b"hop"})
    for ours, theirs in ((LEVEL_ID, 1), (LEVEL_ID, 14), (LEVEL_ID, 200)):
        viewer, view = Viewer(), whole(Profile(96, ((ours, theirs), (8, 3)), gcm=True))
        fan_out(packets, view, [playing(viewer, view)], egress)
        assert [dict(p.extensions) for p in viewer.received(egress)] == [{theirs: b"\x85"}]
    for view in (PLAIN, whole(Profile(96, ((8, 3),), gcm=True))):
        viewer = Viewer()
        fan_out(packets, view, [playing(viewer, view)], egress)
        assert [dict(p.extensions) for p in viewer.received(egress)] == [{}]
    assert extensions.AUDIO_LEVEL in lone_layer().track.media.extensions


@pytest.mark.parametrize("srtp", [GCM, CM])
@pytest.mark.parametrize("padding", [0, 1, 8])
def test_a_slot_written_again_encrypts_to_the_very_same_datagram(srtp: int, padding: int) -> None:
    egress, viewer = FakeEgress(), Viewer(srtp)
    view = whole(Profile(96, ((LEVEL_ID, 3),), gcm=srtp is GCM))
    track = playing(viewer, view)
    (packet,) = burst(100, tags={LEVEL_ID: b"\x85"})
    packet.padding = padding
    fan_out([packet], view, [track], egress)
    (sent,) = egress.datagrams(viewer.address)
    out = packet.index + track.sequence_offset
    again = view.lay_out(packet).packet(out, track.timestamp_offset, track.ssrc, track.transport)
    assert viewer.outbound.protect_rtp(again, out) == sent

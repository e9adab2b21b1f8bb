"""Transport-wide sequence numbers on the way out, and what becomes of the answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia
from gateway.protocol.rtcp import ReceiverReport, ReceptionReport, Remb
from gateway.protocol.rtp import parse_rtp
from gateway.protocol.srtp import SrtpProfile
from gateway.protocol.twcc import TransportCcReceiver
from gateway.sfu.viewer_transport import START, ViewerTransport
from tests.unit.sfu.fakes import CM, GCM, Studio, Viewer, sender, video_media, vp8

TRANSPORT_ID = 7
CODEC = Codec(MediaKind.VIDEO, "VP8", 96, 90_000, feedback=frozenset({"transport-cc"}), rtx_payload_type=97)


def numbered_media(codec: Codec = CODEC) -> NegotiatedMedia:
    return replace(video_media([codec]), extensions={extensions.TRANSPORT_CC: TRANSPORT_ID})


def numbers(viewer: Viewer, studio: Studio) -> list[int]:
    got = viewer.received(studio.egress)
    return [int.from_bytes(packet.extensions[TRANSPORT_ID], "big") for packet in got]


@pytest.mark.parametrize("srtp", [GCM, CM])
def test_every_packet_bears_the_viewers_next_number(srtp: SrtpProfile) -> None:
    studio, viewer = Studio(), Viewer(srtp)
    studio.send(vp8(1_000, keyframe=True))
    studio.tick()
    track = viewer.down_track(numbered_media())
    studio.video.add_down_track(track, studio.now)
    track.transport.sequence = 0x1FFFE
    studio.send(vp8(1_001, keyframe=True), vp8(1_002), vp8(1_003, tags={4: b"x" * 20}))
    studio.send(vp8(1_004))
    assert numbers(viewer, studio) == [0xFFFE, 0xFFFF, 0, 1]
    assert track.transport.sequence == 0x20002


@pytest.mark.parametrize(
    "codec",
    [replace(CODEC, rtx_payload_type=None), replace(CODEC, feedback=frozenset())],
    ids=["no rtx: a plain retransmission must be the same bytes", "not negotiated"],
)
def test_no_numbers_where_they_cannot_be_used(codec: Codec) -> None:
    assert Viewer().down_track(numbered_media(codec)).transport_cc == 0


def test_a_retransmission_bears_a_number_of_its_own() -> None:
    studio, viewer = Studio(), Viewer()
    studio.send(vp8(1_000, keyframe=True))
    studio.tick()
    track = viewer.down_track(numbered_media(), rtx_ssrc=0xF00)
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(1_001, keyframe=True))
    (first,) = numbers(viewer, studio)
    track.resend([track.newest_out() & 0xFFFF], studio.now)
    assert track.probe(cluster=1, size=200, now=studio.now)
    again = [parse_rtp(packet) for packet, _ in viewer.link.rtp]
    assert [p.payload_type for p in again] == [97, 97]
    assert [int.from_bytes(p.extensions[TRANSPORT_ID], "big") for p in again] == [first + 1, first + 2]


@pytest.mark.parametrize(("size", "length"), [(200, 200), (355, 355), (1_200, 355)])
def test_a_probe_has_the_size_that_was_planned_as_far_as_padding_goes(size: int, length: int) -> None:
    studio, viewer = Studio(), Viewer()
    studio.send(vp8(1_000, keyframe=True))
    studio.tick()
    track = viewer.down_track(numbered_media(), rtx_ssrc=0xF00)
    studio.video.add_down_track(track, studio.now)
    studio.send(vp8(1_001, keyframe=True))
    assert track.probe(cluster=1, size=size, now=studio.now)
    ((probe, _),) = viewer.link.rtp
    headers = len(probe) - len(parse_rtp(probe).payload) - (probe[-1] if probe[0] & 0x20 else 0)
    assert len(probe) - headers - 2 == length


def test_nothing_to_probe_with_is_said() -> None:
    track = Viewer().down_track(numbered_media(), rtx_ssrc=0xF00)
    assert not track.probe(cluster=1, size=1_200, now=0.0)


def test_feedback_moves_the_estimate() -> None:
    transport = ViewerTransport()
    assert transport.estimator.estimate == START
    transport.estimator.on_remb(300_000, 1.0)
    assert transport.estimator.estimate <= START


def test_a_subscriber_spends_what_its_viewer_reports() -> None:
    studio, viewer = Studio(), Viewer()
    studio.send(vp8(1_000, keyframe=True))
    subscriber = viewer.subscriber(numbered_media())
    subscriber._senders = {"v": sender("v", 0x1000, 0x1001)} | dict(subscriber._senders)
    subscriber.play(studio.publisher, studio.now)
    subscriber.connect(viewer.link, viewer.outbound, viewer.address, studio.now)
    (track,) = subscriber.down_tracks
    studio.tick()
    studio.send(vp8(1_001, keyframe=True))
    receiver = TransportCcReceiver(1, track.ssrc)
    for turn in range(20):
        studio.send(vp8(1_002 + turn))
        for number in numbers(viewer, studio):
            receiver.add(number, studio.now)
        studio.tick(0.1)
        while (feedback := receiver.build(studio.now)) is not None:
            subscriber.on_rtcp(feedback, studio.now, studio.wall)
    assert track.transport.estimator.rtt is not None
    assert track.budget == track.transport.estimator.estimate
    report = ReceptionReport(track.ssrc, 255, 100, 0, 0, 0, 0)
    subscriber.on_rtcp(ReceiverReport(1, (report,)).encode(), studio.now, studio.wall)
    assert track.fraction_lost == pytest.approx(1.0, abs=0.01)
    subscriber.on_rtcp(Remb(1, 100_000, (track.ssrc,)).encode(), studio.now, studio.wall)
    assert track.budget <= START

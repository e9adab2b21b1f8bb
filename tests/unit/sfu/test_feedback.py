"""What a publisher hears, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.protocol import extensions
from gateway.protocol.rtcp import (
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    Remb,
    SourceDescription,
    TransportFeedback,
    parse_rtcp,
)
from gateway.sfu.feedback import REPORT_INTERVAL, TWCC_INTERVAL
from gateway.sfu.publisher import TICK
from tests.unit.sfu.fakes import TWCC_ID, VP8, Studio, Viewer, opus, video_media, vp8

TICKS = round(1.0 / TICK)


def with_feedback(*values: str) -> Studio:
    codec = replace(VP8, feedback=frozenset(values))
    return Studio(video_media([codec], extensions={extensions.TRANSPORT_CC: TWCC_ID}))


def run(studio: Studio, seconds: float) -> None:
    for _ in range(round(seconds / TICK)):
        studio.tick(TICK)


def test_nothing_is_reported_before_media() -> None:
    studio = Studio()
    run(studio, 3.0)
    assert studio.link.compounds == []


def test_missing_packets_are_asked_for_alone_not_in_a_compound() -> None:
    studio = with_feedback("nack")
    studio.send(vp8(1, keyframe=True), vp8(4), vp8(5), vp8(30))
    studio.tick()
    (nack,) = [c for c in studio.link.compounds if isinstance(parse_rtcp(c)[0], Nack)]
    (packet,) = parse_rtcp(nack)
    assert packet == Nack(packet.sender_ssrc, 0x5EED, (2, 3, *range(6, 30)))


@pytest.mark.parametrize("values", [(), ("nack pli",), ("transport-cc",)])
def test_no_retransmission_is_asked_for_where_none_was_negotiated(values: tuple[str, ...]) -> None:
    studio = with_feedback(*values)
    studio.send(vp8(1, keyframe=True), vp8(4))
    run(studio, 1.0)
    assert studio.link.rtcp(Nack) == []


@pytest.mark.parametrize(("watched", "requests"), [(True, 1), (False, 0)])
def test_a_packet_given_up_needs_a_keyframe_if_somebody_watches(watched: bool, requests: int) -> None:
    studio = with_feedback("nack", "nack pli")
    studio.send(vp8(1, keyframe=True))
    studio.tick()
    if watched:
        studio.video.add_down_track(Viewer().down_track(), studio.now)
    studio.send(vp8(2, keyframe=True))
    studio.link.take_rtcp()
    studio.send(vp8(4))
    run(studio, 0.95)
    assert len(studio.link.rtcp(Nack)) == 4
    assert len(studio.link.rtcp(PictureLossIndication)) == requests


def test_where_nothing_can_be_asked_for_again_a_gap_needs_a_keyframe_at_once() -> None:
    studio = with_feedback("nack pli")
    studio.send(vp8(1, keyframe=True))
    studio.tick()
    studio.video.add_down_track(Viewer().down_track(), studio.now)
    studio.send(vp8(2, keyframe=True))
    run(studio, 1.1)
    studio.link.take_rtcp()
    studio.send(vp8(4))
    run(studio, 0.1)
    assert studio.link.rtcp(Nack) == []
    assert len(studio.link.rtcp(PictureLossIndication)) == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("nack pli", "ccm fir"), PictureLossIndication),
        (("ccm fir",), FullIntraRequest),
        ((), PictureLossIndication),
    ],
)
def test_keyframes_are_asked_for_once_a_second_as_negotiated(values: tuple[str, ...], kind: type) -> None:
    studio = with_feedback(*values)
    studio.send(vp8(1, keyframe=True))
    studio.tick()
    for _ in range(20):
        studio.video.add_down_track(Viewer().down_track(), studio.now)
    run(studio, 2.9)
    requests = studio.link.rtcp(kind)
    assert len(requests) == 3
    if kind is FullIntraRequest:
        assert [request.entries for request in requests] == [((0x5EED, n),) for n in (1, 2, 3)]
    else:
        assert {request.media_ssrc for request in requests} == {0x5EED}
    studio.send(vp8(2, keyframe=True))
    run(studio, 3.0)
    assert len(studio.link.rtcp(kind)) == 3


def test_receiver_reports_come_once_a_second_with_a_source_description() -> None:
    studio = Studio()
    studio.send(vp8(1, keyframe=True), opus(1))
    run(studio, 3.0)
    reports = studio.link.rtcp(ReceiverReport)
    assert len(reports) == round(3.0 / REPORT_INTERVAL)
    assert [report.ssrc for report in reports[0].reports] == [0x5EED, 0x5EED + 1]
    (source, *_) = studio.link.rtcp(SourceDescription)
    assert list(source.chunks) == [reports[0].ssrc]
    assert studio.link.rtcp(Remb) == []


def test_transport_feedback_every_hundred_milliseconds_while_media_comes() -> None:
    studio = with_feedback("transport-cc", "goog-remb")
    for sequence in range(TICKS):
        studio.send(vp8(sequence, tags={TWCC_ID: sequence.to_bytes(2, "big")}))
        studio.tick(TICK)
    feedback = studio.link.rtcp(TransportFeedback)
    assert len(feedback) == pytest.approx(1.0 / TWCC_INTERVAL, abs=2)
    told = [a for packet in feedback for a in packet.arrivals if a is not None]
    assert len(told) >= TICKS - 6
    count = len(feedback)
    run(studio, 1.0)
    assert len(studio.link.rtcp(TransportFeedback)) <= count + 1
    assert studio.link.rtcp(Remb) == [], "one congestion control is enough"


def test_remb_where_only_that_is_offered() -> None:
    studio = with_feedback("goog-remb")
    for tick in range(4 * TICKS):
        studio.send(*(vp8(8 * tick + n, size=1_200) for n in range(8)))
        studio.tick(TICK)
    grants = studio.link.rtcp(Remb)
    assert len(grants) == 4
    assert grants[-1].bitrate > grants[0].bitrate == 1_500_000
    assert grants[-1].ssrcs == (0x5EED,)

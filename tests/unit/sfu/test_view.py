"""How packets look to a group of viewers, and how views follow each other."""

from __future__ import annotations

from gateway.protocol.codecs import vp8
from gateway.protocol.codecs.pictures import Picture, picture_numbering
from gateway.protocol.rtp import parse_rtp
from gateway.sfu.packet import MediaPacket
from gateway.sfu.sublayer import TemporalSublayer, Whole
from gateway.sfu.view import Profile, Slot, View
from gateway.sfu.viewer_transport import ViewerTransport
from tests.unit.sfu.fakes import media_packet
from tests.unit.sfu.temporal import picture

PROFILE = Profile(96, (), gcm=True)
NUMBERING = picture_numbering("VP8", 0, parse_rtp(picture(1, 1)))


def packet(index: int, number: int, temporal: int = 0, tl0: int = 0) -> MediaPacket:
    assert NUMBERING is not None
    rtp = parse_rtp(picture(index, number, temporal, tl0=tl0))
    return MediaPacket(rtp, index, False, 0.0, NUMBERING.read(rtp))


def numbers(slot: Slot) -> tuple[int | None, int | None]:
    found = vp8.parse_descriptor(slot.payload)
    assert found is not None
    return found.picture_id, found.tl0picidx


def test_without_a_shift_the_payload_is_the_publishers_own() -> None:
    view, sent = View(PROFILE, Whole(), NUMBERING), packet(5, 100)
    assert view.lay_out(sent).payload is sent.payload
    assert view.picture(sent) == sent.picture


def test_numbers_are_shifted_on_their_circles() -> None:
    view = View(PROFILE, Whole(), NUMBERING, pictures=5, tl0=3)
    assert numbers(view.lay_out(packet(5, 32_766, tl0=254))) == (3, 1)
    seen = view.picture(packet(5, 32_766, tl0=254))
    assert seen is not None
    assert (seen.number, seen.tl0) == (3, 1)


def test_views_are_equal_where_their_viewers_can_share_a_burst() -> None:
    sublayer = Whole()
    assert View(PROFILE, sublayer, NUMBERING, 5, 3) == View(PROFILE, sublayer, None, 5, 3)
    assert View(PROFILE, sublayer) != View(PROFILE, Whole())
    assert View(PROFILE, sublayer) != View(PROFILE, sublayer, pictures=1)


def test_it_goes_on_after_the_picture_that_was_seen_last() -> None:
    plain, sent = View(PROFILE, Whole(), NUMBERING), packet(9, 700, tl0=40)
    view = plain.continuing(Picture(32_767, 15, 255, 2, 0), sent)
    assert numbers(view.lay_out(sent)) == (0, 0)
    assert numbers(view.lay_out(packet(10, 701, tl0=41))) == (1, 1)
    assert plain.continuing(None, sent) is plain


def test_another_view_of_the_same_layer_goes_on_with_the_same_numbers() -> None:
    sublayer = TemporalSublayer(0, 1)
    thinned = View(PROFILE, sublayer, NUMBERING, pictures=1_000, tl0=7)
    sent = [packet(1, 10, 0), packet(2, 11, 1), packet(3, 12, 1), packet(4, 13, 0, tl0=1)]
    for x in sent:
        sublayer.take(x)
    assert [numbers(slot) for slot in thinned.lay_out_all(sent)] == [(1_010, 7), (1_011, 8)]
    coming = packet(5, 14, 1, tl0=1)
    whole = View(PROFILE, Whole(), NUMBERING).resembling(thinned, coming)
    assert numbers(whole.lay_out(coming)) == (1_012, 8)


def test_what_came_too_late_to_be_left_out_is_empty() -> None:
    sublayer = TemporalSublayer(0, 1)
    late = packet(1, 10, 1)
    sublayer.take(packet(2, 11, 0))
    sublayer.take(late)
    slot = View(PROFILE, sublayer, NUMBERING).lay_out(late)
    assert (slot.media, slot.index) == (b"", 1)
    parsed = parse_rtp(slot.packet(slot.index, 0, 1, ViewerTransport()))
    assert parsed.payload == b""


def test_packets_without_numbers_have_none_to_shift() -> None:
    view, sent = View(PROFILE, Whole(), None, pictures=5), media_packet(3)
    assert view.picture(sent) is None
    assert view.lay_out(sent).payload is sent.payload
    assert view.resembling(view, sent) is view

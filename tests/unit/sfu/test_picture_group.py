"""What of a layer is kept for those who join."""

from __future__ import annotations

from gateway.sfu.packet_cache import NOTHING, PacketCache
from gateway.sfu.picture_group import LONGEST_GROUP, PictureGroup
from tests.unit.sfu.fakes import Studio, media_packet, video_media, vp8


def note(group: PictureGroup, cache: PacketCache, index: int, at: float, *, keyframe: bool = False) -> None:
    packet = media_packet(index, keyframe=keyframe, arrival=at)
    cache.add(packet)
    group.note(packet)


def test_a_group_is_kept_from_its_first_packet_in_any_order() -> None:
    cache = PacketCache()
    group = PictureGroup(cache)
    second = media_packet(11, timestamp=5, keyframe=True)
    first = media_packet(10, timestamp=5, keyframe=True)
    for packet in (second, first):
        cache.add(packet)
        group.note(packet)
    assert (group.start, cache.keep_from) == (10, 11)
    note(group, cache, 12, 0.1)
    assert group.octets == 300


def test_a_group_that_lasts_too_long_is_let_go() -> None:
    cache = PacketCache()
    group = PictureGroup(cache)
    note(group, cache, 1, 0.0, keyframe=True)
    for second in range(1, int(LONGEST_GROUP) + 1):
        note(group, cache, 1 + second, float(second))
    assert 1 in cache
    note(group, cache, 100, LONGEST_GROUP + 0.5)
    assert cache.keep_from == NOTHING
    note(group, cache, 101, LONGEST_GROUP + 0.6)
    assert 1 not in cache


def test_the_configured_bound_holds_whatever_is_sent() -> None:
    studio = Studio(video_media(), layer_cache=20_000)
    studio.send(vp8(1, keyframe=True, size=1_000))
    for number in range(2, 200):
        studio.send(vp8(number, size=1_000))
    assert sum(len(packet.payload) for packet in studio.layer.cache) <= 20_000

from __future__ import annotations

from gateway.sfu.packet_cache import HORIZON, NOTHING, PacketCache
from tests.unit.sfu.fakes import media_packet


def test_packets_are_found_for_at_least_two_seconds_and_leave_by_age() -> None:
    cache = PacketCache()
    for index in range(100):
        cache.add(media_packet(index, arrival=index * 0.1))
    newest = 99 * 0.1
    assert HORIZON >= 2.0
    assert all(index in cache for index in range(100) if newest - index * 0.1 <= 2.0)
    assert 0 not in cache
    assert cache.get(0) is None
    found = cache.get(99)
    assert found is not None
    assert found.index == 99
    assert len(cache) == len(list(cache)) <= HORIZON * 10 + 1


def test_a_fast_stream_is_bounded_by_size() -> None:
    size = len(media_packet(0).payload)
    cache = PacketCache(capacity=50 * size)
    cache.keep_from = 0
    for index in range(500):
        cache.add(media_packet(index))
    assert [packet.index for packet in cache] == list(range(450, 500))


def test_a_group_of_pictures_outlives_the_horizon() -> None:
    cache = PacketCache()
    cache.keep_from = 5
    for index in range(200):
        cache.add(media_packet(index, arrival=index / 10))
    assert [packet.index for packet in cache] == list(range(5, 200))
    cache.keep_from = NOTHING
    cache.add(media_packet(200, arrival=20.0))
    assert next(iter(cache)).index == 170


def test_a_pause_leaves_the_newest_packet_only() -> None:
    cache = PacketCache()
    cache.add(media_packet(1, arrival=0.0))
    cache.add(media_packet(2, arrival=0.0))
    cache.add(media_packet(3, arrival=100.0))
    assert [packet.index for packet in cache] == [3]

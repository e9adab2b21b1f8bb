"""The lean loop: one epoll set for all viewers of a process, one read a socket and turn.

What comes in order, the rule, is counted here from the first and the last header of a read; nothing is
copied, no object made, no method of ours called. All else goes to `Viewer.datagrams`. The packets of a read
are consecutive segments of one train, as the kernel never joins others; so first and last tell of all.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import time
from struct import Struct
from typing import Final

from loadtest.engine.meter import FINE, Meter
from loadtest.engine.track import MARKER, STABLE
from loadtest.engine.viewer import Viewer

EVENTS_A_TURN: Final = 256
"""Sockets read before timers and handshakes get their turn: about two milliseconds of work."""
BEAT: Final = 0.1
"""Seconds between two transport-wide feedbacks of one viewer."""
SLICES: Final = 20
"""Parts into which viewers are divided, so that beats come evenly."""

_BUFFER: Final = 65_536
_ANCILLARY: Final = 64
_SO_TIMESTAMPNS: Final = 35
_UDP_GRO: Final = 104
_NEXT: Final = STABLE & 0xFFFF0000
_SHORTEST: Final = 20
"""Bytes of the shortest packet that is counted here; all of its header fields are there."""
_MILLISECOND_PARTS: Final = 1_000 * FINE

_read_time = Struct("@qq").unpack
_read_size = Struct("@i").unpack_from
_read_header = Struct("!IIII").unpack_from
_read_number = Struct("!BH").unpack_from


class Reader:
    """Reads for all viewers that were added, and gives each its beat."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._epoll = select.epoll()
        self._viewers: dict[int, Viewer] = {}
        self._slices: list[dict[int, Viewer]] = [{} for _ in range(SLICES)]
        self._turn = 0
        self._troubled: set[Viewer] = set()
        self._buffer = bytearray(_BUFFER)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._read)
        self._next = self._loop.time()
        self._timer = self._loop.call_later(BEAT / SLICES, self._beat)

    def add(self, viewer: Viewer) -> None:
        """From now on the viewer's socket is read here."""
        assert viewer.link.socket is not None
        number = viewer.link.socket.fileno()
        self._viewers[number] = viewer
        min(self._slices, key=len)[number] = viewer
        self._epoll.register(number, select.EPOLLIN)

    def remove(self, viewer: Viewer) -> None:
        """Before the viewer's socket is closed, or after. May be called again."""
        for number in [number for number, other in self._viewers.items() if other is viewer]:
            del self._viewers[number]
            for part in self._slices:
                part.pop(number, None)
            with contextlib.suppress(OSError):  # closed already, which takes it out of the set
                self._epoll.unregister(number)
        self._troubled.discard(viewer)

    def close(self) -> None:
        """Stop reading."""
        self._timer.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _beat(self) -> None:
        now = time.time()
        for viewer in tuple(self._troubled):
            viewer.mend(now)
            if not any(track.missing for track in viewer.tracks.values()):
                self._troubled.discard(viewer)
        self._turn = (self._turn + 1) % SLICES
        for viewer in tuple(self._slices[self._turn].values()):
            viewer.beat(now)
        self._next = max(self._next + BEAT / SLICES, self._loop.time())
        self._timer = self._loop.call_at(self._next, self._beat)

    def _read(self) -> None:
        viewers, buffer, gaps = self._viewers, self._buffer, self._meter.gap
        buffers = (buffer,)
        oldest = begun = time.time()
        packets = octets = 0
        for number, _ in self._epoll.poll(0, EVENTS_A_TURN):
            viewer = viewers.get(number)
            if viewer is None:
                continue
            try:
                size, ancillary, _, _ = viewer.recvmsg_into(buffers, _ANCILLARY)
            except OSError:
                continue  # nothing there after all, or an ICMP answer to something sent earlier
            segment, at = size, begun
            for _, kind, value in ancillary:
                if kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _read_time(value)
                    at = seconds + nanoseconds * 1e-9
                elif kind == _UDP_GRO:
                    segment = _read_size(value)[0]
            if at < oldest:
                oldest = at
            start, stop = 0, size
            while start < size:
                # A run: packets of one picture, or of sound; the last of them begins at `last`.
                more = (stop - start - 1) // segment
                last = start + more * segment
                if stop - last < _SHORTEST:
                    break
                word, timestamp, ssrc, shape = _read_header(buffer, start)
                track = viewer.tracks.get(ssrc)
                if track is None or not track.steady or word & STABLE != track.expected:
                    break
                if more:
                    first = word
                    word, last_timestamp, last_ssrc, shape = _read_header(buffer, last)
                    if last_ssrc != ssrc or last_timestamp != timestamp:
                        stop = last
                        continue
                    if word - first & 0xFFFF != more:
                        break
                place = track.place
                arrivals = viewer.arrivals
                if place and arrivals is not None:
                    element, number = _read_number(buffer, last + place)
                    if shape != track.shape or element != viewer.element:
                        break
                    arrivals.bursts.append((number - more & 0xFFFF, more + 1, at))
                track.expected = word & _NEXT | word + 1 & 0xFFFF
                track.high += more + 1
                track.packets += more + 1
                packets += more + 1
                octets += stop - start
                if word & MARKER or not track.video:
                    gap = at - track.shown_at
                    if gap > track.limit and track.video:
                        track.shown(at, timestamp)
                    else:
                        if track.video:
                            key = int(gap * _MILLISECOND_PARTS) if gap > 0 else 0
                            gaps[key] = gaps.get(key, 0) + 1
                            track.usual += (gap - track.usual) * 0.03125
                        rate = track.rate
                        late = gap * rate - (timestamp - track.shown_timestamp & 0xFFFFFFFF)
                        track.jitter += ((late if late > 0 else -late) - track.jitter) * 0.0625
                        track.shown_at, track.shown_timestamp = at, timestamp
                    track.until_sample -= 1
                    if track.until_sample <= 0:
                        viewer.sample(track, bytes(buffer[last:stop]), at)
                start, stop = stop, size
            if start < size:
                viewer.datagrams(bytes(buffer[start:size]), segment, at)
                if viewer.mending:
                    self._troubled.add(viewer)
        meter = self._meter
        meter.packets += packets
        meter.octets += octets
        meter.lag = max(meter.lag, time.time() - oldest)

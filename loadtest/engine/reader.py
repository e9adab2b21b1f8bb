"""The lean loop: one epoll set for all viewers of a process, one read a socket and turn.

The set is looked at every other millisecond instead of waited for. Arrivals are timed by the kernel, so the
delay falsifies nothing, and nobody who sends to us pays for waking us, as nobody does with a network card.

What comes in order, the rule, is counted here from the first and the last header of a read; nothing is
copied, no method of ours called, and as few objects are touched as can be: with hundreds of viewers none
of them is in the processor's cache. All else goes to `Viewer.datagrams`. The packets of a read
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

LOOK: Final = 0.002
"""Seconds between two looks at the sockets."""
EVENTS_A_TURN: Final = 256
"""Sockets read before timers and handshakes get their turn: about two milliseconds of work."""
MEND: Final = 0.01
"""Seconds between two looks at viewers who miss something."""
SLICES: Final = 100
"""Parts into which viewers are divided: each has its silent ones looked at once a second."""

OVERDUE: Final = 0.3
"""Seconds after which a beat does not wait for a packet any more."""

_BUFFER: Final = 65_536
_ANCILLARY: Final = 64
_NEXT: Final = STABLE & 0xFFFF0000
_SHORTEST: Final = 20
"""Bytes of the shortest packet that is counted here; all of its header fields are there."""
_MILLISECOND_PARTS: Final = 1_000 * FINE

_read_time = Struct("@qq").unpack
_read_size = Struct("@i").unpack_from
_read_header = Struct("!IIII").unpack_from
_read_number = Struct("!BH").unpack_from


class Reader:
    """Reads for all viewers that were added, and gives each its beat: after a read, when it is at hand."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._epoll = select.epoll()
        self._viewers: dict[int, Viewer] = {}
        self._slices: list[dict[int, Viewer]] = [{} for _ in range(SLICES)]
        self._turn = 0
        self._behind = 0.0
        """Seconds that the last packets read had waited."""
        self._troubled: set[Viewer] = set()
        self._buffer = bytearray(_BUFFER)
        self._loop = asyncio.get_running_loop()
        self._mending = self._loop.call_later(MEND, self._mend)
        self._looking = self._loop.call_later(LOOK, self._look)

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
        self._mending.cancel()
        self._looking.cancel()
        self._epoll.close()

    def _mend(self) -> None:
        now = time.time()
        # What has come since waits unread: it is not the server that is late.
        read_up_to = now - self._behind
        for viewer in tuple(self._troubled):
            viewer.mend(read_up_to)
            if not any(track.missing for track in viewer.tracks.values()):
                self._troubled.discard(viewer)
        self._turn = (self._turn + 1) % SLICES
        for viewer in tuple(self._slices[self._turn].values()):
            if viewer.due < read_up_to - OVERDUE:
                viewer.beat(now, read_up_to)
        self._mending = self._loop.call_later(MEND, self._mend)

    def _look(self) -> None:
        began = self._loop.time()
        full = self._read() == EVENTS_A_TURN
        self._looking = self._loop.call_at(began if full else began + LOOK, self._look)

    def _read(self) -> int:
        """One read of each socket that has something; how many those were."""
        viewers, buffer, gaps = self._viewers, self._buffer, self._meter.gap
        buffers = (buffer,)
        oldest = begun = time.time()
        packets = octets = 0
        events = self._epoll.poll(0, EVENTS_A_TURN)
        for number, _ in events:
            viewer = viewers.get(number)
            if viewer is None:
                continue
            try:
                size, ancillary, _, _ = viewer.recvmsg_into(buffers, _ANCILLARY)
            except OSError:
                continue  # nothing there after all, or an ICMP answer to something sent earlier
            # The kernel's order: when it came, and if there are several, the size of one.
            seconds, nanoseconds = _read_time(ancillary[0][2])
            at = seconds + nanoseconds * 1e-9
            segment = _read_size(ancillary[1][2])[0] if len(ancillary) > 1 else size
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
                    element, transport = _read_number(buffer, last + place)
                    if shape != track.shape or element != viewer.element:
                        break
                    arrivals.bursts.append((transport - more & 0xFFFF, more + 1, at))
                track.expected = word & _NEXT | word + 1 & 0xFFFF
                packets += more + 1
                octets += stop - start
                if word & MARKER or not track.video:
                    if track.video:
                        gap = at - track.shown_at
                        if gap > track.limit:
                            track.shown(at)
                        else:
                            key = int(gap * _MILLISECOND_PARTS) if gap > 0 else 0
                            gaps[key] = gaps.get(key, 0) + 1
                            track.frames += 1
                            track.shown_at = at
                    track.until_sample -= 1
                    if track.until_sample <= 1:
                        viewer.sample(track, bytes(buffer[last:stop]), at)
                start, stop = stop, size
            if start < size:
                viewer.datagrams(bytes(buffer[start:size]), segment, at)
                if viewer.mending:
                    self._troubled.add(viewer)
            if viewer.due < begun:
                viewer.beat(begun, at)
        meter = self._meter
        meter.packets += packets
        meter.octets += octets
        self._behind = time.time() - oldest
        meter.lag = max(meter.lag, self._behind)
        return len(events)

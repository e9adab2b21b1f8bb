"""A viewer's way from the last keyframe to the live edge.

A publisher such as OBS sends a keyframe every few seconds and none on request. Who joins in between gets
the group of pictures so far from the layer's cache, faster than real time, and then goes on live. Its
timestamps tell when the frames are *sent*, not when they were captured: the player shows them as they come,
and its jitter buffer has nothing to grow for. The sequence numbers are those the packets would have had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.sfu.fanout import fan_out
from gateway.sfu.ports import Egress
from gateway.sfu.view import View

if TYPE_CHECKING:
    from gateway.sfu.down_track import DownTrack
    from gateway.sfu.layer import Layer
    from gateway.sfu.packet import MediaPacket

FRAME_STEP = 0.0005
"""Seconds of media time between two frames at least: they stay distinct, 300 of them take 0.15 s."""
LARGEST_STEP = 30_000
"""Bytes sent in one step at most, so that neither the first nor a late one fills a router's queue."""
_MASK32 = 0xFFFFFFFF


class CatchUp:
    """One down track's catching up on one layer, from the packet with index `position`.

    The down track's stay at the layer has begun; `step` sends what the rate allows and tells when the viewer
    is at the live edge.
    """

    __slots__ = (
        "_began",
        "_budget",
        "_first",
        "_last",
        "_out",
        "_source",
        "position",
        "rate",
        "sent",
        "view",
    )

    def __init__(self, position: int, view: View, timestamp: int, now: float) -> None:
        self.position = position
        """The next index to send."""
        self.rate = 0.0
        """Bits per second; the layer sets it before each step."""
        self.view = view
        self._budget: float = LARGEST_STEP
        self._began = self._last = now
        self._first = self._out = timestamp
        """The viewer's timestamp of the first and of the newest frame sent."""
        self._source: int | None = None
        self.sent: MediaPacket | None = None
        """The newest packet sent."""

    @property
    def newest(self) -> tuple[int, float]:
        """The viewer's timestamp of the newest frame sent, and when the last step was."""
        return self._out, self._last

    def lasts(self, now: float) -> float:
        """Seconds since it began."""
        return now - self._began

    def step(self, down_track: DownTrack, layer: Layer, now: float, egress: Egress) -> bool:
        """Send the next packets; True when all that the layer has sent is sent to this viewer too."""
        self._budget = min(LARGEST_STEP, self._budget + (now - self._last) * self.rate / 8)
        self._last = now
        while self.position <= layer.out.highest:
            if self._budget <= 0:
                return False
            frame = self._next_frame(layer)
            if not frame:
                continue
            down_track.timestamp_offset = self._out - frame[0].timestamp & _MASK32
            down_track.note_frame(frame[0].timestamp)
            fan_out(frame, self.view, (down_track,), egress)
            size = sum([len(packet.payload) for packet in frame])
            down_track.tally.add(len(frame), size)
            self.sent = frame[-1]
            self._budget -= size
        return True

    def _next_frame(self, layer: Layer) -> list[MediaPacket]:
        """The cached packets of one frame from `position` on, at most what the budget allows."""
        frame: list[MediaPacket] = []
        room = self._budget
        while self.position <= layer.out.highest and room > 0:
            packet = layer.cache.get(self.position)
            if packet is None:  # lost on the way here: the viewer will ask for it, by then it may have come
                self.position += 1
                continue
            if packet.timestamp != self._source:
                if frame:
                    break
                self._begin_frame(packet.timestamp, layer.clock.rate)
            frame.append(packet)
            room -= len(packet.payload)
            self.position += 1
        return frame

    def _begin_frame(self, timestamp: int, rate: int) -> None:
        if self._source is not None:
            elapsed = round((self._last - self._began) * rate)
            ahead = self._out - self._first & _MASK32
            self._out = self._first + max(elapsed, ahead + max(1, round(FRAME_STEP * rate))) & _MASK32
        self._source = timestamp

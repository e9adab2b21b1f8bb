"""A lean viewer: what its packets say, and what a browser would say to the server in its place."""

from __future__ import annotations

import random
from collections.abc import Callable
from struct import Struct
from typing import Final

from gateway.client.answer import Answer
from gateway.client.offer import Offer
from gateway.protocol import extensions
from gateway.protocol.description import Codec
from gateway.protocol.rtcp import Nack, PictureLossIndication
from gateway.protocol.rtp import parse_rtp
from loadtest.engine.arrivals import Arrivals
from loadtest.engine.consent import Consent
from loadtest.engine.link import Link
from loadtest.engine.meter import Meter, count
from loadtest.engine.stamp import read_stamp
from loadtest.engine.track import MARKER, SAMPLE_EVERY, Track

BEAT: Final = 0.1
"""Seconds between two transport-wide feedbacks."""
REPORT: Final = 1.0
"""Seconds between two receiver reports, and looks at whether the picture stands."""
PLI_PAUSE: Final = 1.0
"""Seconds between two requests for a keyframe."""
CAUGHT_UP: Final = 0.1
"""Seconds of latency under which a viewer is at the live edge: servers begin with what they kept."""
CATCH_UP: Final = 3.0
"""Seconds after which it counts as live however late its packets are."""

_HEADER: Final = Struct("!III")
_EXTENSION_BIT: Final = 0x10
_ONE_BYTE_FORM: Final = 0xBEDE
_RR: Final = Struct("!BBHI")
_SENDER: Final = 1
_SHAPES: Final[dict[int, int]] = {}
"""Extension blocks' headers seen so far: one object for all tracks, so that it stays in the cache."""


class Viewer:
    """One session after its handshake. `datagrams` gets all that the reader does not count itself."""

    __slots__ = (
        "_codecs",
        "_ended",
        "_loss",
        "_meter",
        "_nack",
        "_number_id",
        "_pli_after",
        "_report_due",
        "_rtx",
        "arrivals",
        "began",
        "consent",
        "due",
        "element",
        "link",
        "receive",
        "recvmsg_into",
        "tracks",
        "video",
    )

    def __init__(
        self,
        link: Link,
        offer: Offer,
        answer: Answer,
        meter: Meter,
        began: float,
        ended: Callable[[str], None],
        *,
        nack: bool,
        loss: float,
        feedback: bool,
    ) -> None:
        self.link = link
        self.began = began
        """Unix time at which the session was asked for."""
        self.recvmsg_into = link.detach().recvmsg_into
        self.tracks: dict[int, Track] = {}
        self.video: Track | None = None
        self.arrivals = Arrivals() if feedback else None
        self.consent = Consent(offer.ice, link.remote_ice, began)
        self.element = -1
        """The header octet of the transport-wide number's extension; none is -1."""
        self._ended = ended
        self._meter = meter
        self._nack = nack
        self._loss = loss
        self._codecs: dict[int, Codec] = {}
        self._rtx: dict[int, int] = {}
        self._number_id = 0
        self.due = began + BEAT * random.random()
        """When `beat` is to be called."""
        self._report_due = began + REPORT * random.random()
        self._pli_after = 0.0
        for line in answer.media:
            self._number_id = line.extensions.get(extensions.TRANSPORT_CC, self._number_id)
            for codec in line.codecs:
                self._codecs[codec.payload_type] = codec
                if codec.rtx_payload_type is not None:
                    self._rtx[codec.rtx_payload_type] = codec.payload_type
        if self._number_id and feedback:
            self.element = self._number_id << 4 | 1

    def datagrams(self, data: bytes, segment: int, at: float) -> None:
        """One or several datagrams of `segment` bytes that arrived at Unix time `at`."""
        for start in range(0, len(data), segment):
            self._datagram(data[start : start + segment], at)

    @property
    def mending(self) -> bool:
        """Whether `mend` has something to do."""
        return any(track.missing for track in self.tracks.values())

    def sample(self, track: Track, packet: bytes, at: float) -> None:
        """Look closer at a packet that was counted: how regular, is it authentic, when was it sent?"""
        track.note_jitter(int.from_bytes(packet[4:8], "big"), at)
        if track.until_sample > 0:
            return  # the next one: jitter needs two in a row
        track.until_sample = random.randint(2, 2 * SAMPLE_EVERY - 1)
        payload = self._payload(packet)
        sent = read_stamp(payload) if payload is not None else None
        if sent is None:
            return
        if not track.live and (at - sent < CAUGHT_UP or at - self.began > CATCH_UP):
            track.live = True
        if track.live:
            count(self._meter.latency, at - sent)

    def mend(self, now: float) -> None:
        """Ask for what is missing, of all that came until Unix time `now`."""
        for track in self.tracks.values():
            if not track.missing:
                continue
            wanted, broken = track.ask(now)
            if wanted:
                self._meter.nacks += 1
                self.link.send_rtcp(Nack(_SENDER, track.ssrc, tuple(sorted(wanted))).encode())
            if broken:
                self._request_keyframe(track, now)

    def beat(self, now: float, read_up_to: float) -> None:
        """Feedback, and reports once a second; all that came until `read_up_to` is counted. Unix times."""
        self.due = now + BEAT
        reports = b""
        if now >= self._report_due:
            self._report_due = now + REPORT
            reports = self._report(now, read_up_to)
        if self.arrivals is not None and self.arrivals.bursts and self.video is not None:
            for packet in self.arrivals.take(self.video.ssrc):
                # A message about numbers may end in padding, so it comes last.
                self.link.send_rtcp(reports + packet)
                reports = b""
        if reports:
            self.link.send_rtcp(reports)

    def _report(self, now: float, read_up_to: float) -> bytes:
        blocks = []
        for track in self.tracks.values():
            track.look(read_up_to)
            blocks.append(track.report(now))
            if track.waiting:
                self._request_keyframe(track, now)
        if now >= self.consent.due:
            self.link.send(self.consent.request(now))
            if now >= self.consent.until:
                self._ended("consent lost")
        if not blocks:
            return b""  # nothing has come yet
        return _RR.pack(0x80 | len(blocks), 201, 1 + 6 * len(blocks), _SENDER) + b"".join(blocks)

    def _request_keyframe(self, track: Track, now: float) -> None:
        if now >= self._pli_after:
            self._pli_after = now + PLI_PAUSE
            self.link.send_rtcp(PictureLossIndication(_SENDER, track.ssrc).encode())

    def _datagram(self, data: bytes, at: float) -> None:
        first = data[0] if len(data) >= 12 else 0xFF
        if 128 <= first <= 191:
            if 192 <= data[1] <= 223:
                self._rtcp(data, at)
            elif not self._loss or random.random() >= self._loss:
                self._media(data, at)
        elif not (first <= 3 and self.consent.answered(data, at)):
            self.link.handle(data)

    def _rtcp(self, data: bytes, at: float) -> None:
        plain = self.link.unprotect(data)
        if plain is not None and len(plain) >= 20 and plain[1] == 200:
            track = self.tracks.get(int.from_bytes(plain[4:8], "big"))
            if track is not None:
                track.report_ntp, track.report_at = int.from_bytes(plain[10:14], "big"), at

    def _media(self, data: bytes, at: float) -> None:
        word, timestamp, ssrc = _HEADER.unpack_from(data)
        payload_type = word >> 16 & 0x7F
        self._meter.octets += len(data)
        if self.element >= 0 and word >> 24 & _EXTENSION_BIT:
            self._note_number(data, ssrc, at)
        if payload_type in self._rtx:
            self._repair(data, self._rtx[payload_type], at)
            return
        track = self.tracks.get(ssrc) or self._begin(ssrc, payload_type)
        if track is None:
            self._meter.failed["unknown payload type"] += 1
            return
        payload = None
        if track.waiting:
            payload = self._payload(data)
            if payload is None:
                return
        fresh = track.take(word, timestamp, payload, at)
        if fresh and payload is None and (word & MARKER or not track.video):
            track.until_sample -= 1
            if track.until_sample <= 1:
                self.sample(track, data, at)

    def _payload(self, data: bytes) -> bytes | None:
        plain = self.link.unprotect(data)
        if plain is None:
            self._meter.failed["packet not authentic"] += 1
            return None
        return parse_rtp(plain).payload

    def _repair(self, data: bytes, payload_type: int, at: float) -> None:
        """An RTX packet: only the encrypted part says which packet it repeats (RFC 4588)."""
        track = next((t for t in self.tracks.values() if t.codec.payload_type == payload_type), None)
        plain = self.link.unprotect(data)
        if track is None or plain is None:
            return
        packet = parse_rtp(plain)
        if len(packet.payload) <= 2:
            return  # a probe
        word = track.expected & 0xFFFF0000 | int.from_bytes(packet.payload[:2], "big")
        if packet.marker:
            word |= MARKER
        track.take(word, packet.timestamp, packet.payload[2:], at, repaired=True)

    def _begin(self, ssrc: int, payload_type: int) -> Track | None:
        codec = self._codecs.get(payload_type)
        if codec is None:
            return None
        careful = self._loss > 0  # packets are thrown away one by one, so they are looked at one by one
        track = Track(ssrc, codec, self.began, self._meter, nack=self._nack, careful=careful)
        self.tracks[ssrc] = track
        if track.video:
            self.video = track
        return track

    def _note_number(self, data: bytes, ssrc: int, at: float) -> None:
        """Note the packet's transport-wide number, and where the reader finds those that follow."""
        shape = int.from_bytes(data[12:16], "big")
        place = 16
        while place < 16 + 4 * (shape & 0xFFFF) and data[place] != self.element:
            place += 1 if not data[place] else 2 + (data[place] & 0x0F)
        if shape >> 16 != _ONE_BYTE_FORM or place + 3 > len(data) or data[place] != self.element:
            return
        assert self.arrivals is not None
        self.arrivals.bursts.append((int.from_bytes(data[place + 1 : place + 3], "big"), 1, at))
        track = self.tracks.get(ssrc)
        if track is not None:
            track.shape, track.place = _SHAPES.setdefault(shape, shape), place

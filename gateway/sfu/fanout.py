"""The hot loop: these packets, those viewers.

A burst of packets is laid out once for all viewers of a profile: where each header stands in one
buffer, which extension bytes follow, what is encrypted. Per viewer remain sequence number,
timestamp, ssrc, AES-GCM and one `sendmsg` with UDP_SEGMENT for each run of equally large packets.

Measured with receivers on the other core (9 packets of 1.2 kB, 200 viewers): one buffer reused by all
viewers and encrypted into costs 1.7 µs a packet, a list of fresh byte strings 1.9, and the same bursts
sent without any work 0.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from gateway.protocol.rtp import encode_extensions
from gateway.protocol.srtp import SrtpError
from gateway.sfu.packet import MediaPacket
from gateway.sfu.ports import Egress

if TYPE_CHECKING:
    from gateway.sfu.down_track import DownTrack

GCM_TAG_SIZE = 16
CM_TAG_SIZE = 10
MAX_BURST_BYTES = 65_000
"""A datagram burst over 64 KB fails with EMSGSIZE."""

_write_header = Struct("!BBHII").pack
_write_numbers = Struct("!HII").pack_into

_MASK16 = 0xFFFF
_MASK32 = 0xFFFFFFFF
_PADDING_BIT = 0x20
_EXTENSION_BIT = 0x10


@dataclass(frozen=True, slots=True)
class Profile:
    """What viewers must share so that a burst can be laid out once for all of them.

    `extensions` pairs the publisher's extension id with the viewer's, for those forwarded.
    """

    payload_type: int
    extensions: tuple[tuple[int, int], ...]
    gcm: bool

    def lay_out(self, packet: MediaPacket) -> Slot:
        """The packet in this profile's shape."""
        return Slot(packet, self)


class Slot:
    """One packet laid out for a profile: its header's first bytes, extensions and payload."""

    __slots__ = ("extensions", "first", "index", "payload", "second", "timestamp")

    def __init__(self, packet: MediaPacket, profile: Profile) -> None:
        self.index = packet.index
        self.timestamp = packet.timestamp
        self.extensions = _extension_block(packet.extensions, profile)
        self.payload = packet.padded_payload()
        self.first = (
            0x80 | (_PADDING_BIT if packet.padding else 0) | (_EXTENSION_BIT if self.extensions else 0)
        )
        self.second = profile.payload_type | (0x80 if packet.marker else 0)

    @property
    def size(self) -> int:
        """Bytes of the RTP packet before encryption."""
        return 12 + len(self.extensions) + len(self.payload)

    def packet(self, out: int, timestamp_offset: int, ssrc: int) -> bytes:
        """The whole RTP packet as one viewer is to see it under index `out`, unencrypted."""
        timestamp = (self.timestamp + timestamp_offset) & _MASK32
        header = _write_header(self.first, self.second, out & _MASK16, timestamp, ssrc)
        return header + self.extensions + self.payload


def _extension_block(values: Mapping[int, bytes], profile: Profile) -> bytes:
    if not values or not profile.extensions:
        return b""
    kept = {theirs: values[ours] for ours, theirs in profile.extensions if ours in values}
    return encode_extensions(kept) if kept else b""


def cut_into_runs(slots: Sequence[Slot], overhead: int, max_segments: int) -> list[list[Slot]]:
    """Split a burst so that each run can be one segmented datagram.

    All segments of a run have the size of the first but the last, which may be shorter. `overhead`
    is what encryption adds to each packet.
    """
    runs: list[list[Slot]] = []
    run: list[Slot] = []
    segment = room = 0
    for slot in slots:
        size = slot.size + overhead
        if not run or size > segment or room <= 0:
            run = [slot]
            runs.append(run)
            segment = size
            room = min(max_segments, MAX_BURST_BYTES // segment) - 1
            continue
        run.append(slot)
        room = room - 1 if size == segment else 0
    return runs


def fan_out(
    packets: Sequence[MediaPacket], profile: Profile, viewers: Sequence[DownTrack], egress: Egress
) -> None:
    """Send `packets`, in this order, to every viewer; all of them share `profile`."""
    slots = [Slot(packet, profile) for packet in packets]
    if not profile.gcm:
        _fan_out_one_by_one(slots, viewers, egress)
        return
    for run in cut_into_runs(slots, GCM_TAG_SIZE, egress.max_segments):
        _fan_out_run(run, viewers, egress)


def _fan_out_run(run: list[Slot], viewers: Sequence[DownTrack], egress: Egress) -> None:
    burst, plan = _lay_out(run)
    segment = run[0].size + GCM_TAG_SIZE
    ancillary = egress.segmentation(segment) if len(run) > 1 else ()
    buffers = (burst,)
    sendmsg = egress.sendmsg
    write_numbers = _write_numbers
    mask16, mask32 = _MASK16, _MASK32
    for viewer in viewers:
        sequence_offset = viewer.sequence_offset
        timestamp_offset = viewer.timestamp_offset
        ssrc = viewer.ssrc
        encrypt = viewer.encrypt
        nonce_base = viewer.nonce_base
        for position, index, timestamp, header, body, payload in plan:
            index += sequence_offset
            write_numbers(burst, position, index & mask16, (timestamp + timestamp_offset) & mask32, ssrc)
            encrypt((nonce_base ^ index).to_bytes(12, "big"), payload, header, body)
        try:
            sendmsg(buffers, ancillary, 0, viewer.address)
        except OSError as error:
            egress.refused(error, burst, segment, viewer.address)


_Plan = list[tuple[int, int, int, memoryview, memoryview, bytes]]


def _lay_out(run: list[Slot]) -> tuple[memoryview, _Plan]:
    """One buffer for the run, and for each packet where its numbers, header and ciphertext stand in it."""
    burst = memoryview(bytearray(sum(slot.size for slot in run) + GCM_TAG_SIZE * len(run)))
    plan: _Plan = []
    start = 0
    for slot in run:
        body = start + 12 + len(slot.extensions)
        end = start + slot.size + GCM_TAG_SIZE
        burst[start], burst[start + 1] = slot.first, slot.second
        burst[start + 12 : body] = slot.extensions
        plan.append((start + 2, slot.index, slot.timestamp, burst[start:body], burst[body:end], slot.payload))
        start = end
    return burst, plan


def _fan_out_one_by_one(slots: list[Slot], viewers: Sequence[DownTrack], egress: Egress) -> None:
    """The path of CM-SHA1-80 viewers: encrypted packet by packet, offload still sends runs."""
    runs = cut_into_runs(slots, CM_TAG_SIZE, egress.max_segments)
    for viewer in viewers:
        for run in runs:
            burst = _protect(run, viewer)
            if not burst:
                continue
            segment = len(burst[0])
            ancillary = egress.segmentation(segment) if len(burst) > 1 else ()
            try:
                egress.sendmsg(burst, ancillary, 0, viewer.address)
            except OSError as error:
                egress.refused(error, memoryview(b"".join(burst)), segment, viewer.address)


def _protect(run: list[Slot], viewer: DownTrack) -> list[bytes]:
    """The run encrypted for one viewer, without what SRTP refuses: a key has an end."""
    burst: list[bytes] = []
    for slot in run:
        out = slot.index + viewer.sequence_offset
        try:
            packet = slot.packet(out, viewer.timestamp_offset, viewer.ssrc)
            burst.append(viewer.outbound.protect_rtp(packet, out))
        except SrtpError as error:
            viewer.drops[f"srtp_protect_{error.reason}"] += 1
    return burst

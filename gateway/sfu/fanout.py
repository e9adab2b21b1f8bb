"""The hot loop: these packets, those viewers.

A burst of packets is laid out once for all viewers of a view: where each header stands in one
buffer, which extension bytes follow, what is encrypted. Per viewer remain sequence number,
timestamp, ssrc, AES-GCM and one `sendmsg` with UDP_SEGMENT for each run of equally large packets.

Measured with receivers on the other core (9 packets of 1.2 kB, 200 viewers): one buffer reused by all
viewers and encrypted into costs 1.7 µs a packet, a list of fresh byte strings 1.9, and the same bursts
sent without any work 0.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING

from gateway.protocol.srtp import SrtpError
from gateway.sfu.packet import MediaPacket
from gateway.sfu.ports import Egress
from gateway.sfu.view import NUMBER_PLACE, Slot, View

if TYPE_CHECKING:
    from gateway.sfu.down_track import DownTrack

GCM_TAG_SIZE = 16
CM_TAG_SIZE = 10
MAX_BURST_BYTES = 65_000
"""A datagram burst over 64 KB fails with EMSGSIZE."""

_write_numbers = Struct("!HII").pack_into
_write_all_numbers = Struct("!HIIIBH").pack_into
"""Sequence number, timestamp, ssrc, the extension block's header, its first element's, and its number."""

_MASK16 = 0xFFFF
_MASK32 = 0xFFFFFFFF


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


def fan_out(packets: Sequence[MediaPacket], view: View, viewers: Sequence[DownTrack], egress: Egress) -> int:
    """Send those of `packets` that the view has, in this order, to every viewer; all of them share it.

    Returns the octets that each viewer gets, before encryption.
    """
    if not viewers:
        return 0
    slots = view.lay_out_all(packets)
    if not slots:
        return 0
    octets = sum([slot.size for slot in slots])
    profile = view.profile
    if not profile.gcm:
        _fan_out_one_by_one(slots, viewers, egress, CM_TAG_SIZE)
        return octets
    if profile.transport_cc and any(slot.transport != NUMBER_PLACE for slot in slots):
        # An extension of over 16 bytes made the block's form another: rare, and not worth a third loop.
        _fan_out_one_by_one(slots, viewers, egress, GCM_TAG_SIZE)
        return octets
    fan_out_run = _fan_out_numbered if profile.transport_cc else _fan_out_run
    for run in cut_into_runs(slots, GCM_TAG_SIZE, egress.max_segments):
        fan_out_run(run, viewers, egress)
    return octets


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
        for position, _, index, timestamp, header, body, payload in plan:
            index += sequence_offset
            write_numbers(burst, position, index & mask16, (timestamp + timestamp_offset) & mask32, ssrc)
            encrypt((nonce_base ^ index).to_bytes(12, "big"), payload, header, body)
        try:
            sendmsg(buffers, ancillary, 0, viewer.address)
        except OSError as error:
            egress.refused(error, burst, segment, viewer.address)


def _fan_out_numbered(run: list[Slot], viewers: Sequence[DownTrack], egress: Egress) -> None:
    """The same with transport-wide sequence numbers; apart, since nothing is dearer here than a branch."""
    burst, plan = _lay_out(run)
    segment = run[0].size + GCM_TAG_SIZE
    ancillary = egress.segmentation(segment) if len(run) > 1 else ()
    buffers = (burst,)
    count, octets = len(run), len(burst)
    sendmsg, clock = egress.sendmsg, egress.clock
    write, element = _write_all_numbers, run[0].extensions[4]
    mask16, mask32 = _MASK16, _MASK32
    for viewer in viewers:
        sequence_offset = viewer.sequence_offset
        timestamp_offset = viewer.timestamp_offset
        ssrc = viewer.ssrc
        encrypt = viewer.encrypt
        nonce_base = viewer.nonce_base
        transport = viewer.transport
        first = sequence = transport.sequence
        for position, extension, index, timestamp, header, body, payload in plan:
            index += sequence_offset
            out_timestamp = (timestamp + timestamp_offset) & mask32
            write(burst, position, index & mask16, out_timestamp, ssrc, extension, element, sequence & mask16)
            sequence += 1
            encrypt((nonce_base ^ index).to_bytes(12, "big"), payload, header, body)
        transport.sequence = sequence
        transport.sent(first, count, octets, clock())
        try:
            sendmsg(buffers, ancillary, 0, viewer.address)
        except OSError as error:
            egress.refused(error, burst, segment, viewer.address)


_Plan = list[tuple[int, int, int, int, memoryview, memoryview, bytes]]


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
        header, ciphertext = burst[start:body], burst[body:end]
        extension = int.from_bytes(slot.extensions[:4], "big")
        plan.append((start + 2, extension, slot.index, slot.timestamp, header, ciphertext, slot.payload))
        start = end
    return burst, plan


def _fan_out_one_by_one(
    slots: list[Slot], viewers: Sequence[DownTrack], egress: Egress, tag_size: int
) -> None:
    """The path of CM-SHA1-80 viewers: encrypted packet by packet, offload still sends runs."""
    runs = cut_into_runs(slots, tag_size, egress.max_segments)
    for viewer in viewers:
        for run in runs:
            first = viewer.transport.sequence
            burst = _protect(run, viewer)
            if not burst:
                continue
            if viewer.transport.sequence > first:
                octets = sum([len(packet) for packet in burst])
                viewer.transport.sent(first, len(burst), octets, egress.clock())
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
            packet = slot.packet(out, viewer.timestamp_offset, viewer.ssrc, viewer.transport)
            burst.append(viewer.outbound.protect_rtp(packet, out))
        except SrtpError as error:
            viewer.drops[f"srtp_protect_{error.reason}"] += 1
    return burst

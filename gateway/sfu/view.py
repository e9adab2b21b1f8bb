"""How a group of viewers sees a layer: which packets, in which shape, under which picture numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from struct import Struct

from gateway.protocol.codecs.pictures import Picture, PictureNumbering
from gateway.protocol.rtp import FIXED_HEADER_SIZE, encode_extensions
from gateway.sfu.packet import MediaPacket
from gateway.sfu.sublayer import Sublayer
from gateway.sfu.viewer_transport import ViewerTransport

_write_header = Struct("!BBHII").pack
_write_sequence = Struct("!H").pack
_MASK16 = 0xFFFF
_MASK32 = 0xFFFFFFFF
_PADDING_BIT = 0x20
_EXTENSION_BIT = 0x10
_ONE_BYTE_FORM = 0xBE
NUMBER_PLACE = FIXED_HEADER_SIZE + 5
"""Where the transport-wide number stands in a packet whose extensions are of the one-byte form."""
_ONLY_PADDING = b"\x01"


@dataclass(frozen=True, slots=True)
class Profile:
    """What viewers must have negotiated alike so that a burst can be laid out once for all of them.

    `extensions` pairs the publisher's extension id with the viewer's, for those forwarded. `transport_cc` is
    the viewer's id of the transport-wide sequence number, 0 where packets bear none.
    """

    payload_type: int
    extensions: tuple[tuple[int, int], ...]
    gcm: bool
    transport_cc: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """A profile, a sublayer, and how far picture numbers are shifted; viewers of equal views are one group.

    `pictures` and `tl0` are added to the layer's numbers, so that those of a viewer who came from another
    layer go on where they stood.
    """

    profile: Profile
    sublayer: Sublayer
    numbering: PictureNumbering | None = field(default=None, compare=False)
    pictures: int = 0
    tl0: int = 0

    def lay_out(self, packet: MediaPacket) -> Slot:
        """The packet in this view's shape."""
        sublayer = self.sublayer
        if sublayer.empty(packet):
            return Slot(packet, self.profile, sublayer.index_of(packet.index), _ONLY_PADDING, {}, 1)
        payload, extensions = packet.padded_payload(), packet.extensions
        if self.numbering is not None:
            pictures = self._shift(packet)
            if pictures or self.tl0:
                payload, extensions = self.numbering.shift(payload, extensions, pictures, self.tl0)
        index = sublayer.index_of(packet.index)
        return Slot(packet, self.profile, index, payload, extensions, packet.padding)

    def lay_out_all(self, packets: Sequence[MediaPacket]) -> list[Slot]:
        """Those of the packets that this view has."""
        passes = self.sublayer.passes
        return [self.lay_out(packet) for packet in packets if passes(packet)]

    def unnumbered(self) -> View:
        """This view for bursts that bear no transport-wide numbers."""
        return replace(self, profile=replace(self.profile, transport_cc=0))

    def picture(self, packet: MediaPacket) -> Picture | None:
        """The numbers under which the viewers see the packet's picture."""
        found = packet.picture
        if found is None:
            return None
        number = found.number + self._shift(packet) & (1 << found.bits) - 1
        tl0 = None if found.tl0 is None else found.tl0 + self.tl0 & 0xFF
        return found._replace(number=number, tl0=tl0)

    def _shift(self, packet: MediaPacket) -> int:
        if self.numbering is None or not self.numbering.counts_pictures:
            return self.pictures
        return self.pictures - self.sublayer.pictures_left_out(packet.index)

    def continuing(self, last: Picture | None, packet: MediaPacket) -> View:
        """This view, shifted so that `packet`'s picture is the one after `last`."""
        now = self.picture(packet)
        if last is None or now is None:
            return self
        tl0 = self.tl0
        if last.tl0 is not None and now.tl0 is not None:
            tl0 += last.tl0 + 1 - now.tl0
        return self._moved(last.number + 1 - now.number, tl0)

    def resembling(self, other: View, packet: MediaPacket) -> View:
        """This view, shifted so that `packet`'s picture has the numbers it would have in `other`."""
        there, here = other.picture(packet), self.picture(packet)
        if there is None or here is None:
            return self
        return self._moved(there.number - here.number, other.tl0)

    def _moved(self, pictures: int, tl0: int) -> View:
        return View(
            self.profile, self.sublayer, self.numbering, self.pictures + pictures & _MASK16, tl0 & 0xFF
        )


class Slot:
    """One packet laid out for a view: its header's first bytes, extensions and payload.

    `index` is the sublayer's. `transport` is where in the packet the transport-wide sequence number stands, 0
    for nowhere.
    """

    __slots__ = ("extensions", "first", "index", "padding", "payload", "second", "timestamp", "transport")

    def __init__(
        self,
        packet: MediaPacket,
        profile: Profile,
        index: int,
        payload: bytes,
        extensions: Mapping[int, bytes],
        padding: int,
    ) -> None:
        self.index = index
        self.timestamp = packet.timestamp
        self.extensions = _extension_block(extensions, profile)
        self.transport = _transport_position(self.extensions) if profile.transport_cc else 0
        self.payload = payload
        self.padding = padding
        self.first = 0x80 | (_PADDING_BIT if padding else 0) | (_EXTENSION_BIT if self.extensions else 0)
        self.second = profile.payload_type | (0x80 if packet.marker else 0)

    @property
    def media(self) -> bytes:
        """The payload without padding."""
        return self.payload[: -self.padding] if self.padding else self.payload

    @property
    def size(self) -> int:
        """Bytes of the RTP packet before encryption."""
        return FIXED_HEADER_SIZE + len(self.extensions) + len(self.payload)

    def packet(self, out: int, timestamp_offset: int, ssrc: int, transport: ViewerTransport) -> bytes:
        """The whole RTP packet as one viewer is to see it under index `out`, unencrypted."""
        timestamp = (self.timestamp + timestamp_offset) & _MASK32
        header = _write_header(self.first, self.second, out & _MASK16, timestamp, ssrc)
        return header + self.numbered_extensions(transport) + self.payload

    def numbered_extensions(self, transport: ViewerTransport) -> bytes:
        """The extension block; where it has a transport-wide sequence number, the viewer's next one."""
        if not self.transport:
            return self.extensions
        place = self.transport - FIXED_HEADER_SIZE
        number = _write_sequence(transport.sequence & _MASK16)
        transport.sequence += 1
        return self.extensions[:place] + number + self.extensions[place + 2 :]


def _extension_block(values: Mapping[int, bytes], profile: Profile) -> bytes:
    if not profile.transport_cc:
        if not values or not profile.extensions:
            return b""
        kept = {theirs: values[ours] for ours, theirs in profile.extensions if ours in values}
        return encode_extensions(kept) if kept else b""
    kept = {profile.transport_cc: b"\0\0"}  # the first, so that its place is known
    kept.update((theirs, values[ours]) for ours, theirs in profile.extensions if ours in values)
    return encode_extensions(kept)


def _transport_position(extensions: bytes) -> int:
    """Behind the block's header and the first element's: one or two bytes (RFC 8285 sections 4.2, 4.3)."""
    return NUMBER_PLACE if extensions[0] == _ONE_BYTE_FORM else NUMBER_PLACE + 1

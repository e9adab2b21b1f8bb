"""Simulcast layers that show up late, unnamed, or under another ssrc: through real sockets to a viewer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.protocol import extensions
from gateway.protocol.rtcp import Nack, PictureLossIndication
from gateway.signalling.ports import SessionKind
from tests.unit.sfu.fakes import MID_ID, RID_ID, marks, video_media, vp8
from tests.unit.transport.loopback_peer import LoopbackPeer, until
from tests.unit.transport.test_media_plane import Rig

WIDTHS = {"q": 320, "h": 640, "f": 1_280}
IDS = {extensions.MID: MID_ID, extensions.RID: RID_ID}


class Encoder:
    """One layer of a publisher; each packet is a frame and bears a mark that no other has."""

    marks = 0

    def __init__(self, publisher: LoopbackPeer, rid: str, ssrc: int) -> None:
        self.rid = rid
        self.ssrc = ssrc
        self.index = 0
        self.named = True
        """Whether packets tell the rid; libwebrtc stops that after the first receiver report."""
        self._publisher = publisher

    def send(self, *, keyframe: bool = False, lost: bool = False) -> int:
        """Send a frame, or only number it; its mark."""
        self.index += 1
        Encoder.marks += 1
        tags = {MID_ID: b"v", RID_ID: self.rid.encode()} if self.named else {}
        packet = vp8(
            Encoder.marks, keyframe=keyframe, ssrc=self.ssrc, width=WIDTHS[self.rid], tags=tags, size=200
        )
        numbered = packet[:2] + (self.index & 0xFFFF).to_bytes(2, "big") + packet[4:]
        if not lost:
            self._publisher.send_rtp(numbered, self.index)
        return Encoder.marks


class Show:
    """A publisher of three layers and one viewer."""

    def __init__(self, rig: Rig, publisher: LoopbackPeer, viewer: LoopbackPeer) -> None:
        self.rig, self.publisher, self.viewer = rig, publisher, viewer

    def encoder(self, rid: str, ssrc: int) -> Encoder:
        return Encoder(self.publisher, rid, ssrc)

    async def shows(self, encoder: Encoder, *others: Encoder, obedient: bool = True) -> None:
        """Send from all layers until the viewer gets this one's newest frame."""
        newest = 0
        asked = len(self._requests(encoder))

        def shown() -> bool:
            nonlocal newest, asked
            if newest and newest in marks(self.viewer.rtp):
                return True
            for other in others:
                other.send()
            wanted = len(self._requests(encoder))
            newest = encoder.send(keyframe=obedient and wanted > asked)
            asked = wanted
            return False

        await until(shown, self.publisher, self.viewer)

    def _requests(self, encoder: Encoder) -> list[PictureLossIndication]:
        requests = [x for x in self.publisher.rtcp if isinstance(x, PictureLossIndication)]
        return [x for x in requests if x.media_ssrc == encoder.ssrc]

    def sequence_is_unbroken(self) -> bool:
        numbers = sorted({packet.sequence_number for packet in self.viewer.rtp})
        return numbers == list(range(numbers[0], numbers[-1] + 1))


@pytest.fixture
async def show() -> AsyncIterator[Show]:
    rig = Rig()
    media = video_media(rids=tuple(WIDTHS), extensions=IDS)
    publisher = LoopbackPeer(rig.plane, SessionKind.WHIP, media)
    await until(lambda: publisher.connected, publisher)
    viewer = LoopbackPeer(rig.plane, SessionKind.WHEP, video_media())
    await until(lambda: viewer.connected and viewer.driver._peer.outbound, viewer)
    yield Show(rig, publisher, viewer)
    rig.plane.stop()
    await asyncio.sleep(0)


async def test_layers_that_come_later_are_played_as_they_come(show: Show) -> None:
    q, h, f = (show.encoder(rid, ssrc) for ssrc, rid in enumerate(WIDTHS, 1))
    q.send(keyframe=True)
    await show.shows(q)
    for late, others in ((h, (q,)), (f, (q, h))):
        late.send(keyframe=True)
        await show.shows(late, *others)
    assert show.sequence_is_unbroken()
    assert not [name for name in show.rig.drops if name.startswith("rtp_")]


async def test_packets_before_the_name_of_their_layer_are_dropped_and_a_keyframe_makes_good(
    show: Show,
) -> None:
    h = show.encoder("h", 7)
    h.named = False
    h.send(keyframe=True)
    h.send()
    await until(lambda: show.rig.drops["rtp_unknown_rid"] == 2, show.publisher)
    h.named = True
    h.send()
    await until(
        lambda: any(isinstance(x, PictureLossIndication) for x in show.publisher.rtcp), show.publisher
    )
    h.named = False  # told: libwebrtc stops naming it
    await show.shows(h)
    assert show.rig.drops["rtp_unknown_rid"] == 2
    assert not [x for x in show.publisher.rtcp if isinstance(x, Nack)], "nobody asks for what was dropped"


async def test_a_layer_goes_on_under_another_ssrc(show: Show) -> None:
    first, second = show.encoder("h", 7), show.encoder("h", 8)
    first.send(keyframe=True)
    await show.shows(first)
    first.named = False
    second.send(keyframe=True)
    await show.shows(second)
    first.send()  # reordered on its way, and nameless: what it was is over
    await until(lambda: show.rig.drops["rtp_unknown_rid"] == 1, show.publisher)
    sent = second.send()
    await until(lambda: sent in marks(show.viewer.rtp), show.publisher, show.viewer)
    assert show.sequence_is_unbroken()


async def test_gaps_of_a_late_layer_are_asked_for_from_its_first_packet_on(show: Show) -> None:
    q, f = show.encoder("q", 1), show.encoder("f", 3)
    q.send(keyframe=True)
    await show.shows(q)
    f.send(lost=True)
    f.send(keyframe=True)
    f.send(lost=True)
    f.send()

    def asked() -> list[tuple[int, tuple[int, ...]]]:
        return [(x.media_ssrc, x.lost) for x in show.publisher.rtcp if isinstance(x, Nack)]

    await until(asked, show.publisher)
    assert asked()[0] == (f.ssrc, (3,))

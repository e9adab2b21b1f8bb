"""Attacks on the media port by strangers, by viewers and by publishers, on a stream that plays."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct

from gateway.client.session import ClientSession
from gateway.protocol.rtcp import Bye, FullIntraRequest, Nack, PictureLossIndication, SourceDescription
from gateway.protocol.rtp import encode_extensions, write_rtp
from tests.fuzz.stage import Stage, stage
from tests.gateway_server import GatewayServer
from tests.waiting import eventually


def send(session: ClientSession, datagram: bytes) -> None:
    """A datagram as it is, from the session's own proven address."""
    address = session.connection.address
    assert address is not None
    assert session._socket is not None
    assert session._socket.send(datagram, address)


def record(session: ClientSession) -> list[bytes]:
    """Note every datagram that the session sends from now on."""
    assert session._socket is not None
    sock, sent = session._socket, []
    original = sock.send

    def noting(data: bytes, address: tuple[str, int]) -> bool:
        sent.append(data)
        return original(data, address)

    sock.send = noting  # type: ignore[method-assign]
    return sent


async def grew(on_air: Stage, before: dict[str, float], *reasons: str) -> None:
    """Wait until each of these counters has grown."""

    async def silent() -> list[str]:
        drops = (await on_air.metrics()).drops
        return [reason for reason in reasons if drops.get(reason, 0) <= before.get(reason, 0)]

    await eventually(silent, lambda still: not still, deadline=5)
    assert "datagram_defect" not in (await on_air.metrics()).drops


async def test_replayed_and_foreign_srtp(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order) as on_air:
        session = on_air.camera.publisher.session
        sent = record(session)
        await asyncio.sleep(0.3)
        replay = [data for data in sent if 0x80 <= data[0] <= 0xBF]
        assert len(replay) > 20
        before = (await on_air.metrics()).drops
        for data in replay:
            send(session, data)
            send(session, data[:2] + bytes((data[2] ^ 1,)) + data[3:])  # another number, the same tag
            send(session, data[: random.randrange(len(data))])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
            for data in replay:
                foreign.sendto(data, on_air.media)
        await grew(on_air, before, "srtp_replay", "srtp_auth", "datagram_unknown_address")
        await on_air.check_unharmed()


async def test_a_viewer_may_not_send_media(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order) as on_air:
        session = on_air.viewers[0].player.session
        before = (await on_air.metrics()).drops
        for number in range(300):
            session.send_rtp(
                write_rtp(payload_type=96, marker=True, sequence_number=number, timestamp=number,
                          ssrc=number % 290, payload=bytes(900)),
                number,
            )  # fmt: skip
        await grew(on_air, before, "rtp_from_viewer", "srtp_streams")
        await on_air.check_unharmed()


async def test_a_viewer_who_asks_for_everything(gateway: GatewayServer, order: str) -> None:
    """Retransmission of all, keyframes without end, nonsense in valid SRTCP: the others notice nothing."""
    async with stage(gateway, order, viewers=3) as on_air:
        attacker, *others = on_air.viewers
        session = attacker.player.session
        video = next(ssrc for ssrc, s in attacker.player.streams.items() if s.clock_rate == 90_000)
        keyframes = on_air.camera.publisher.keyframe_requests
        everything = [tuple(range(start, start + 4_800)) for start in range(0, 0x10000 - 4_800, 4_800)]
        garbage = [
            bytes((0x80 | count, kind)) + struct.pack("!H", words) + os.urandom(4 * words)
            for kind in range(192, 224)
            for count in (0, 1, 15, 31)
            for words in (1, 2, 7, 60)
        ]
        compound = b"".join(PictureLossIndication(1, ssrc).encode() for ssrc in range(110))
        before = (await on_air.metrics()).drops
        for lost in everything:
            session.send_rtcp(Nack(1, video, lost).encode())
            session.send_rtcp(Nack(1, 12_345, lost).encode())
            session.send_rtcp(FullIntraRequest(1, ((video, 1),) * 150).encode())
            session.send_rtcp(compound)
            session.send_rtcp(Bye(tuple(range(31)), "x" * 255).encode())
            session.send_rtcp(SourceDescription(dict.fromkeys(range(31), "x" * 40)).encode())
        for packet in garbage:
            session.send_rtcp(packet)
        await grew(on_air, before, "nack_not_cached", "rtcp_unknown_ssrc", "rtcp_malformed")
        on_air.viewers = others
        await on_air.check_unharmed()
        assert not attacker.player.closed.done()
        # One a second and stream, however many were asked for.
        assert on_air.camera.publisher.keyframe_requests - keyframes <= 12


async def test_a_publisher_who_sends_garbage_harms_only_himself(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order) as on_air, stage(gateway, order, viewers=1) as other:
        session = other.camera.publisher.session
        (video,) = other.camera.publisher._video.values()
        dice = random.Random(7)
        index: dict[int, int] = {}

        def rtp(ssrc: int, *, payload_type: int = 96, payload: bytes = b"", extensions: bytes = b"",
                sequence: int | None = None) -> None:  # fmt: skip
            number = index[ssrc] = index.get(ssrc, 100) + 1 if sequence is None else sequence
            packet = write_rtp(payload_type=payload_type, marker=True, sequence_number=number & 0xFFFF,
                               timestamp=dice.getrandbits(32), ssrc=ssrc, payload=payload,
                               extensions=extensions)  # fmt: skip
            session.send_rtp(packet, number)

        before = (await on_air.metrics()).drops
        for payload_type in range(128):
            rtp(5_000, payload_type=payload_type, payload=os.urandom(50))
        for size in (0, 1, 2, 3, 1_100, 1_300):
            rtp(6_000, payload=os.urandom(size))
        for identifier in range(1, 15):
            for value in (b"", b"\xff", os.urandom(2), b"mid-that-is-long", os.urandom(200)):
                rtp(7_000, payload=b"\x10", extensions=encode_extensions({identifier: value}))
        overrun = (
            b"\xbe\xde\0\1\x1f\xff\xff\xff",
            b"\x10\0\0\1\1\xff\xff\xff",
            b"\xbe\xde\0\1\xff\xff\xff\xff",
        )
        for extensions in overrun:
            rtp(8_000, payload=b"\x10", extensions=extensions)
        for jump in (200, 400, 3_000, 30_000, 32_000, 60_000, 64_000, 64_001):
            rtp(9_000, payload=b"\x10\x10\0\0\x9d\1\x2a", sequence=jump)
        for ssrc in range(10_000, 10_400):
            rtp(ssrc, payload=b"\x10" + os.urandom(30))
        for _ in range(300):
            head = bytes((0x80 | dice.randrange(32), dice.randrange(200, 208)))
            session.send_rtcp(head + struct.pack("!HI", 5, video.ssrc) + dice.randbytes(16))
        session.send_rtcp(Bye((video.ssrc, 1, 2)).encode())
        await grew(on_air, before, "rtp_malformed", "rtp_unknown_ssrc", "srtp_streams", "rtcp_malformed")
        await on_air.check_unharmed()
        metrics = await on_air.metrics()
        assert metrics["gateway_sessions"] >= 5
        async with on_air.http.get(f"{gateway.url}/healthz") as response:
            assert response.status == 200

"""The forwarding loop alone, against the same bytes sent without any work.

Bursts of packets are parsed, rewritten, encrypted with AES-128-GCM and sent to every viewer by the
gateway's own fan-out; in turns with that, `sendmsg` + UDP_SEGMENT sends ready bursts of the same sizes to
the same sockets. Turns are short and interleaved, so that what else the machine does hits both alike.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import time
from collections import Counter
from collections.abc import Callable

from gateway.clock import SystemClock
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia
from gateway.protocol.rtp import parse_rtp, write_rtp
from gateway.protocol.srtp import MasterKey, OutboundSrtp, SrtpProfile
from gateway.sfu.down_track import DownTrack
from gateway.sfu.fanout import GCM_TAG_SIZE, fan_out
from gateway.sfu.packet import MediaPacket
from gateway.sfu.sublayer import Whole
from gateway.sfu.view import Profile, View
from gateway.transport.egress import UdpEgress
from loadtest.bench.figures import cores, pin, progress
from loadtest.bench.receivers import receivers

RTP_HEADER = 12
FEWER = 4
"""A crowd of so many times fewer viewers tells how the cost of a packet grows with their number."""
VIDEO = Codec(MediaKind.VIDEO, "VP8", 96, 90_000)


class _NoLink:
    """The viewers of this benchmark say nothing and are told nothing."""

    def send_rtcp(self, packet: bytes) -> None:
        """Nothing to report to."""

    def send_rtp(self, packet: bytes, index: int) -> None:
        """Nothing is resent."""

    def close(self, reason: str) -> None:
        """Nothing to close."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `fanout`."""
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--burst", type=int, default=9, help="packets a burst")
    parser.add_argument("--size", type=int, default=1_200, help="bytes a datagram")
    parser.add_argument("--plain", action="store_true", help="without transport-wide sequence numbers")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each kind")
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a turn")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure; raw and fan-out packets a second (medians over the turns), their ratio, what arrived, and how
    much more a packet costs the processor than for a quarter of the viewers."""
    ours, theirs = cores()
    pin(ours)
    with receivers(options.viewers, theirs) as sink:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        drops: Counter[str] = Counter()
        egress = UdpEgress(sock, SystemClock(), drops)
        addresses = [("127.0.0.1", port) for port in sink.ports]
        sweeps = {
            "raw": _raw_sweep(egress, addresses, options),
            "fan_out": _fan_out_sweep(egress, addresses, options),
            "few": _fan_out_sweep(egress, addresses[: len(addresses) // FEWER], options),
        }
        sizes = {"raw": len(addresses), "fan_out": len(addresses), "few": len(addresses) // FEWER}
        turns: dict[str, list[tuple[float, float]]] = {name: [] for name in sweeps}
        sent = 0
        for number in range(options.rounds):
            for name, sweep in sweeps.items():
                count, wall, cpu = _turn(sweep, options.seconds)
                packets = count * sizes[name] * options.burst
                sent += packets
                turns[name].append((packets / wall, cpu / packets * 1e6))
            progress(
                f"round {number + 1}/{options.rounds}: raw {turns['raw'][-1][0]:,.0f}, "
                f"fan-out {turns['fan_out'][-1][0]:,.0f} packets/s"
            )
        arrived = sink.finish()
        sock.close()
    return _result(options, turns, arrived / (sent * options.size), drops)


def _turn(sweep: Callable[[], None], seconds: float) -> tuple[int, float, float]:
    count, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        sweep()
        count += 1
    return count, time.perf_counter() - wall, time.process_time() - cpu


def _raw_sweep(
    egress: UdpEgress, addresses: list[tuple[str, int]], options: argparse.Namespace
) -> Callable[[], None]:
    burst = (os.urandom(options.size * options.burst),)
    ancillary = egress.segmentation(options.size)
    sendmsg = egress.sendmsg

    def sweep() -> None:
        for address in addresses:
            sendmsg(burst, ancillary, 0, address)

    return sweep


def _fan_out_sweep(
    egress: UdpEgress, addresses: list[tuple[str, int]], options: argparse.Namespace
) -> Callable[[], None]:
    media = NegotiatedMedia("0", MediaKind.VIDEO, codecs=(VIDEO,))
    viewers = []
    for number, address in enumerate(addresses, 1):
        profile = SrtpProfile.AEAD_AES_128_GCM
        key = MasterKey(profile, os.urandom(profile.key_length), os.urandom(profile.salt_length))
        viewers.append(DownTrack(media, number, None, _NoLink(), OutboundSrtp(key), address, Counter()))
    number_id, number_size = (0, 0) if options.plain else (1, 8)
    shape = View(Profile(VIDEO.payload_type, extensions=(), gcm=True, transport_cc=number_id), Whole())
    payload = os.urandom(options.size - RTP_HEADER - number_size - GCM_TAG_SIZE)
    index = 0

    def sweep() -> None:
        nonlocal index
        packets = []
        for position in range(options.burst):
            index += 1
            data = write_rtp(
                payload_type=VIDEO.payload_type,
                marker=position == options.burst - 1,
                sequence_number=index & 0xFFFF,
                timestamp=index & 0xFFFFFFFF,
                ssrc=1,
                payload=payload,
            )
            packets.append(MediaPacket(parse_rtp(data), index, keyframe=False, arrival=0.0))
        fan_out(packets, shape, viewers, egress)

    return sweep


def _result(
    options: argparse.Namespace,
    turns: dict[str, list[tuple[float, float]]],
    delivered: float,
    drops: Counter[str],
) -> dict[str, object]:
    raw = statistics.median(rate for rate, _ in turns["raw"])
    forwarded = statistics.median(rate for rate, _ in turns["fan_out"])
    pairs = zip(turns["fan_out"], turns["few"], strict=True)
    growth = statistics.median(many / few for (_, many), (_, few) in pairs)
    return {
        "benchmark": "fanout",
        "viewers": options.viewers,
        "packets_a_burst": options.burst,
        "numbered": not options.plain,
        "datagram_bytes": options.size,
        "raw_packets_per_second": raw,
        "fan_out_packets_per_second": forwarded,
        "ratio_percent": 100 * forwarded / raw,
        "raw_cpu_us_per_packet": statistics.median(cpu for _, cpu in turns["raw"]),
        "fan_out_cpu_us_per_packet": statistics.median(cpu for _, cpu in turns["fan_out"]),
        "growth_percent": 100 * (growth - 1),
        "delivered_percent": 100 * delivered,
        "drops": dict(drops),
    }

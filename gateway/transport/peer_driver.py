"""Drives one peer: datagrams in, datagrams out, one timer, and the closing reason as a future."""

from __future__ import annotations

import asyncio
from collections import Counter

from gateway.clock import Clock
from gateway.protocol.description import Address, IceCredentials
from gateway.protocol.peer import (
    AddressChanged,
    Closed,
    Connected,
    Disconnected,
    Failed,
    PeerConnection,
    Reconnected,
)
from gateway.protocol.srtp import SrtpError
from gateway.sfu.state import PublisherState, ViewerState
from gateway.transport.egress import UdpEgress
from gateway.transport.endpoints import Endpoint
from gateway.transport.udp_mux import UdpMux


class PeerDriver:
    """Implements `MuxedPeer` for the socket, `MediaLink` for the SFU, `MediaSession` for signalling.

    After every mutation of the peer its output is drained, then its timer armed anew.
    """

    def __init__(
        self,
        peer: PeerConnection,
        endpoint: Endpoint,
        ufrag: str,
        mux: UdpMux,
        egress: UdpEgress,
        clock: Clock,
        drops: Counter[str],
    ) -> None:
        self._peer = peer
        self._endpoint = endpoint
        self._mux = mux
        self._egress = egress
        self._clock = clock
        self._drops = drops
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._endpoint_due = float("inf")
        self._shut = False
        self.addresses: list[Address] = []
        self.closed: asyncio.Future[str] = self._loop.create_future()
        mux.add(ufrag, self)
        self._arm()

    def on_control(self, data: bytes, address: Address, now: float) -> bool:
        """Take STUN or DTLS; True when this datagram proves that the address is this peer's."""
        proven = self._peer.receive(data, address, now)
        self._drain(now)
        return proven

    def holds(self, address: Address, now: float) -> bool:
        """Whether authentic media came from `address` a moment ago."""
        return self._peer.holds(address, now)

    def on_rtp(self, data: bytes, address: Address, now: float) -> None:
        """Take an SRTP packet."""
        packet = self._peer.unprotect_rtp(data, address, now)
        if packet is not None:
            self._endpoint.on_rtp(packet, now)
        if self._peer.has_events:
            self._drain(now)

    def on_rtcp(self, data: bytes, address: Address, now: float) -> None:
        """Take an SRTCP packet."""
        packet = self._peer.unprotect_rtcp(data, address, now)
        if packet is not None:
            self._endpoint.on_rtcp(packet, now)
            due = self._endpoint.next_timer()
            if due is not None and due < self._endpoint_due:
                self._endpoint_due = due
                self._arm()
        if self._peer.has_events:
            self._drain(now)

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send RTCP; counted and dropped while there is no way to the peer."""
        outbound, address = self._peer.outbound, self._peer.address
        if outbound is None or address is None:
            self._drops["rtcp_without_peer"] += 1
            return
        try:
            self._egress.send(outbound.protect_rtcp(packet), address)
        except SrtpError as error:
            self._drops[f"srtcp_protect_{error.reason}"] += 1

    def send_rtp(self, packet: bytes, index: int) -> None:
        """Protect and send one RTP packet."""
        outbound, address = self._peer.outbound, self._peer.address
        if outbound is None or address is None:
            self._drops["rtp_without_peer"] += 1
            return
        try:
            self._egress.send(outbound.protect_rtp(packet, index), address)
        except SrtpError as error:
            self._drops[f"srtp_protect_{error.reason}"] += 1

    def restart_ice(self, local: IceCredentials, remote: IceCredentials) -> None:
        """Begin a new ICE generation."""
        now = self._clock.monotonic()
        self._peer.restart_ice(local, remote)
        self._mux.add(local.ufrag, self)
        self._drain(now)

    def select_layer(self, rid: str | None, max_height: int | None, mid: str | None = None) -> None:
        """What the viewer would like to see, on the main line or another."""
        self._endpoint.select_layer(rid, max_height, mid, self._clock.monotonic())

    def select_camera(self, camera: str | None, mid: str | None = None) -> None:
        """Which camera the viewer would like to see, on the main lines or another."""
        self._endpoint.select_camera(camera, mid, self._clock.monotonic())

    def state(self) -> ViewerState | PublisherState:
        """A snapshot of what is played or published."""
        return self._endpoint.state(self._clock.monotonic())

    def close(self, reason: str) -> None:
        """Say goodbye and be gone; idempotent, never raises."""
        if self._shut:
            return
        self._shut = True
        now = self._clock.monotonic()
        if self._timer is not None:
            self._timer.cancel()
        self._endpoint.ended(now)
        self._peer.close()
        self._send_pending()
        self._mux.remove(self)
        if not self.closed.done():
            self.closed.set_result(reason)

    def _send_pending(self) -> None:
        for datagram, address in self._peer.take_datagrams():
            self._egress.send(datagram, address)

    def _drain(self, now: float) -> None:
        self._send_pending()
        for event in self._peer.take_events():
            match event:
                case Connected():
                    self._connected(now)
                case AddressChanged(address):
                    self._endpoint.moved(address)
                case Disconnected():
                    self._endpoint.lost()
                case Reconnected():
                    self._endpoint.found()
                case Failed(reason) | Closed(reason):
                    self.close(reason)
        self._arm()

    def _connected(self, now: float) -> None:
        outbound, address = self._peer.outbound, self._peer.address
        assert outbound is not None
        assert address is not None
        self._endpoint.connected(self, outbound, address, now)
        self._endpoint_due = self._endpoint.on_timer(now)

    def _arm(self) -> None:
        """Keep one timer, for whichever of peer and endpoint is due first."""
        if self._shut:
            return
        peer_due = self._peer.next_timer()
        due = self._endpoint_due if peer_due is None else min(peer_due, self._endpoint_due)
        if due == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        delay = max(0.0, due - self._clock.monotonic())
        self._timer = None if due == float("inf") else self._loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        now = self._clock.monotonic()
        self._timer, self._timer_at = None, float("inf")
        self._peer.handle_timer(now)
        if now >= self._endpoint_due and not self._shut:
            self._endpoint_due = self._endpoint.on_timer(now)
        self._drain(now)

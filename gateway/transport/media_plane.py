"""The media plane: the socket, the rooms, and the sessions between them."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import ifaddr

from gateway.clock import Clock
from gateway.log import get_logger
from gateway.protocol.description import Candidate, Codec, MediaKind
from gateway.protocol.dtls import Certificate
from gateway.protocol.peer import PeerConnection
from gateway.sfu.packet_cache import CAPACITY
from gateway.sfu.publisher import Publisher
from gateway.sfu.room import Rooms
from gateway.sfu.state import CameraState
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.talk.channel import TalkChannel
from gateway.sfu.viewing import Viewing
from gateway.signalling.messages import TALK_CAMERA
from gateway.signalling.ports import SessionKind, SessionSpec
from gateway.transport.egress import UdpEgress
from gateway.transport.endpoints import Endpoint, PublishingEndpoint, WatchingEndpoint
from gateway.transport.peer_driver import PeerDriver
from gateway.transport.talk_endpoints import ListeningEndpoint, TalkingEndpoint
from gateway.transport.talk_parts import Listening, Talking
from gateway.transport.udp_mux import UdpMux, open_media_socket

_HOST_PREFERENCE = 126
"""Type preference of host candidates (RFC 8445 section 5.1.2.2)."""

log = get_logger("gateway.transport.media")


def own_addresses(host: str) -> list[str]:
    """Addresses to announce when none are configured: what the socket is bound to, or the machine's own.

    Loopback only where the socket is bound to it; link-local never; IPv4 first, since some players
    (FFmpeg) look at the first candidate only.
    """
    bound = ipaddress.ip_address(host)
    if not bound.is_unspecified:
        return [host]
    found = [
        ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for a in ifaddr.get_adapters()
        for ip in a.ips
    ]
    usable = [
        ip
        for ip in found
        if not (ip.is_loopback or ip.is_link_local) and (ip.version == 4 or bound.version == 6)
    ]
    return [str(ip) for ip in sorted(usable, key=lambda ip: ip.version)] or ["127.0.0.1"]


def host_candidates(addresses: Sequence[str], port: int) -> tuple[Candidate, ...]:
    """UDP host candidates, best first (RFC 8445 section 5.1.2.1)."""
    return tuple(
        Candidate(
            foundation=str(place + 1),
            component=1,
            transport="udp",
            priority=(_HOST_PREFERENCE << 24) | ((0xFFFF - place) << 8) | 0xFF,
            host=address,
            port=port,
        )
        for place, address in enumerate(addresses)
    )


class UdpMediaPlane:
    """Implements `signalling.ports.MediaPlane` on one UDP socket.

    `layer_cache` bounds in bytes what each layer keeps. `start` binds and reads; `open` needs a running loop.
    `stop` is idempotent and ends what is left.
    """

    def __init__(
        self,
        host: str,
        port: int,
        announced: Sequence[str],
        clock: Clock,
        drops: Counter[str],
        publisher_patience: float = 60.0,
        layer_cache: int = CAPACITY,
    ) -> None:
        self._clock = clock
        self._drops = drops
        self._patience = publisher_patience
        self._layer_cache = layer_cache
        self._certificate = Certificate.generate()
        self._socket: socket.socket = open_media_socket(host, port)
        self._egress = UdpEgress(self._socket, clock, drops)
        self._mux = UdpMux(self._socket, clock, drops, self._after_batch, self._egress.load.worked)
        self._drivers: set[PeerDriver] = set()
        self._callbacks: list[Callable[[str], None]] = []
        self._announcement: asyncio.Handle | None = None
        self._to_announce: set[str] = set()
        self._layer_callbacks: list[Callable[[str], None]] = []
        self._talk_callbacks: list[Callable[[str], None]] = []
        self._talks_to_announce: set[str] = set()
        self._layers_to_announce: set[str] = set()
        self.rooms = Rooms(self._egress, self._changed, self._talk_changed)
        self.port: int = self._socket.getsockname()[1]
        self.fingerprint = self._certificate.fingerprint
        self.candidates = host_candidates(announced or own_addresses(host), self.port)

    def start(self) -> None:
        """Begin to read the socket."""
        self._mux.start()
        log.info("media port open", port=self.port, announced=[c.host for c in self.candidates])

    def stop(self) -> None:
        """Close every session and the socket; idempotent."""
        for driver in list(self._drivers):
            driver.close("shutdown")
        if self._announcement is not None:
            self._announcement.cancel()
        self._mux.stop()
        self._socket.close()

    def open(self, spec: SessionSpec) -> PeerDriver:
        """Start a session as negotiated."""
        now = self._clock.monotonic()
        negotiated = spec.negotiated
        peer = PeerConnection(
            certificate=self._certificate,
            local_ice=spec.local_ice,
            remote_ice=negotiated.remote_ice,
            dtls_role=negotiated.dtls_role,
            remote_fingerprints=negotiated.remote_fingerprints,
            now=now,
            drops=self._drops,
        )
        driver = PeerDriver(
            peer,
            self._endpoint(spec),
            spec.local_ice.ufrag,
            self._mux,
            self._egress,
            self._clock,
            self._drops,
        )
        self._drivers.add(driver)
        driver.closed.add_done_callback(lambda _: self._drivers.discard(driver))
        return driver

    def _endpoint(self, spec: SessionSpec) -> Endpoint:
        talks = spec.camera == TALK_CAMERA
        if spec.kind is SessionKind.WHIP:
            return self._talking_endpoint(spec) if talks else self._publishing_endpoint(spec)
        return self._listening_endpoint(spec) if talks else self._watching_endpoint(spec)

    def _publisher(self, spec: SessionSpec) -> Publisher:
        return Publisher(spec.negotiated, self.rooms.mark_dirty, self._drops, self._layer_cache)

    def _subscriber(self, spec: SessionSpec) -> Subscriber:
        changed = partial(self._layer_changed, spec.session_id)
        return Subscriber(spec.negotiated, spec.senders, self._drops, changed)

    def _talking(self, spec: SessionSpec, *, standing: bool) -> Talking:
        room = self.rooms.room(spec.order_id)
        publisher = self._publisher(spec)
        return Talking(room, spec.viewer_id, publisher, self._clock, self._drops, standing=standing)

    def _publishing_endpoint(self, spec: SessionSpec) -> Endpoint:
        camera = self.rooms.enter(spec.order_id, spec.camera)
        listener = self._subscriber(spec) if spec.senders else None
        publisher = self._publisher(spec)
        return PublishingEndpoint(spec.order_id, camera, self.rooms, publisher, self._clock, listener)

    def _watching_endpoint(self, spec: SessionSpec) -> Endpoint:
        sends = any(not media.rejected and media.mid not in spec.senders for media in spec.negotiated.media)
        talking = self._talking(spec, standing=False) if sends else None
        room, now = self.rooms.room(spec.order_id), self._clock.monotonic()
        return WatchingEndpoint(
            spec.order_id,
            self.rooms,
            Viewing(room, spec.camera, self._subscriber(spec), now, only=spec.only_camera),
            self._clock,
            self._patience,
            self._drops,
            changed=partial(self._layer_changed, spec.session_id),
            talking=talking,
        )

    def _talking_endpoint(self, spec: SessionSpec) -> Endpoint:
        return TalkingEndpoint(spec.order_id, self.rooms, self._talking(spec, standing=True))

    def _listening_endpoint(self, spec: SessionSpec) -> Endpoint:
        listening = Listening(self.rooms.room(spec.order_id), self._subscriber(spec))
        return ListeningEndpoint(spec.order_id, self.rooms, listening, self._clock, self._drops)

    def published(self, order_id: str, camera: str) -> Mapping[MediaKind, Codec] | None:
        """What is live on the camera now; None when nobody publishes."""
        room = self.rooms.get(order_id)
        place = room.cameras.get(camera) if room else None
        if place is None or place.publisher is None or not place.live:
            return None
        return place.publisher.codecs()

    def cameras(self, order_id: str) -> list[CameraState]:
        """The order's cameras with their layers."""
        room = self.rooms.get(order_id)
        now = self._clock.monotonic()
        return [camera.state(now) for camera in room.cameras.values()] if room else []

    def attend_talk(self, order_id: str) -> TalkChannel:
        """The order's return audio, in a room that is made when it is new, and kept."""
        return self.rooms.attend(order_id).talk

    def leave_talk(self, order_id: str) -> None:
        """Who attended is gone: so is the room, where nobody else is in it."""
        self.rooms.leave(order_id)

    def viewers(self, order_id: str) -> int:
        """How many connected sessions watch the order."""
        room = self.rooms.get(order_id)
        return room.viewers() if room else 0

    @property
    def max_segments(self) -> int:
        """Packets that one system call may carry."""
        return self._egress.max_segments

    @property
    def load(self) -> float:
        """The part of its time, 0 to 1, that the loop spent on media lately."""
        return self._egress.load.share

    @property
    def datagrams_received(self) -> int:
        """Datagrams read so far."""
        return self._mux.received

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call back with the order's id after its cameras or viewer count changed."""
        self._callbacks.append(callback)

    def on_talk_change(self, callback: Callable[[str], None]) -> None:
        """Call back with the order's id after the floor or who speaks on it changed."""
        self._talk_callbacks.append(callback)

    def on_layer_change(self, callback: Callable[[str], None]) -> None:
        """Call back with a session's id after what it plays, or what it asks for, changed."""
        self._layer_callbacks.append(callback)

    def _after_batch(self, now: float) -> None:
        self.rooms.flush(now)

    def _changed(self, order_id: str) -> None:
        """Tell listeners soon, outside the packet path."""
        self._to_announce.add(order_id)
        self._announce_soon()

    def _layer_changed(self, session_id: str) -> None:
        self._layers_to_announce.add(session_id)
        self._announce_soon()

    def _talk_changed(self, order_id: str) -> None:
        self._talks_to_announce.add(order_id)
        self._announce_soon()

    def _announce_soon(self) -> None:
        if self._announcement is None:
            self._announcement = asyncio.get_running_loop().call_soon(self._announce)

    def _announce(self) -> None:
        self._announcement = None
        for subjects, callbacks in (
            (self._to_announce, self._callbacks),
            (self._layers_to_announce, self._layer_callbacks),
            (self._talks_to_announce, self._talk_callbacks),
        ):
            changed = list(subjects)
            subjects.clear()
            for subject in changed:
                for callback in callbacks:
                    callback(subject)

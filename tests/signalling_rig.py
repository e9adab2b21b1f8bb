"""The real signalling and API on an in-memory media plane, for tests that ask about HTTP, not media."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from gateway.access.conversation import Conversations
from gateway.access.grants import Grant, Scope
from gateway.access.live_access import LiveAccesses
from gateway.access.orders import Orders
from gateway.access.tokens import Tokens
from gateway.api import Services, create_app
from gateway.clock import Clock, SystemClock
from gateway.config import Settings
from gateway.errors import GatewayError, NotFound, Unauthenticated
from gateway.protocol.description import Candidate, Codec, Fingerprint, IceCredentials, MediaKind
from gateway.sfu.room import Rooms
from gateway.sfu.state import CameraState, LayerState, PublisherState, ViewerState
from gateway.sfu.talk.channel import TalkChannel
from gateway.signalling.ice_servers import IceServers
from gateway.signalling.messages import OfferRequest
from gateway.signalling.opening import Doorkeeper, SessionOpener
from gateway.signalling.people import ViewerIds
from gateway.signalling.playback import PlaybackBook
from gateway.signalling.ports import SessionKind, SessionSpec
from gateway.signalling.resource import SessionResource
from gateway.signalling.revocation import RevocationWatcher
from gateway.signalling.sessions import Session, SessionRegistry
from gateway.signalling.whep import WhepService
from gateway.signalling.whip import WhipService
from tests.unit.access.fakes import ConversationsInMemory
from tests.unit.sfu.fakes import FakeEgress

OFFERS = Path(__file__).parent / "conformance" / "offers"
SECRET = "a secret of the tests that is long enough"
ORDER = "11111111-2222-4333-8444-555555555555"
OTHER_ORDER = "99999999-2222-4333-8444-555555555555"
SDP = {"Content-Type": "application/sdp"}


def offer(name: str) -> str:
    """A recorded offer of a real client."""
    return (OFFERS / f"{name}.sdp").read_bytes().decode()


PUBLISH_OFFER = offer("chromium-156-publish-vp8")
PLAY_OFFER = offer("chromium-156-play")


LAYERS = (
    LayerState("l", 320, 180, 15.0, 150_000, True),
    LayerState("h", 640, 360, 30.0, 500_000, True),
    LayerState("f", 1280, 720, 30.0, 1_700_000, True),
)


class FakeSession:
    """Remembers what it was told. `hang` makes its goodbye take for ever."""

    def __init__(self, plane: FakePlane, spec: SessionSpec) -> None:
        self.spec = spec
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.restarts: list[tuple[IceCredentials, IceCredentials]] = []
        self.wishes: list[tuple[str | None, int | None]] = []
        self.cameras: list[tuple[str | None, str | None]] = []
        self.playing: LayerState | None = LAYERS[-1]
        self.hang = False
        self._plane = plane

    def restart_ice(self, local: IceCredentials, remote: IceCredentials) -> None:
        self._plane.fail()
        self.restarts.append((local, remote))

    def select_camera(self, camera: str | None, mid: str | None = None) -> None:
        self.cameras.append((camera, mid))
        self._plane.layer_changed(self.spec.session_id)

    def select_layer(self, rid: str | None, max_height: int | None, mid: str | None = None) -> None:
        self.wishes.append((rid, max_height))
        self.play(next((x for x in LAYERS if x.rid == rid), self.playing))

    def play(self, layer: LayerState | None) -> None:
        """From now on this layer, as far as anybody can tell."""
        self.playing = layer
        self._plane.layer_changed(self.spec.session_id)

    def state(self) -> ViewerState | PublisherState:
        camera = self.spec.camera
        if self.spec.kind is SessionKind.WHIP:
            return PublisherState(camera, 1_200_000, 0.01, LAYERS)
        rid, max_height = self.wishes[-1] if self.wishes else (None, None)
        return ViewerState(camera, self.playing, rid, max_height, 3_000_000.0, 0.03, 0.0)

    def close(self, reason: str) -> None:
        self._plane.gone(self)
        if not self.closed.done() and not self.hang:
            self.closed.set_result(reason)


class FakePlane:
    """A media plane without media: what is open is live."""

    def __init__(self) -> None:
        self.candidates = (Candidate("1", 1, "udp", 2_130_706_431, "192.0.2.7", 8189),)
        self.fingerprint = Fingerprint("sha-256", ":".join(["AB"] * 32))
        self.open_sessions: dict[str, FakeSession] = {}
        self.opened: list[FakeSession] = []
        self.failure: GatewayError | None = None
        self.layers: tuple[LayerState, ...] = ()
        """Of every camera that somebody publishes on."""
        self._callbacks: list[Callable[[str], None]] = []
        self._layer_callbacks: list[Callable[[str], None]] = []
        self._talk_callbacks: list[Callable[[str], None]] = []
        self.rooms = Rooms(FakeEgress(), lambda _: None, self.talk_changed)
        """For return audio; sessions of the fake leave no trace in them."""

    def fail(self) -> None:
        """Raise the failure that a test has asked for, once."""
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure

    def open(self, spec: SessionSpec) -> FakeSession:
        self.fail()
        session = FakeSession(self, spec)
        self.open_sessions[spec.session_id] = session
        self.opened.append(session)
        self.announce(spec.order_id)
        return session

    def gone(self, session: FakeSession) -> None:
        if self.open_sessions.pop(session.spec.session_id, None) is not None:
            self.announce(session.spec.order_id)

    def announce(self, order_id: str) -> None:
        for callback in self._callbacks:
            callback(order_id)

    def published(self, order_id: str, camera: str) -> Mapping[MediaKind, Codec] | None:
        for session in self._of(order_id, SessionKind.WHIP):
            if session.spec.camera == camera:
                media = session.spec.negotiated.media
                return {m.kind: m.codecs[0] for m in media if m.kind is not None and m.codecs}
        return None

    def cameras(self, order_id: str) -> list[CameraState]:
        publishers = self._of(order_id, SessionKind.WHIP)
        return [CameraState(s.spec.camera, True, 1_790_000_000.0, "VP8", self.layers) for s in publishers]

    def viewers(self, order_id: str) -> int:
        return len(self._of(order_id, SessionKind.WHEP))

    def attend_talk(self, order_id: str) -> TalkChannel:
        return self.rooms.attend(order_id).talk

    def leave_talk(self, order_id: str) -> None:
        self.rooms.leave(order_id)

    def on_talk_change(self, callback: Callable[[str], None]) -> None:
        self._talk_callbacks.append(callback)

    def talk_changed(self, order_id: str) -> None:
        """Something to be seen has changed on the floor."""
        for callback in self._talk_callbacks:
            callback(order_id)

    def on_layer_change(self, callback: Callable[[str], None]) -> None:
        self._layer_callbacks.append(callback)

    def layer_changed(self, session_id: str) -> None:
        """What the session plays has changed."""
        for callback in self._layer_callbacks:
            callback(session_id)

    def on_change(self, callback: Callable[[str], None]) -> None:
        self._callbacks.append(callback)

    def _of(self, order_id: str, kind: SessionKind) -> list[FakeSession]:
        specs = self.open_sessions.values()
        return [s for s in specs if s.spec.order_id == order_id and s.spec.kind is kind]


class FakeLedger:
    """Accesses that end when a test says so; orders that exist by name."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.asked: list[frozenset[str]] = []
        self.failure: Exception | None = None

    async def ended(self, stream_ids: Collection[str]) -> set[str]:
        self.asked.append(frozenset(stream_ids))
        if self.failure is not None:
            raise self.failure
        return self.gone & set(stream_ids)

    async def require_alive(self, grant: Grant) -> None:
        if grant.stream_id in self.gone:
            raise Unauthenticated("the access has ended")

    async def get(self, order_id: str) -> str:
        if order_id not in {ORDER, OTHER_ORDER}:
            raise NotFound("no such order")
        return order_id


def grant(
    *scopes: Scope,
    subject: str = "somebody",
    order_id: str | None = ORDER,
    stream_id: str | None = None,
    camera: str | None = None,
    expires_at: float = 4_000_000_000.0,
) -> Grant:
    """What a token would allow."""
    return Grant(subject, frozenset(scopes), order_id, stream_id, camera, expires_at, "token-id")


@dataclass
class Rig:
    """Everything below HTTP."""

    plane: FakePlane
    ledger: FakeLedger
    services: Services
    tokens: Tokens
    glass_to_glass: list[float]
    first_frame: list[float]
    """What players' reports added to the distributions."""

    @property
    def sessions(self) -> SessionRegistry:
        return self.services.sessions

    def token(self, *scopes: Scope, subject: str = "somebody", ttl: float = 900, **claims: Any) -> str:
        """A signed token for ORDER unless `claims` say otherwise."""
        claims.setdefault("order_id", ORDER)
        return self.tokens.issue(subject=subject, scopes=scopes, ttl=ttl, **claims).token

    def bearer(self, *scopes: Scope, **claims: Any) -> dict[str, str]:
        """The Authorization header of such a token."""
        return {"Authorization": f"Bearer {self.token(*scopes, **claims)}"}


def make_rig(
    *,
    clock: Clock | None = None,
    capacity: int = 100,
    settings: Settings | None = None,
    turn_secret: str | None = None,
    pages: Path = Path("pages-that-nobody-built"),
) -> Rig:
    """Real use cases on fakes at their ports."""
    clock = clock or SystemClock()
    plane, ledger, drops = FakePlane(), FakeLedger(), Counter[str]()
    sessions = SessionRegistry(clock=clock, media=plane, drops=drops, capacity=capacity)
    doorkeeper = Doorkeeper(orders=ledger, ledger=ledger)
    ice_servers = IceServers(
        clock=clock,
        stun_urls=("stun:stun.example.com:3478",),
        turn_urls=("turn:turn.example.com:3478?transport=udp",),
        secret=turn_secret,
    )
    tokens = Tokens(SECRET, clock)
    viewer_ids = ViewerIds(SECRET.encode())
    opener = SessionOpener(
        media=plane,
        sessions=sessions,
        doorkeeper=doorkeeper,
        ice_servers=ice_servers,
        viewer_ids=viewer_ids,
    )
    glass_to_glass, first_frame = list[float](), list[float]()
    services = Services(
        settings=settings or Settings(),
        clock=clock,
        tokens=tokens,
        accesses=cast("LiveAccesses", ledger),
        orders=cast("Orders", ledger),
        conversations=Conversations(ConversationsInMemory(), cast("Orders", ledger), clock),
        media=plane,
        sessions=sessions,
        revocation=RevocationWatcher(ledger=ledger, sessions=sessions, drops=drops, interval=0.02),
        resource=SessionResource(media=plane, sessions=sessions),
        whip=WhipService(opener),
        whep=WhepService(opener),
        viewer_ids=viewer_ids,
        playback=PlaybackBook(
            media=plane,
            sessions=sessions,
            observe_glass_to_glass=glass_to_glass.append,
            observe_first_frame=first_frame.append,
        ),
        ice_servers=ice_servers,
        metrics=CollectorRegistry(),
        drops=drops,
        pages=pages,
    )
    return Rig(plane, ledger, services, tokens, glass_to_glass, first_frame)


async def publish(rig: Rig, *, subject: str = "technician", camera: str = "main") -> Session:
    """A session that publishes."""
    who = grant(Scope.PUBLISH, subject=subject)
    request = OfferRequest(grant=who, order_id=ORDER, sdp=PUBLISH_OFFER, camera=camera)
    return rig.sessions.get((await rig.services.whip.publish(request)).session_id)


async def watch(rig: Rig, *, subject: str = "anna", camera: str = "main") -> Session:
    """A session that plays a camera somebody publishes on."""
    who = grant(Scope.WATCH, subject=subject)
    request = OfferRequest(grant=who, order_id=ORDER, sdp=PLAY_OFFER, camera=camera)
    return rig.sessions.get((await rig.services.whep.play(request)).session_id)


Http = TestClient[Any, Any]


@asynccontextmanager
async def serving(rig: Rig) -> AsyncIterator[Http]:
    """The real application on a loopback port."""
    server = TestServer(create_app(rig.services))
    await server.start_server(shutdown_timeout=5.0)
    client = TestClient(server)
    try:
        yield client
    finally:
        await rig.sessions.stop(deadline=1.0)
        await client.close()

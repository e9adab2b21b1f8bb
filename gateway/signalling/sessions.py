"""The registry of live sessions: one owned task a session, from 201 until its closing reason.

Who ends a session, and with which reason: its DELETE ("deleted"), its media ("failed" and the like),
its token ("expired"), its access ("revoked"), the technician ("kicked"), a newer publisher of the same
person ("replaced"), the process ("shutdown"). However it ends, it is first forgotten (its URL answers 404),
then its media is closed, then its task tells the listeners, waits for the media's goodbye and returns the
reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.access.grants import Grant, Scope
from gateway.clock import Clock
from gateway.errors import Conflict, NotFound, Unavailable
from gateway.log import get_logger
from gateway.protocol.description import IceCredentials
from gateway.signalling.bans import Bans
from gateway.signalling.messages import TALK_CAMERA
from gateway.signalling.ports import MediaPlane, MediaSession, SessionKind, SessionSpec
from gateway.signalling.session_index import SessionIndex

DEFAULT_CAPACITY = 4_000
MAX_TALKS = 8
"""Plain return-audio sessions of one person in one order: a family may share a login."""
RETRY_CONFLICT = 5.0
"""Seconds after which another publisher may ask again."""
RETRY_DRAINING = 5.0
_LONGEST_SLEEP = 60.0
"""Seconds between looks at the wall clock, which may be stepped while a session sleeps."""
_GOODBYE = 1.0
"""Seconds that the media side has for its BYE and close_notify."""
_KEPT_UFRAGS = 8

log = get_logger("gateway.signalling.sessions")


def new_session_id() -> str:
    """192 random bits, safe in a path: the id is a capability."""
    return secrets.token_urlsafe(24)


def new_etag() -> str:
    """A strong entity tag for one ICE session."""
    return f'"{secrets.token_urlsafe(9)}"'


@dataclass(slots=True, eq=False)
class Session:
    """One live session. Only the registry and the session resource change it."""

    spec: SessionSpec = field(repr=False)
    media: MediaSession = field(repr=False)
    subject: str
    stream_id: str | None
    staff: bool
    """Whether its person is of the workshop."""
    admin: bool
    """Whether its person is an administrator."""
    opened_at: float
    """Unix seconds."""
    expires_at: float
    ended: asyncio.Future[str] = field(repr=False)
    local_ice: IceCredentials
    remote_ice: IceCredentials
    etag: str = field(default_factory=new_etag)
    past_ufrags: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_UFRAGS))
    """The peer's ufrags of earlier generations: a late fragment bearing one is no restart."""

    @property
    def session_id(self) -> str:
        return self.spec.session_id

    @property
    def viewer_id(self) -> str:
        """What others may know its person by: unlike the session's id it opens nothing."""
        return self.spec.viewer_id

    @property
    def kind(self) -> SessionKind:
        return self.spec.kind

    @property
    def order_id(self) -> str:
        return self.spec.order_id

    @property
    def camera(self) -> str:
        return self.spec.camera

    def belongs_to(self, grant: Grant) -> bool:
        """Whether the bearer of `grant` may act on this session."""
        return grant.is_admin or (grant.subject == self.subject and grant.order_id == self.order_id)


ClosedCallback = Callable[[Session, str], None]
RenewedCallback = Callable[[str, str | None, float], None]


class SessionRegistry:
    """All sessions of the process. Every method is to be called on the event loop's thread."""

    def __init__(
        self, *, clock: Clock, media: MediaPlane, drops: Counter[str], capacity: int = DEFAULT_CAPACITY
    ) -> None:
        self._clock = clock
        self._media = media
        self._drops = drops
        self._capacity = capacity
        self._sessions: dict[str, Session] = {}
        self._publishers: dict[tuple[str, str], Session] = {}
        self.index = SessionIndex()
        self.bans = Bans(clock)
        self._tasks: set[asyncio.Task[str]] = set()
        self._on_closed: list[ClosedCallback] = []
        self._on_draining: list[Callable[[], None]] = []
        self._on_renewed: list[RenewedCallback] = []
        self.draining = False

    def __len__(self) -> int:
        return len(self._sessions)

    def admit(self) -> None:
        """Refuse new work early.

        Raises:
            Unavailable: draining, or as many sessions as the process may carry.
        """
        self._refuse_when_draining()
        if len(self._sessions) >= self._capacity:
            raise Unavailable("all sessions taken", retry_after=RETRY_DRAINING)

    def admit_publisher(self, order_id: str, camera: str, subject: str) -> None:
        """Refuse a publisher early.

        Raises:
            Unavailable: see `admit`; one who takes over takes no further place.
            Conflict: another subject publishes on the camera.
        """
        self._refuse_when_draining()
        current = self._publishers.get((order_id, camera))
        if current is None:
            self.admit()
        if current is not None and current.subject != subject:
            raise Conflict("another publisher is active on this camera", retry_after=RETRY_CONFLICT)

    def open(self, spec: SessionSpec, grant: Grant) -> Session:
        """Open the media side and own the session from here on.

        A publisher of the same subject on the same camera is closed first ("replaced"): a studio that
        lost its connection comes back before its old session is noticed to be dead. Return audio has room
        for `MAX_TALKS` of a person, then the oldest goes.

        Raises:
            Kicked: the person was sent out of the order.
            Unavailable, Conflict: see `admit` and `admit_publisher`.
            GatewayError: from the media plane; nothing is registered then.
        """
        self.bans.check(spec.order_id, spec.subject)
        publishes = spec.kind is SessionKind.WHIP
        if publishes:
            self.admit_publisher(spec.order_id, spec.camera, spec.subject)
            self._end_all(self._replaced_by(spec), "replaced")
        else:
            self.admit()
        session = Session(
            spec=spec,
            media=self._media.open(spec),
            subject=spec.subject,
            stream_id=grant.stream_id,
            staff=grant.allows(Scope.PUBLISH, spec.order_id),
            admin=grant.is_admin,
            opened_at=self._clock.time(),
            expires_at=grant.expires_at,
            ended=asyncio.get_running_loop().create_future(),
            local_ice=spec.local_ice,
            remote_ice=spec.negotiated.remote_ice,
        )
        self._sessions[spec.session_id] = session
        self.index.add(session)
        if publishes:
            self._publishers[_slot(spec)] = session
        task = asyncio.create_task(self._live(session), name=f"session-{spec.kind}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        log.info("session opened", kind=spec.kind.value, order=spec.order_id, camera=spec.camera)
        return session

    def _replaced_by(self, spec: SessionSpec) -> Sequence[Session]:
        if spec.camera == TALK_CAMERA:
            mine = self.index.of_person(spec.order_id, spec.subject)
            talks = [x for x in mine if x.kind is SessionKind.WHIP and x.camera == TALK_CAMERA]
            return talks[: max(0, len(talks) - MAX_TALKS + 1)]
        zombie = self._publishers.get(_slot(spec))
        return () if zombie is None else (zombie,)

    def get(self, session_id: str) -> Session:
        """The live session with this id.

        Raises:
            NotFound: never existed or has ended.
        """
        session = self.find(session_id)
        if session is None:
            raise NotFound("no such session")
        return session

    def find(self, session_id: str) -> Session | None:
        """The live session with this id, if it lives."""
        return self._sessions.get(session_id)

    def publishers(self) -> tuple[Session, ...]:
        """The live sessions that publish: at most one a camera, and those of return audio."""
        return tuple(self._publishers.values())

    def count(self, kind: SessionKind) -> int:
        """How many live sessions publish, or play."""
        publishing = len(self._publishers)
        return publishing if kind is SessionKind.WHIP else len(self._sessions) - publishing

    def sessions(self) -> tuple[Session, ...]:
        """All live sessions."""
        return tuple(self._sessions.values())

    def stream_ids(self) -> frozenset[str]:
        """The accesses that live sessions hang on."""
        return frozenset(s.stream_id for s in self._sessions.values() if s.stream_id is not None)

    def close(self, session_id: str, reason: str = "deleted") -> None:
        """End one session.

        Raises:
            NotFound: never existed or has ended.
        """
        self._end(self.get(session_id), reason)

    def close_streams(self, stream_ids: Collection[str], reason: str = "revoked") -> int:
        """End every session opened with one of these accesses; returns how many."""
        return self._end_all((s for s in self.sessions() if s.stream_id in stream_ids), reason)

    def kick(self, order_id: str, subject: str) -> int:
        """End one person's sessions in an order, and open none for it for a while; returns how many ended."""
        self.bans.add(order_id, subject)
        return self._end_all(self.index.of_person(order_id, subject), "kicked")

    def renew(self, *, subject: str, stream_id: str | None, expires_at: float) -> int:
        """A token was renewed: its bearer's sessions live until `expires_at`; returns how many."""
        renewed = 0
        for session in self._sessions.values():
            if session.subject == subject and session.stream_id == stream_id:
                session.expires_at = max(session.expires_at, expires_at)
                renewed += 1
        for callback in self._on_renewed:
            callback(subject, stream_id, expires_at)
        return renewed

    def on_closed(self, callback: ClosedCallback) -> None:
        """Call back with the session and its reason, once it is forgotten and its media told to close."""
        self._on_closed.append(callback)

    def on_draining(self, callback: Callable[[], None]) -> None:
        """Call back once when the process stops taking sessions."""
        self._on_draining.append(callback)

    def on_renewed(self, callback: RenewedCallback) -> None:
        """Call back with subject, stream id and the new expiry."""
        self._on_renewed.append(callback)

    def drain(self) -> None:
        """Refuse new sessions from now on; those that run go on. Idempotent."""
        if self.draining:
            return
        self.draining = True
        for callback in self._on_draining:
            callback()

    async def stop(self, deadline: float = 5.0) -> None:
        """Drain, end all sessions and wait for their tasks at most `deadline` seconds. Idempotent."""
        self.drain()
        self._end_all(self.sessions(), "shutdown")
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=deadline)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    def _refuse_when_draining(self) -> None:
        if self.draining:
            raise Unavailable("draining", retry_after=RETRY_DRAINING)

    def _end_all(self, sessions: Iterable[Session], reason: str) -> int:
        ended = 0
        for session in sessions:
            self._end(session, reason)
            ended += 1
        return ended

    def _end(self, session: Session, reason: str) -> None:
        """Forget, then close; the task does the rest. Idempotent: the first reason stays."""
        if session.ended.done():
            return
        session.ended.set_result(reason)
        self._sessions.pop(session.session_id, None)
        self.index.remove(session)
        slot = _slot(session.spec)
        if self._publishers.get(slot) is session:  # a zombie never frees its successor's slot
            del self._publishers[slot]
        session.media.close(reason)

    async def _live(self, session: Session) -> str:
        """The session's task: returns the closing reason, never raises."""
        try:
            reason = await self._end_of(session)
        except asyncio.CancelledError:
            reason = "shutdown"
        self._end(session, reason)
        self._tell(session, reason)
        with contextlib.suppress(asyncio.CancelledError):  # stop() runs out of patience: gone is gone
            await asyncio.wait((session.media.closed,), timeout=_GOODBYE)
        return reason

    def _tell(self, session: Session, reason: str) -> None:
        spec = session.spec
        log.info(
            "session closed", kind=spec.kind.value, order=spec.order_id, camera=spec.camera, reason=reason
        )
        for callback in self._on_closed:
            try:
                callback(session, reason)
            except Exception:  # a listener's defect must not take the session's end from the others
                self._drops["session_listener_failed"] += 1
                log.exception("a listener of session ends failed")

    async def _end_of(self, session: Session) -> str:
        """Wait for whichever comes first: a request to end, the media's end, the token's expiry."""
        while not session.ended.done():
            if session.media.closed.done():
                return _media_reason(session.media.closed)
            left = session.expires_at - self._clock.time()
            if left <= 0:
                return "expired"
            await asyncio.wait(
                (session.ended, session.media.closed),
                timeout=min(left, _LONGEST_SLEEP),
                return_when=asyncio.FIRST_COMPLETED,
            )
        return session.ended.result()


def _slot(spec: SessionSpec) -> tuple[str, str]:
    """What one publisher may hold: a camera, or a place of its own among the talkers."""
    talks = spec.camera == TALK_CAMERA
    return spec.order_id, f"{spec.camera}/{spec.session_id}" if talks else spec.camera


def _media_reason(closed: asyncio.Future[str]) -> str:
    """The media plane's reason; a broken promise counts as a failure of the session."""
    if closed.cancelled() or closed.exception() is not None:
        return "failed"
    return closed.result()

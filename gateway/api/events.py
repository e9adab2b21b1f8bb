"""Socket.IO namespace `/live`: who listens, to what, until when; what clients may ask.

A listener hears one order, the one its token names. It is gone when its token or its access ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, Protocol

import socketio
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as Refused

from gateway.access.grants import Grant
from gateway.api.conversation_feed import ConversationFeed
from gateway.api.errors import preferred_language, sentence
from gateway.api.event_schemas import MAX_NAME, Draining, SessionClosed, Watch
from gateway.api.kick_requests import KickRequests
from gateway.api.listener import Listener
from gateway.api.live_feed import (
    LiveFeed,
    Message,
    customers_room,
    order_room,
    person_room,
    staff_room,
)
from gateway.api.page_requests import PageRequests
from gateway.api.people_feed import PeopleFeed
from gateway.api.presence import Presence
from gateway.api.quality_feed import QualityFeed
from gateway.api.rate_limit import RateLimiter
from gateway.api.requests import Answer, Handler, RequestBook
from gateway.api.services import Services
from gateway.api.talk_feed import TalkFeed
from gateway.api.talk_requests import TalkRequests
from gateway.errors import (
    Forbidden,
    GatewayError,
    Malformed,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from gateway.log import get_logger
from gateway.signalling.sessions import RETRY_DRAINING, Session

NAMESPACE = "/live"
MAX_EVENT = 16 * 1024
"""Characters of the payload of an event that is no offer."""
KICKED_HEARS = 0.1
"""Seconds in which who is sent out hears that its sessions have ended, before the connection does."""
FLOOD = 100
FLOOD_TIME = 10.0
"""Messages refused for their number within so many seconds after which a client is hung up on."""
MAX_LISTENERS = 10_000
_SWEEP = 0.5
"""Seconds between looks for listeners whose token has ended."""

log = get_logger("gateway.api.events")


class Feed(Protocol):
    """Messages that become due. Instants are monotonic seconds."""

    def due(self, now: float) -> list[Message]:
        """What is to be sent now."""
        ...

    def next_due(self) -> float | None:
        """When `due` may have something again; None while nothing is known of."""
        ...


class LiveEvents:
    """The namespace's handlers and the one task that sends what is due."""

    def __init__(self, server: socketio.AsyncServer, services: Services) -> None:
        self._server = server
        self._services = services
        self._presence = Presence()
        self._feed = LiveFeed(services.media)
        self._quality = QualityFeed(services.sessions)
        self._talk = TalkFeed(services.media, services.sessions, self._presence, services.clock)
        self._people = PeopleFeed(services, self._presence, self._talk)
        self._conversation = ConversationFeed(services.conversations, services.clock, self._push)
        self._listeners: dict[str, Listener] = {}
        self._feeds: tuple[Feed, ...] = (self._feed, self._quality, self._talk, self._people)
        self._wake = asyncio.Event()
        self._messages = RateLimiter(clock=services.clock, rate=20.0, burst=40.0)
        self._snapshots = RateLimiter(clock=services.clock, rate=1.0, burst=10.0)
        kicks = KickRequests(
            services.sessions, self._presence, self._talk, services.clock, self._dismiss_kicked
        )
        talk = TalkRequests(self._talk, services.clock)
        self.requests = RequestBook([self, PageRequests(services), talk, kicks, self._conversation])
        server.on("connect", self.connect, namespace=NAMESPACE)
        server.on("disconnect", self.disconnect, namespace=NAMESPACE)
        server.on("*", self.message, namespace=NAMESPACE)
        services.media.on_change(self._changed)
        services.media.on_layer_change(self._layer_changed)
        services.media.on_talk_change(self._talk_changed)
        services.sessions.on_closed(self._session_closed)
        services.sessions.on_draining(self._draining)
        services.sessions.on_renewed(self._renewed)
        services.revocation.watch(self._stream_ids, self._revoked)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The events that are answered here."""
        return {"watch": self._watch}

    async def connect(self, sid: str, environ: Any = None, auth: object = None, *_: object) -> None:
        """Let a client in and tell it the whole state, or refuse with the code of the error.

        The library calls this also for an *event* of that name, with whatever the client put into it.
        """
        if not isinstance(environ, dict) or not isinstance(environ.get("aiohttp.request"), web.BaseRequest):
            self._reserved(sid)
            return
        language = preferred_language(environ.get("HTTP_ACCEPT_LANGUAGE"))
        try:
            if len(self._listeners) >= MAX_LISTENERS:
                raise Unavailable("all places taken", retry_after=RETRY_DRAINING)
            grant, order_id = await self._authenticate(auth)
        except GatewayError as error:
            raise Refused(sentence(error.code, language), {"code": error.code}) from None
        listener = Listener(
            sid,
            grant,
            order_id,
            language,
            grant.expires_at,
            viewer_id=self._services.viewer_ids.of(order_id, grant.subject),
            chosen_name=_chosen_name(auth),
            since=self._services.clock.time(),
        )
        self._listeners[sid] = listener
        self._presence.join(listener)
        self._feed.join(order_id)
        self._quality.join(order_id, grant.subject)
        self._talk.join(listener)
        of_its_kind = staff_room(order_id) if listener.staff else customers_room(order_id)
        for room in (order_room(order_id), person_room(order_id, grant.subject), of_its_kind):
            await self._server.enter_room(sid, room, namespace=NAMESPACE)
        await self._send(await self._snapshot(listener))
        self._wake.set()

    async def disconnect(self, sid: str, *_: object) -> None:
        """A client is gone, for whatever reason; one that only says so in an event is still watched."""
        if self._server.manager.is_connected(sid, NAMESPACE):
            self._reserved(sid)
        elif (listener := self._listeners.pop(sid, None)) is not None:
            self._presence.leave(listener)
            self._feed.leave(listener.order_id)
            self._quality.leave(listener.order_id, listener.grant.subject)
            self._talk.leave(listener)
            if listener.order_id not in self._presence:
                self._conversation.forget(listener.order_id)

    def _reserved(self, sid: str) -> None:
        """An event that is named as one of the library's does nothing, but counts as any other."""
        self._services.drops["live_reserved_event"] += 1
        if (listener := self._listeners.get(sid)) is not None:
            with contextlib.suppress(GatewayError):
                self._admit(listener)

    async def message(self, event: str, sid: str, *arguments: object) -> dict[str, object]:
        """Any event of a client; the acknowledgement is {ok} or {error, code}."""
        listener = self._listeners.get(sid)
        language = listener.language if listener else "en"
        try:
            if listener is None:
                raise Unauthenticated("not connected")
            self._admit(listener)
            if event not in self.requests:
                raise NotFound("no such event")
            data = arguments[0] if arguments else {}
            _require_size(event, data)
            answer = await self.requests.answer(event, listener, data)
        except GatewayError as error:
            self._services.drops[f"live_{error.code}"] += 1
            refusal: dict[str, object] = {"error": sentence(error.code, language), "code": error.code}
            if error.retry_after is not None:
                refusal["retryAfter"] = round(error.retry_after, 1)
            return refusal
        return {"ok": True, **answer}

    def _admit(self, listener: Listener) -> None:
        """Raises Kicked, and RateLimited; who does not heed that is hung up on."""
        self._services.sessions.bans.check(listener.order_id, listener.grant.subject)
        try:
            self._messages.take(listener.sid)
        except RateLimited:
            now = self._services.clock.monotonic()
            if now - listener.refusals_since > FLOOD_TIME:
                listener.refusals, listener.refusals_since = 0, now
            listener.refusals += 1
            if listener.refusals >= FLOOD:
                self._end(listener, "rate_limited")
            raise

    def _end(self, listener: Listener, reason: str, after: float = 0.0) -> None:
        """A sweep dismisses it, `after` seconds at the earliest; the first reason stays."""
        if not listener.ending:
            listener.ending = reason
            listener.expires_at = min(listener.expires_at, self._services.clock.time() + after)
            self._wake.set()

    def _dismiss_kicked(self, listener: Listener) -> None:
        self._end(listener, "kicked", KICKED_HEARS)

    async def run(self) -> None:
        """Send what is due; end listeners whose token has ended. Runs until cancelled."""
        while True:
            await self._sleep()
            for feed in self._feeds:
                await self._step(partial(self._send_due, feed))
            await self._step(self._sweep)

    async def _sleep(self) -> None:
        now = self._services.clock.monotonic()
        dues = [now + _SWEEP, *(feed.next_due() for feed in self._feeds)]
        wait = max(0.0, min(due for due in dues if due is not None) - now)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):  # wait_for of Python 3.11 may swallow a cancellation
                await self._wake.wait()
        self._wake.clear()

    async def _step(self, step: Callable[[], Awaitable[None]]) -> None:
        """One step's defect must not silence all pages."""
        try:
            await step()
        except Exception:
            self._services.drops["live_step_failed"] += 1
            log.exception("a step of the live events failed")

    async def _send_due(self, feed: Feed) -> None:
        await self._send(feed.due(self._services.clock.monotonic()))

    async def _sweep(self) -> None:
        now = self._services.clock.time()
        await self._dismiss([x for x in self._listeners.values() if x.expires_at <= now])

    async def _authenticate(self, auth: object) -> tuple[Grant, str]:
        """The grant behind `auth: {token}`; an administrator names the order as well."""
        token = auth.get("token") if isinstance(auth, dict) else None
        if not isinstance(token, str):
            raise Unauthenticated("a token is needed")
        grant = self._services.tokens.verify(token)
        wanted = auth.get("orderId") if isinstance(auth, dict) else None
        order_id = wanted if isinstance(wanted, str) else grant.order_id
        if order_id is None or not (grant.is_admin or order_id == grant.order_id):
            raise Forbidden("the token is for another order")
        self._services.sessions.bans.check(order_id, grant.subject)
        await self._services.accesses.require_alive(grant)
        return grant, order_id

    async def _watch(self, listener: Listener, _: Watch) -> Answer:
        """The whole state again, for a page that wants it: much for little, hence seldom."""
        self._snapshots.take(listener.sid)
        await self._send(await self._snapshot(listener))
        return None

    async def _snapshot(self, listener: Listener) -> list[Message]:
        """All that a page is told by and by, at once."""
        order_id, room = listener.order_id, listener.sid
        written = await self._conversation.snapshot(order_id, room)
        if listener.sid not in self._listeners:  # it went meanwhile
            return []
        people = self._people.snapshot(order_id, room) if listener.staff else []
        mine = self._quality.snapshot(order_id, listener.grant.subject, room)
        draining = [_draining(room)] if self._services.sessions.draining else []
        return [
            *self._feed.snapshot(order_id, room),
            *self._talk.snapshot(listener),
            *people,
            *mine,
            *written,
            *draining,
        ]

    def _push(self, message: Message) -> None:
        self._feed.push(*message)
        self._wake.set()

    async def _send(self, messages: list[Message]) -> None:
        for event, data, room in messages:
            try:
                await self._server.emit(event, data, to=room, namespace=NAMESPACE)
            except Exception:  # one client's broken connection must not silence the others
                self._services.drops["live_send_failed"] += 1
                log.exception("cannot send an event", event_name=event)

    async def _dismiss(self, listeners: list[Listener]) -> None:
        """Tell listeners that their time is over, then hang up."""
        for listener in listeners:
            goodbye = SessionClosed(session_id="", reason=listener.ending or "expired").wire()
            await self._send([Message("session:closed", goodbye, listener.sid)])
            await self._server.disconnect(listener.sid, namespace=NAMESPACE)

    def _stream_ids(self) -> Collection[str]:
        return {x.grant.stream_id for x in self._listeners.values() if x.grant.stream_id is not None}

    def _revoked(self, stream_ids: Collection[str]) -> None:
        for listener in self._listeners.values():
            if listener.grant.stream_id in stream_ids:
                self._end(listener, "revoked")

    def _renewed(self, subject: str, stream_id: str | None, expires_at: float) -> None:
        for listener in self._listeners.values():
            mine = listener.grant.subject == subject and listener.grant.stream_id == stream_id
            if mine and not listener.ending:
                listener.expires_at = max(listener.expires_at, expires_at)

    def _changed(self, order_id: str) -> None:
        self._feed.changed(order_id)
        self._talk.changed(order_id)
        self._wake.set()

    def _talk_changed(self, order_id: str) -> None:
        self._talk.changed(order_id)
        self._wake.set()

    def _layer_changed(self, session_id: str) -> None:
        if self._quality.changed(session_id):
            self._wake.set()

    def _session_closed(self, session: Session, reason: str) -> None:
        room = person_room(session.order_id, session.subject)
        self._talk.session_closed(session)
        closed = SessionClosed(session_id=session.session_id, reason=reason).wire()
        self._feed.push("session:closed", closed, room)
        self._wake.set()

    def _draining(self) -> None:
        for order_id in {listener.order_id for listener in self._listeners.values()}:
            self._push(_draining(order_room(order_id)))


def _draining(room: str) -> Message:
    return Message("server:draining", Draining(retry_after=RETRY_DRAINING).wire(), room)


def _chosen_name(auth: object) -> str:
    """What the page calls its person, as far as it can be shown in one line."""
    name = auth.get("name") if isinstance(auth, dict) else None
    if not isinstance(name, str):
        return ""
    shown = "".join(x for x in name[: 4 * MAX_NAME] if x.isprintable())
    return " ".join(shown.split())[:MAX_NAME]


def _require_size(event: str, data: object) -> None:
    """Only an offer may be as large as a message may be. Raises TooLarge; Malformed for what is no JSON."""
    if event == "session:offer":
        return
    try:
        size = len(json.dumps(data))
    except (TypeError, ValueError, RecursionError):
        raise Malformed("expected JSON") from None
    if size > MAX_EVENT:
        raise TooLarge(f"at most {MAX_EVENT} characters")

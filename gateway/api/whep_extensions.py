"""WHEP's two extensions, below the session resource: server-sent events, and the choice of a layer.

Source: webrtc-http-egress-events of the WISH working group, once part of draft-ietf-wish-whep. An event
stream has a URL of its own, since EventSource sends no Authorization: who has it may listen, nothing else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.access.grants import Grant
from gateway.api.body import MAX_JSON, read_json, read_text, require_type
from gateway.api.services import SERVICES, Services
from gateway.api.sessions import PATH as SESSION_PATH
from gateway.api.sessions import enter
from gateway.errors import Malformed, NotFound
from gateway.signalling.layer_selection import read_wish, resolve
from gateway.signalling.link_header import extension_link
from gateway.signalling.ports import SessionKind
from gateway.signalling.sessions import Session
from gateway.signalling.viewer_events import Event, EventStream, Message, Reader, ViewerEvents

JSON = "application/json"
EVENTS_URN = "urn:ietf:params:whep:ext:core:server-sent-events"
LAYER_URN = "urn:ietf:params:whep:ext:core:layer"
EVENTS_PATH = f"{SESSION_PATH}/events"
LAYER_PATH = f"{SESSION_PATH}/layer"
STREAM_PATH = "/sessions/events/{stream_id}"
"""Beside the sessions, not below one: it must not tell the session's own id."""

KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent: proxies hang up on idle connections."""
WRITE_DEADLINE = 30.0
"""Seconds after which a reader that takes nothing is dropped."""
BACKLOG = 16 * 1024
"""Bytes that may wait for a reader; over it nothing is taken, so that the newest state is what comes next."""
_STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}
_SUPPORTED = ",".join(Event)

EVENTS = web.AppKey("viewer_events", ViewerEvents)


def attach(app: web.Application, services: Services) -> None:
    """Serve the extensions from `app`; what they run lives as long as the application."""
    app[EVENTS] = ViewerEvents(media=services.media, sessions=services.sessions, clock=services.clock)
    app.add_routes(_routes())
    app.cleanup_ctx.append(_looking)
    app.on_shutdown.append(_send_away)


def links(session_id: str) -> list[str]:
    """The Link fields of a player's 201."""
    return [
        extension_link(EVENTS_PATH.format(session_id=session_id), EVENTS_URN, events=_SUPPORTED),
        extension_link(LAYER_PATH.format(session_id=session_id), LAYER_URN),
    ]


async def open_stream(request: web.Request) -> web.Response:
    """201 and the Location of a new stream of the events that the body lists; without a body, of all."""
    session, _ = _player(request)
    stream = request.app[EVENTS].open(session, await _wanted(request))
    location = STREAM_PATH.format(stream_id=stream.stream_id)
    return web.Response(status=201, headers={"Location": location, "Cache-Control": "no-store"})


async def read_early(request: web.Request) -> web.StreamResponse:
    """Players of the early drafts open the announced URL itself, and expect the layers in another form."""
    session, _ = _player(request)
    return await _relay(request, request.app[EVENTS].early(session))


async def read_stream(request: web.Request) -> web.StreamResponse:
    """The events, until the session ends or a later connection reads them."""
    return await _relay(request, _stream(request))


async def delete_stream(request: web.Request) -> web.Response:
    """Tell no more."""
    request.app[EVENTS].close(_stream(request))
    return web.Response(status=200)


async def select_layer(request: web.Request) -> web.Response:
    """Play what the body asks for; an object that asks for nothing is the gateway's own choice."""
    session, grant = _player(request)
    wish = read_wish(await read_json(request))
    services = request.app[SERVICES]
    camera = session.media.state().camera
    published = (x.layers for x in services.media.cameras(session.order_id) if x.name == camera)
    rid, max_height = resolve(wish, session.spec.negotiated, next(published, ()))
    services.resource.select_layer(session.session_id, grant, rid, max_height)
    return web.Response(status=200)


async def unselect_layer(request: web.Request) -> web.Response:
    """Back to the gateway's own choice."""
    session, grant = _player(request)
    request.app[SERVICES].resource.select_layer(session.session_id, grant, None, None)
    return web.Response(status=200)


def _routes() -> list[web.RouteDef]:
    return [
        web.post(EVENTS_PATH, open_stream),
        web.get(EVENTS_PATH, read_early, allow_head=False),
        web.options(EVENTS_PATH, _options("OPTIONS, GET, POST")),
        web.get(STREAM_PATH, read_stream, allow_head=False),
        web.delete(STREAM_PATH, delete_stream),
        web.options(STREAM_PATH, _options("OPTIONS, GET, DELETE")),
        web.post(LAYER_PATH, select_layer),
        web.delete(LAYER_PATH, unselect_layer),
        web.options(LAYER_PATH, _options("OPTIONS, POST, DELETE")),
    ]


def _options(allow: str) -> Handler:
    """Preflights are answered whether or not the session lives."""
    accept = {"Accept-Post": JSON} if "POST" in allow else {}

    async def options(request: web.Request) -> web.Response:
        return web.Response(status=200, headers={"Allow": allow, **accept})

    return options


def _player(request: web.Request) -> tuple[Session, Grant | None]:
    """The player's session that the path names, and the grant of a token that was sent along.

    Raises:
        NotFound: unknown, ended, or a publisher's.
        Forbidden, Unauthenticated, RateLimited: see `SessionResource.find` and `enter`.
    """
    session_id = request.match_info["session_id"]
    grant = enter(request, session_id)
    session = request.app[SERVICES].resource.find(session_id, grant)
    if session.kind is not SessionKind.WHEP:
        raise NotFound("a publisher's session has no such extension")
    return session, grant


def _stream(request: web.Request) -> EventStream:
    """The stream that the path names; raises as `_player` does."""
    stream_id = request.match_info["stream_id"]
    grant = enter(request, stream_id)
    stream = request.app[EVENTS].find(stream_id)
    request.app[SERVICES].resource.find(stream.session.session_id, grant)
    return stream


async def _wanted(request: web.Request) -> frozenset[Event]:
    """The events that the body lists.

    Raises:
        Malformed: no JSON array, an empty one, or an event that is not supported.
        UnsupportedType, TooLarge: see `body`.
    """
    if not request.body_exists:
        return frozenset(Event)
    require_type(request, JSON)
    text = await read_text(request, MAX_JSON)
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the body is no valid JSON") from None
    if not isinstance(names, list) or not names:
        raise Malformed(f"expected a JSON array of events: {_SUPPORTED}")
    try:
        return frozenset(map(Event, names))
    except ValueError:
        raise Malformed(f"an event is not supported; there are {_SUPPORTED}") from None


async def _relay(request: web.Request, stream: EventStream) -> web.StreamResponse:
    """Answer with the stream until it is over or its reader is gone."""
    response = web.StreamResponse(headers=_STREAM_HEADERS)
    response.force_close()
    events = request.app[EVENTS]
    reader = events.read(stream)
    transport = request.transport
    try:
        await response.prepare(request)
        if transport is not None:
            transport.set_write_buffer_limits(high=BACKLOG)
        await _tell(request, response, reader)
    except ConnectionError:
        pass  # it has gone, as readers do
    except TimeoutError:
        request.app[SERVICES].drops["event_reader_stuck"] += 1
        if transport is not None:
            transport.abort()
    finally:
        events.leave(reader)
    return response


async def _tell(request: web.Request, response: web.StreamResponse, reader: Reader) -> None:
    """Write what is new, as often as there is something new; TimeoutError when nobody takes it."""

    async def write(data: bytes) -> None:
        async with asyncio.timeout(WRITE_DEADLINE):
            await response.write(data)
            await request.writer.drain()

    while True:
        reader.wake.clear()
        if messages := request.app[EVENTS].take(reader):
            await write(_encoded(messages))
        if reader.over:
            return
        try:
            async with asyncio.timeout(KEEP_ALIVE):
                await reader.wake.wait()
        except TimeoutError:
            await write(b":\n\n")


def _encoded(messages: Iterable[Message]) -> bytes:
    """As text/event-stream: the draft wants all data in one line."""
    return "".join(
        f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n" for event, data in messages
    ).encode()


async def _looking(app: web.Application) -> AsyncIterator[None]:
    """The task that looks for news."""
    task = asyncio.create_task(app[EVENTS].run(), name="viewer-events")
    yield
    task.cancel()
    await asyncio.wait((task,))


async def _send_away(app: web.Application) -> None:
    """Before aiohttp waits for open requests: a stream would keep it waiting to its deadline."""
    app[EVENTS].stop()

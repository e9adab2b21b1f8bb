"""Janus's VideoRoom, which speaks a protocol of its own over a WebSocket, as a server of the load test.

A room is an order, a publisher's display name its camera. Towards viewers Janus makes the offer: `turned`
makes of it the answer to ours, and the one that Janus waits for. Janus must be ICE-lite (`ice_lite = true`),
as the engine's sessions are in control of ICE.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from gateway.client.errors import ClientError, Refused
from loadtest.messages import Endpoint
from loadtest.opening import Close, Kind

TIMEOUT = 15.0
KEEP_ALIVE = 25.0
"""Seconds; Janus forgets a session after sixty without a word."""
_ROOM_EXISTS = 427


@dataclass(frozen=True, slots=True)
class Janus:
    """The adapter."""

    name: str = "janus"

    def endpoint(self, base: str, order: str, camera: str, publish_token: str, watch_token: str) -> Endpoint:
        """See `Adapter`: the order is the room's number."""
        url = URL(base)
        scheme = {"http": "ws", "https": "wss"}.get(url.scheme, url.scheme)
        room = str(url.with_scheme(scheme).with_query(room=order, camera=camera))
        return Endpoint(room, room, publish_token, watch_token, adapter=self.name)

    async def open(
        self, kind: Kind, endpoint: Endpoint, offer: str, http: aiohttp.ClientSession
    ) -> tuple[str, Close]:
        """See `open` of `loadtest.adapters`."""
        if kind == "talk":
            raise ClientError("a server of kind 'janus' has nothing to talk")
        where = URL(endpoint.whip if kind == "publish" else endpoint.whep)
        room, camera = where.query["room"], where.query["camera"]
        if not room.isdigit():
            raise ClientError(f"Janus's rooms are numbers, not {room!r}")
        handle = _Handle(http, where.with_query(None))
        try:
            async with asyncio.timeout(TIMEOUT):
                await handle.open()
                enter = _publish if kind == "publish" else _watch
                answer = await enter(handle, int(room), camera, offer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            await handle.close()
            raise ClientError(f"no answer from the server: {type(error).__name__}") from error
        except BaseException:
            await handle.close()
            raise
        handle.keep()
        return answer, handle.close


async def _publish(handle: _Handle, room: int, camera: str, offer: str) -> str:
    create = {"request": "create", "room": room, "publishers": 50, "videocodec": "vp8,h264", "bitrate": 0}
    try:
        await handle.ask(create)
    except Refused as error:
        if error.status != _ROOM_EXISTS:
            raise
    join = {"request": "joinandconfigure", "ptype": "publisher", "room": room, "display": camera}
    event = await handle.ask(join, {"type": "offer", "sdp": offer})
    return _sdp(event)


async def _watch(handle: _Handle, room: int, camera: str, offer: str) -> str:
    found = await handle.ask({"request": "listparticipants", "room": room})
    people = found["plugindata"]["data"].get("participants", ())
    feeds = [each["id"] for each in people if each.get("publisher") and each.get("display") == camera]
    if not feeds:
        raise Refused(409, "nobody publishes in this room")
    join = {"request": "join", "ptype": "subscriber", "room": room, "streams": [{"feed": feeds[-1]}]}
    answer, reply = turned(offer, _sdp(await handle.ask(join)))
    await handle.ask({"request": "start"}, {"type": "answer", "sdp": reply})
    return answer


def _sdp(event: dict[str, Any]) -> str:
    try:
        return str(event["jsep"]["sdp"])
    except KeyError:
        raise ClientError("Janus sent no SDP") from None


class _Handle:
    """A WebSocket with one Janus session and one handle of the plugin on it."""

    def __init__(self, http: aiohttp.ClientSession, url: URL) -> None:
        self._http = http
        self._url = url
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._address: dict[str, int] = {}
        self._keeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and attach to the plugin."""
        self._socket = await self._http.ws_connect(self._url, protocols=("janus-protocol",))
        session = await self._request({"janus": "create"})
        self._address = {"session_id": session["data"]["id"]}
        attached = await self._request({"janus": "attach", "plugin": "janus.plugin.videoroom"})
        self._address["handle_id"] = attached["data"]["id"]

    async def ask(self, body: dict[str, Any], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        """A message to the plugin and its outcome. Raises Refused with the plugin's error code."""
        event = await self._request({"janus": "message", "body": body, **({"jsep": jsep} if jsep else {})})
        data = event.get("plugindata", {}).get("data", {})
        if "error_code" in data:
            raise Refused(int(data["error_code"]), str(data.get("error", "")))
        return event

    def keep(self) -> None:
        """From now on nothing is asked any more: only stay."""
        self._keeper = asyncio.create_task(self._keep_alive(), name="janus session")

    async def close(self) -> None:
        """Leave. May be called again; never raises."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        socket, self._socket = self._socket, None
        if socket is not None:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
                await self._say(socket, {"janus": "destroy"})
                await socket.close()

    async def _request(self, message: dict[str, Any]) -> dict[str, Any]:
        socket = self._socket
        assert socket is not None
        transaction = await self._say(socket, message)
        while True:
            heard = await socket.receive()
            if heard.type is not aiohttp.WSMsgType.TEXT:
                raise ClientError("Janus hung up")
            event = json.loads(heard.data)
            if event.get("transaction") != transaction or event["janus"] == "ack":
                continue
            if event["janus"] == "error":
                raise Refused(int(event["error"]["code"]), str(event["error"]["reason"]))
            return dict(event)

    async def _say(self, socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> str:
        transaction = secrets.token_hex(6)
        await socket.send_json({**message, **self._address, "transaction": transaction})
        return transaction

    async def _keep_alive(self) -> None:
        socket = self._socket
        assert socket is not None
        while True:
            try:
                heard = await socket.receive(timeout=KEEP_ALIVE)
                if heard.type is not aiohttp.WSMsgType.TEXT:
                    return
            except TimeoutError:
                await self._say(socket, {"janus": "keepalive"})


def turned(ours: str, theirs: str) -> tuple[str, str]:
    """Two offers that met: theirs as an answer to ours, and ours as an answer to theirs.

    Raises ClientError where theirs has nothing that ours could receive.
    """
    head, lines = _sections(theirs)
    mine = {_kind(section): section for section in _sections(ours)[1]}
    pairs = [(section, mine.get(_kind(section))) for section in lines]
    matched = {_kind(their): their for their, our in pairs if our is not None and _common(our, their)}
    if not matched:
        raise ClientError("Janus sends nothing that the viewers know")
    session = [line for line in head if not line.startswith(("a=group:", "a=msid-semantic:"))]
    answer = [*session, _bundle(our for kind, our in mine.items() if kind in matched)]
    for kind, our in mine.items():
        answer += _answered(our, matched[kind]) if kind in matched else _rejected(our)
    reply = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", _bundle(matched.values())]
    for their in lines:
        kind = _kind(their)
        reply += _reply(mine[kind], their) if matched.get(kind) is their else _rejected(their)
    return "\r\n".join(answer) + "\r\n", "\r\n".join(reply) + "\r\n"


Section = list[str]


def _sections(sdp: str) -> tuple[Section, list[Section]]:
    """The session's lines, and those of each m-line."""
    sections: list[Section] = [[]]
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            sections.append([])
        if line:
            sections[-1].append(line)
    return sections[0], sections[1:]


def _kind(section: Section) -> str:
    return section[0][2:].split(" ", 1)[0]


def _value(section: Section, name: str) -> str:
    return next((line.partition(":")[2] for line in section if line.startswith(f"a={name}:")), "")


def _names(section: Section) -> dict[str, str]:
    """Codec by payload type."""
    values = (line.partition(":")[2].split(" ", 1) for line in section if line.startswith("a=rtpmap:"))
    return {number: codec.split("/")[0].lower() for number, codec in values}


def _common(our: Section, their: Section) -> list[str]:
    """Their payload types of codecs that both know. The numbers are theirs, and may be others than ours."""
    known = set(_names(our).values())
    return [number for number, codec in _names(their).items() if codec in known]


def _bundle(sections: Iterable[Section]) -> str:
    return "a=group:BUNDLE " + " ".join(_value(section, "mid") for section in sections)


def _shared(our: Section, their: Section) -> Iterator[str]:
    """Their lines about the common payload types and header extensions."""
    common = set(_common(our, their))
    extensions = {line.split(" ")[1] for line in our if line.startswith("a=extmap:")}
    for line in their:
        name, _, value = line.partition(":")
        if name in ("a=rtpmap", "a=fmtp", "a=rtcp-fb"):
            if value.split(" ")[0] in common:
                yield line
        elif name == "a=extmap" and value.split(" ")[1] in extensions:
            yield line


def _m_line(our: Section, their: Section) -> str:
    return f"m={_kind(their)} 9 UDP/TLS/RTP/SAVPF {' '.join(_common(our, their))}"


def _answered(our: Section, their: Section) -> Section:
    """Their m-line as the answer to ours: their transport and candidates."""
    kept = [
        line
        for line in their[1:]
        if line.startswith(
            ("c=", "a=ice-", "a=fingerprint:", "a=candidate:", "a=ssrc", "a=msid:", "a=end-of")
        )
    ]
    own = [f"a=mid:{_value(our, 'mid')}", "a=setup:passive", "a=sendonly", "a=rtcp-mux"]
    return [_m_line(our, their), *kept, *own, *_shared(our, their)]


def _reply(our: Section, their: Section) -> Section:
    """Our m-line as the answer to theirs."""
    transport = [line for line in our if line.startswith(("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"))]
    own = [f"a=mid:{_value(their, 'mid')}", "a=setup:active", "a=recvonly", "a=rtcp-mux"]
    return [_m_line(our, their), "c=IN IP4 0.0.0.0", *transport, *own, *_shared(our, their)]


def _rejected(section: Section) -> Section:
    first = section[0].split(" ")
    head = " ".join([first[0], "0", *first[2:]])
    return [head, "c=IN IP4 0.0.0.0", f"a=mid:{_value(section, 'mid')}", "a=inactive"]

"""Requests that no honest client sends: every one gets a clear refusal, none leaves anything behind."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
import zlib
from typing import Any

import aiohttp
import jwt
import pytest
from yarl import URL

from gateway.access.grants import Scope
from tests.fuzz.stage import scrape, stage
from tests.gateway_server import GatewayServer
from tests.signalling_rig import OFFERS, SDP
from tests.waiting import eventually

SECRET = "GATEWAY_JWT_SECRET"
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


async def send(gateway: GatewayServer, request: bytes) -> bytes:
    """Bytes as they are over a connection of their own; what comes back."""
    url = URL(gateway.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(65_536), 5)
    finally:
        writer.close()


def get(path: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join((b"GET " + path + b" HTTP/1.1", b"Host: gateway", *headers, b"", b""))


NO_HTTP = {
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),
    "zero in the method": b"FOO\x00BAR / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "version 3.9": b"GET / HTTP/3.9\r\nHost: x\r\n\r\n",
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a long line": get(b"/" + b"a" * 20_000),
    "a large header": get(b"/", b"X: " + b"a" * 20_000),
    "3,000 headers": get(b"/", *(b"X%d: a" % number for number in range(3_000))),
    "raw bytes in the path": get(b"/whip/\xff\xfe"),
    "raw bytes in the query": get(b"/?\xff=\xfe"),
    "a broken absolute URL": get(b"http://[::1/whip/a"),
    "a port too many": get(b"http://a:99999/whip/a"),
    "a header without colon": get(b"/", b"X"),
    "a header with a line feed": get(b"/", b"X: a\nY: b\x00"),
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_what_is_no_http_is_refused(gateway: GatewayServer, name: str) -> None:
    async with aiohttp.ClientSession() as http:
        before = await scrape(http, gateway.url)
        answer = await send(gateway, NO_HTTP[name])
        assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 ")), answer
        after = await scrape(http, gateway.url)
    assert after.drops["http_malformed"] > before.drops.get("http_malformed", 0)


ODD = {
    "unknown method": (b"PROPFIND /whip/x HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "up and away": (get(b"/assets/../../app.py"), 404),
    "up and away, encoded": (get(b"/assets/..%2f..%2fapp.py"), 404),
    "up and away, twice encoded": (get(b"/assets/%252e%252e%252fapp.py"), 404),
    "the parent": (get(b"/assets/%2e%2e"), 404),
    "the parent, beside": (get(b"/..%2fapp.txt"), 404),
    "zero in a name": (get(b"/assets/a%00b"), 404),
    "a name longer than names are": (get(b"/assets/" + b"a" * 300), 404),
    "a name of no UTF-8": (get(b"/assets/%ff%fe"), 404),
    "a range from behind": (get(b"/", b"Range: bytes=5-1"), 416),
    "a date of no calendar": (get(b"/", b"If-Modified-Since: Mon, 99 Foo 99999999999999 99:99:99 GMT"), 200),
    "an odd Accept": (get(b"/metrics", b"Accept: application/openmetrics-text;version=9.z"), 200),
    "an odder Accept": (get(b"/metrics", b"Accept: text/plain;version=a;escaping=\xff,;;="), 200),
    "an odd language": (get(b"/api/live-stream/url", b"Accept-Language: " + b"ru;q=nan,cs;q=1e9," * 99), 401),
    "a token of raw bytes": (get(b"/api/live-stream/url", b"Authorization: Bearer \xff\xfe"), 401),
    "cookies": (get(b"/", b"Cookie: " + b"a=\xff;;;=" * 99), 200),
    "a header in a path": (get(b"/sessions/a%0d%0aX-Evil:1"), 404),
    "a WebSocket without a key": (
        get(b"/socket.io/?EIO=4&transport=websocket", b"Upgrade: websocket", b"Connection: Upgrade"),
        400,
    ),
    "an unknown Engine.IO": (get(b"/socket.io/?EIO=zz&transport=polling"), 400),
    "an unknown transport": (get(b"/socket.io/?EIO=4&transport=foo"), 400),
    "JSONP": (get(b"/socket.io/?EIO=4&transport=polling&j=zz"), 400),
    "no Engine.IO session": (get(b"/socket.io/?EIO=4&transport=polling&sid=nope"), 400),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
async def test_odd_requests_get_plain_answers(gateway: GatewayServer, name: str) -> None:
    request, status = ODD[name]
    answer = await send(gateway, request)
    assert answer.split(b" ", 2)[1] == str(status).encode(), answer
    assert b"X-Evil" not in answer.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (b"Content-Length: -5", b"v=0", 400),
        (b"Content-Length: abc", b"v=0", 400),
        (b"Content-Length: 99999999999999999999", b"v=0", 400),
        (b"Content-Length: 999999", b"v=0", 413),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"3\r\nv=0\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked", b"ZZ\r\nv=0\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked", b"3\r\nv=0XX0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked", (b"4000\r\n" + bytes(0x4000) + b"\r\n") * 12 + b"0\r\n\r\n", 413),
        (b"Content-Length: 10\r\nContent-Encoding: gzip", os.urandom(10), 400),
        (b"Content-Length: 10\r\nContent-Encoding: br", os.urandom(10), 400),
        (b"Content-Length: 3", b"\xff\xfe\xfd", 400),
        (b"Content-Length: 0", b"", 400),
    ],
)
async def test_lies_about_the_body_open_nothing(
    gateway: GatewayServer, order: str, headers: bytes, body: bytes, status: int
) -> None:
    token = gateway.publish_token(order).encode()
    head = b"POST /whip/%s/lies HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n" % order.encode()
    head += b"Authorization: Bearer " + token + b"\r\n" + headers + b"\r\n\r\n"
    assert (await send(gateway, head + body)).split(b" ", 2)[1] == str(status).encode()


async def test_a_small_body_that_unpacks_to_a_large_one(gateway: GatewayServer, order: str) -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    headers = {**bearer(gateway.publish_token(order)), **SDP, "Content-Encoding": "deflate"}
    async with (
        aiohttp.ClientSession(gateway.url) as http,
        http.post(f"/whip/{order}/bomb", data=bomb, headers=headers) as response,
    ):
        assert response.status == 413


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed(
    gateway: GatewayServer, order: str, secret: str | None = None, algorithm: str = "HS256", **claims: Any
) -> str:
    now = int(time.time())
    whole = {"iss": "repair-live", "sub": "x", "scope": "publish watch", "orderId": order, "iat": now,
             "exp": now + 900, "jti": "j", **claims}  # fmt: skip
    return jwt.encode(whole, secret or gateway.environment[SECRET], algorithm=algorithm)


def forged(gateway: GatewayServer, order: str) -> dict[str, str]:
    good = signed(gateway, order)
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    admin = base64.urlsafe_b64encode(json.dumps({**claims, "scope": "admin"}).encode()).rstrip(b"=").decode()
    return {
        "no algorithm": f"{none}.{body}.",
        "no algorithm, signed": f"{none}.{body}.{signature}",
        "other claims": f"{head}.{admin}.{signature}",
        "other secret": signed(gateway, order, "x" * 64),
        "other HMAC": signed(gateway, order, algorithm="HS512"),
        "other issuer": signed(gateway, order, iss="evil"),
        "expired": signed(gateway, order, exp=int(time.time()) - 1),
        "ends at infinity": signed(gateway, order, exp=float("inf")),
        "ends in words": signed(gateway, order, exp="tomorrow"),
        "not yet": signed(gateway, order, nbf=int(time.time()) + 900),
        "no subject": signed(gateway, order, sub=None),
        "a list for a subject": signed(gateway, order, sub=["x"]),
        "no scope": signed(gateway, order, scope=""),
        "a list of scopes": signed(gateway, order, scope=[["publish"]]),
        "no order": signed(gateway, order, orderId=None),
        "huge": signed(gateway, order, pad="x" * 5_000),
        "deep": f"{base64.urlsafe_b64encode(b'[' * 2_000).decode()}.{body}.{signature}",
        "no JSON": "e30.e30.e30",
        "dots": "...",
        "a null access": signed(gateway, order, streamId="\x00", scope="watch"),
    }  # fmt: skip


async def test_forged_tokens_open_nothing(gateway: GatewayServer, order: str) -> None:
    offer = (OFFERS / "chromium-156-publish-vp8.sdp").read_bytes()
    async with aiohttp.ClientSession(gateway.url) as http:
        before = await scrape(http, gateway.url)
        for name, token in forged(gateway, order).items():
            headers = {**bearer(token), **SDP}
            async with http.post(f"/whip/{order}/forged", data=offer, headers=headers) as response:
                assert response.status in {401, 403}, name
                assert response.headers["Access-Control-Allow-Origin"] == "*"
            async with http.get("/api/live-stream/validate-token", headers=bearer(token)) as response:
                assert response.status == 401, name
                assert (await response.json())["valid"] is False
        other = gateway.token("another-order", Scope.PUBLISH)
        async with http.post(
            f"/whip/{order}/forged", data=offer, headers={**bearer(other), **SDP}
        ) as response:
            assert response.status == 403
        after = await scrape(http, gateway.url)
    assert after["gateway_sessions"] == before["gateway_sessions"]
    assert after.drops["token_bad_algorithm"] > before.drops.get("token_bad_algorithm", 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"null", 400), (b"[]", 400), (b'"x"', 400), (b"\xff\xfe", 400), (b"[" * 4_000, 400),
        (b'{"login":' * 400 + b"1", 400), (b'{"login": 1, "password": 2}', 400), (b'{"login": "a"}', 400),
        (b'{"login": "' + b"a" * 300 + b'", "password": "b"}', 400), (b'{"login": "", "password": ""}', 400),
        (b'{"login": NaN, "password": Infinity}', 400), (b'{"login": ' + b"9" * 3_900 + b"}", 400),
        (b'{"login": "\\ud800", "password": "\\udfff\\u0000"}', 401), (b"{" + b" " * 5_000 + b"}", 413),
        (b'{"login": "\\u0000", "password": "\\u0000"}', 401),
    ],
)  # fmt: skip
async def test_login_with_odd_json(gateway: GatewayServer, body: bytes, status: int) -> None:
    async with aiohttp.ClientSession(gateway.url) as http:
        headers = {"Content-Type": "application/json"}
        async with http.post("/api/live-stream/authenticate", data=body, headers=headers) as response:
            assert response.status in {status, 429}
            assert "Traceback" not in await response.text()


async def test_guessing_passwords_is_slowed_down(gateway: GatewayServer) -> None:
    async with aiohttp.ClientSession(gateway.url) as http:
        statuses = []
        for _ in range(8):
            guess = {"login": "known-login", "password": "guess"}
            async with http.post("/api/live-stream/authenticate", json=guess) as response:
                statuses.append(response.status)
                if response.status == 429:
                    assert int(response.headers["Retry-After"]) >= 1
        assert statuses[-1] == 429
        assert set(statuses) <= {401, 429}


METHODS = ("HEAD", "OPTIONS", "GET", "POST", "PUT", "PATCH", "DELETE")
PATHS = ("/", "/live-stream", "/studio", "/talkback", "/assets/x", "/favicon.ico", "/healthz", "/readyz",
         "/metrics",
         "/whip/x", "/whip/x/y", "/whip/x/y/z", "/whep/x", "/whep/x/%0d%0a", "/sessions/x", "/sessions/",
         "/api/live-stream/authenticate", "/api/live-stream/validate-token", "/api/live-stream/url",
         "/api/live-stream/renew", "/api/nothing", "/socket.io/", "/socket.io/?EIO=4&transport=polling&sid=x",
         "/hls/x/y/index.m3u8", "/" + "a" * 4_000)  # fmt: skip


async def test_every_method_on_every_path(gateway: GatewayServer) -> None:
    async with aiohttp.ClientSession(gateway.url) as http:
        for path in PATHS:
            for method in METHODS:
                async with http.request(method, URL(path, encoded=True)) as response:
                    assert response.status < 500, (method, path)
                    if path.startswith(("/whip", "/whep", "/sessions")):
                        assert response.headers["Access-Control-Allow-Origin"] == "*", (method, path)
                    elif path.startswith("/api/"):
                        assert "Access-Control-Allow-Origin" not in response.headers


async def test_other_peoples_sessions_are_out_of_reach(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order) as on_air, aiohttp.ClientSession(gateway.url) as http:
        resource = on_air.viewers[0].player.session.resource
        assert resource is not None
        thief = bearer(gateway.watch_token(order, subject="thief"))
        for method in ("PATCH", "DELETE", "GET"):
            async with http.request(method, resource.url, headers={**thief, **FRAGMENT}) as response:
                assert response.status == 403
        guesses = [resource.url.name[:-1] + "_", resource.url.name.swapcase(), "..", "%2e", "0" * 32]
        for guess in guesses:
            async with http.delete(URL(f"{gateway.url}/sessions/{guess}", encoded=True)) as response:
                assert response.status in {404, 405}
        await on_air.check_unharmed()


PATCHES: tuple[tuple[bytes, dict[str, str], set[int]], ...] = (
    (b"", FRAGMENT, {400}),
    (b"garbage", FRAGMENT, {400}),
    (b"\xff\xfe", FRAGMENT, {400}),
    (b"a=ice-ufrag:" + b"x" * 300 + b"\r\n", FRAGMENT, {400}),
    (b"a=ice-ufrag:ab\r\na=ice-pwd:c\r\n", FRAGMENT, {400}),
    (b"a=ice-ufrag:newufrag\r\na=ice-pwd:" + b"n" * 24 + b"\r\n", FRAGMENT, {428}),
    (b"a=ice-ufrag:newufrag\r\na=ice-pwd:" + b"n" * 24 + b"\r\n", {**FRAGMENT, "If-Match": '"old"'}, {412}),
    (b"a=candidate:1 1 udp 99999999999999999999 1.2.3.4 99999 typ host\r\n", FRAGMENT, {400}),
    (b"a=candidate:1 1 udp 1 \xc3\xa9 1 typ host\r\n", FRAGMENT, {204, 400}),
    (b"a=mid:" + b"\x00" * 9 + b"\r\n", FRAGMENT, {400}),
    (b"a=candidate:\r\n" * 1_500, FRAGMENT, {413}),
    (b"a=end-of-candidates\r\n", {"Content-Type": "application/sdp"}, {415}),
    (b"a=end-of-candidates\r\n", {"Content-Type": "\xff"}, {400, 415}),
    (b"a=end-of-candidates\r\n", {**FRAGMENT, "If-Match": ',,,"' * 99}, {412}),
)


async def test_broken_fragments_change_nothing(gateway: GatewayServer, order: str) -> None:
    async with stage(gateway, order) as on_air:
        resource = on_air.viewers[0].player.session.resource
        assert resource is not None
        for body, headers, statuses in PATCHES:
            async with on_air.http.patch(resource.url, data=body, headers=headers) as response:
                assert response.status in statuses, (body[:60], await response.text())
        await on_air.check_unharmed()


async def test_slow_bodies_wait_for_nobody(gateway: GatewayServer, order: str) -> None:
    """A hundred requests that never end hold up nobody else."""
    url = URL(gateway.url)
    head = b"POST /whip/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 500\r\n"
    head += b"Authorization: Bearer " + gateway.publish_token("x").encode() + b"\r\n\r\nv="
    async with stage(gateway, order, viewers=1) as on_air:
        before = await on_air.metrics()
        slow = await asyncio.gather(*(asyncio.open_connection(url.host, url.port) for _ in range(100)))
        for _, writer in slow:
            writer.write(head)
        await on_air.check_unharmed()
        another = on_air.viewer()
        await another.open()
        await another.player.close()
        for _, writer in slow:
            writer.close()

        async def gone() -> bool:
            return (await on_air.metrics())["gateway_tasks"] <= before["gateway_tasks"]

        await eventually(gone)

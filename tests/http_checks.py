"""Requests and checks that all tests of the session surface share."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from gateway.access.grants import Scope
from tests.signalling_rig import ORDER, PUBLISH_OFFER, SDP, Http, Rig

WHIP = f"/whip/{ORDER}"
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
EXPOSED = {
    "Location", "ETag", "Link", "Accept-Post", "Accept-Patch", "Retry-After", "WWW-Authenticate",
    "Access-Control-Allow-Methods",
}  # fmt: skip


def publisher(rig: Rig, subject: str = "technician", **claims: Any) -> dict[str, str]:
    return {**SDP, **rig.bearer(Scope.PUBLISH, subject=subject, **claims)}


async def publish(http: Http, rig: Rig, path: str = WHIP, **claims: Any) -> aiohttp.ClientResponse:
    return await http.post(path, data=PUBLISH_OFFER, headers=publisher(rig, **claims))


def credentials(sdp: str) -> tuple[str, str]:
    ufrag, pwd = re.search(r"a=ice-ufrag:(\S+)", sdp), re.search(r"a=ice-pwd:(\S+)", sdp)
    assert ufrag is not None
    assert pwd is not None
    return ufrag[1], pwd[1]


def fragment(ufrag: str, pwd: str) -> str:
    return (
        f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2130706431 192.0.2.9 50000 typ host\r\n"
    )


TRICKLE = fragment(*credentials(PUBLISH_OFFER))
RESTART = fragment("newufrag", "n" * 24)


async def check_problem(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    """A problem document with a sentence, CORS on it, and no trace of the code behind."""
    text = await response.text()
    assert response.status == status, text
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = json.loads(text)
    assert document["status"] == status
    assert document["title"] == HTTPStatus(status).phrase
    assert document["error"]
    assert "Traceback" not in text
    check_cors(response.headers)
    return document


def check_cors(headers: CIMultiDictProxy[str]) -> None:
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert {h.strip() for h in headers["Access-Control-Expose-Headers"].split(",")} == EXPOSED
    assert {m.strip() for m in headers["Access-Control-Allow-Methods"].split(",")} == {
        "OPTIONS", "GET", "HEAD", "POST", "PATCH", "DELETE",
    }  # fmt: skip
    assert {h.strip() for h in headers["Access-Control-Allow-Headers"].split(",")} == {
        "Authorization", "Content-Type", "If-Match", "ETag",
    }  # fmt: skip

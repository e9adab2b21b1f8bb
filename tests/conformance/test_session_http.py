"""The session behind Location over real HTTP: trickle, ICE restart, tokens, the end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gateway.access.grants import Scope
from gateway.clock import ManualClock
from gateway.errors import Unavailable
from tests.http_checks import (
    FRAGMENT,
    RESTART,
    TRICKLE,
    check_cors,
    check_problem,
    credentials,
    fragment,
    publish,
    publisher,
)
from tests.signalling_rig import PUBLISH_OFFER, SDP, Http, Rig, make_rig, serving


@pytest.fixture
def rig() -> Rig:
    return make_rig(turn_secret="turn-secret")


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


# --- PATCH -------------------------------------------------------------------------------------


async def patch(http: Http, location: str, body: str, **headers: str) -> aiohttp.ClientResponse:
    return await http.patch(location, data=body.encode(), headers={**FRAGMENT, **headers})


@pytest.mark.parametrize("if_match", [None, "*", '"*"', "the current one"])
async def test_trickle_is_204_without_an_etag(http: Http, rig: Rig, if_match: str | None) -> None:
    created = await publish(http, rig)
    tag = created.headers["ETag"] if if_match == "the current one" else if_match
    headers = {} if tag is None else {"If-Match": tag}
    response = await patch(http, created.headers["Location"], TRICKLE, **headers)
    assert response.status == 204
    assert "ETag" not in response.headers
    assert await response.read() == b""
    check_cors(response.headers)
    assert rig.plane.opened[0].restarts == []


async def test_trickle_with_a_stale_tag_is_412(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    response = await patch(http, created.headers["Location"], TRICKLE, **{"If-Match": '"stale"'})
    await check_problem(response, 412)


UFRAG, PWD = credentials(PUBLISH_OFFER)
CREDENTIALS = f"a=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\n"


@pytest.mark.parametrize(
    "body",
    [
        CREDENTIALS,
        CREDENTIALS + "a=end-of-candidates\r\n",
        CREDENTIALS + "m=video 9 RTP/AVP 0\r\na=mid:video-a\r\na=end-of-candidates\r\n",
        CREDENTIALS + "m=audio 9 RTP/AVP 0\r\na=mid:0\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" + CREDENTIALS,
        CREDENTIALS + "a=candidate:1 0 udp 1 192.0.2.9 5000 typ host\r\n",
        CREDENTIALS + "a=candidate:1 1 udp 1 8c5ea1e0-7f45-4c56-9c5b-55d0a0d7d9ab.local 5000 typ host\r\n",
        CREDENTIALS + "a=candidate:1 1 tcp 1 192.0.2.9 9 typ host tcptype active\r\n",
        CREDENTIALS + "a=candidate:1 1 udp 1 no.such.host.example 5000 typ host\r\n",
        CREDENTIALS.replace("\r\n", "\n"),
    ],
    ids=range(10),
)
async def test_trickle_bodies_as_clients_write_them(http: Http, rig: Rig, body: str) -> None:
    created = await publish(http, rig)
    assert (await patch(http, created.headers["Location"], body)).status == 204


@pytest.mark.parametrize("if_match", ["*", '"*"', "the current one", "among others"])
async def test_a_restart_is_200_with_our_fragment_and_a_new_tag(http: Http, rig: Rig, if_match: str) -> None:
    created = await publish(http, rig)
    before, old = created.headers["ETag"], credentials(await created.text())
    tag = {"the current one": before, "among others": f'"x", {before}'}.get(if_match, if_match)
    response = await patch(http, created.headers["Location"], RESTART, **{"If-Match": tag})
    body = await response.text()
    assert response.status == 200
    assert response.content_type == "application/trickle-ice-sdpfrag"
    assert re.fullmatch(r'"[^"]+"', response.headers["ETag"])
    assert response.headers["ETag"] != before
    assert "a=ice-lite\r\n" in body
    assert "a=candidate:" in body
    assert "a=end-of-candidates\r\n" in body
    assert credentials(body) != old
    ((local, remote),) = rig.plane.opened[0].restarts
    assert (local.ufrag, local.pwd) == credentials(body)
    assert (remote.ufrag, remote.pwd) == ("newufrag", "n" * 24)
    check_cors(response.headers)


async def test_after_a_restart_the_old_tag_is_stale_and_the_new_one_counts(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    location, old = created.headers["Location"], created.headers["ETag"]
    restarted = await patch(http, location, RESTART, **{"If-Match": old})
    new = restarted.headers["ETag"]
    assert (await patch(http, location, RESTART, **{"If-Match": old})).status == 412
    assert (await patch(http, location, RESTART, **{"If-Match": new})).status == 204
    again = await patch(http, location, fragment("thirdufrag", "t" * 24), **{"If-Match": new})
    assert again.status == 200


async def test_a_late_candidate_of_the_old_generation_is_no_restart(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    location = created.headers["Location"]
    await patch(http, location, RESTART, **{"If-Match": "*"})
    assert (await patch(http, location, TRICKLE, **{"If-Match": "*"})).status == 204
    assert (await patch(http, location, TRICKLE, **{"If-Match": created.headers["ETag"]})).status == 412
    assert len(rig.plane.opened[0].restarts) == 1


async def test_a_restart_without_if_match_is_428_and_changes_nothing(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    await check_problem(await patch(http, created.headers["Location"], RESTART), 428)
    assert rig.plane.opened[0].restarts == []
    assert (await patch(http, created.headers["Location"], TRICKLE)).status == 204


async def test_a_restart_with_a_stale_tag_is_412_and_changes_nothing(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    response = await patch(http, created.headers["Location"], RESTART, **{"If-Match": '"stale"'})
    await check_problem(response, 412)
    assert rig.plane.opened[0].restarts == []


async def test_a_failed_restart_keeps_the_session_and_its_tag(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    location, tag = created.headers["Location"], created.headers["ETag"]
    rig.plane.failure = Unavailable("not now")
    await check_problem(await patch(http, location, RESTART, **{"If-Match": tag}), 503)
    assert (await patch(http, location, TRICKLE, **{"If-Match": tag})).status == 204
    assert (await patch(http, location, RESTART, **{"If-Match": tag})).status == 200


@pytest.mark.parametrize("body", ["", "nonsense", "a=ice-ufrag:x\r\na=ice-pwd:y\r\n"])
async def test_a_fragment_that_cannot_be_read_is_400_and_keeps_the_session(
    http: Http, rig: Rig, body: str
) -> None:
    created = await publish(http, rig)
    await check_problem(await patch(http, created.headers["Location"], body, **{"If-Match": "*"}), 400)
    assert (await http.get(created.headers["Location"])).status == 204


async def test_a_patch_of_another_type_is_415(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    response = await http.patch(created.headers["Location"], data=PUBLISH_OFFER, headers=SDP)
    await check_problem(response, 415)
    assert response.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_fragment_over_16_kib_is_413(http: Http, rig: Rig, chunked: bool) -> None:
    created = await publish(http, rig)
    body = TRICKLE.encode() + b"a=x\r\n" * 3_300

    async def pieces() -> AsyncIterator[bytes]:
        yield body[:9_000]
        yield body[9_000:]

    response = await http.patch(
        created.headers["Location"], data=pieces() if chunked else body, headers=FRAGMENT
    )
    await check_problem(response, 413)


async def test_a_token_is_checked_when_it_is_sent(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    location = created.headers["Location"]
    stranger = rig.bearer(Scope.PUBLISH, subject="stranger")["Authorization"]
    owner = publisher(rig)["Authorization"]
    await check_problem(await patch(http, location, TRICKLE, Authorization="Bearer nonsense"), 401)
    await check_problem(await patch(http, location, TRICKLE, Authorization=stranger), 403)
    await check_problem(await http.delete(location, headers={"Authorization": stranger}), 403)
    assert (await patch(http, location, TRICKLE, Authorization=owner)).status == 204
    assert (await http.delete(location, headers={"Authorization": owner})).status == 200


async def test_a_session_that_trickles_wildly_is_429_but_every_100_ms_is_fine() -> None:
    clock = ManualClock()
    rig = make_rig(clock=clock)
    async with serving(rig) as http:
        location = (await publish(http, rig)).headers["Location"]
        for _ in range(150):
            assert (await patch(http, location, TRICKLE)).status == 204
            clock.advance(0.1)
        statuses = [(await patch(http, location, TRICKLE)).status for _ in range(61)]
        assert statuses == [204] * 60 + [429]
        response = await patch(http, location, TRICKLE)
        await check_problem(response, 429)
        clock.advance(float(response.headers["Retry-After"]))
        assert (await patch(http, location, TRICKLE)).status == 204


# --- the session's URL -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_live_session_is_204_and_an_ended_one_404(http: Http, rig: Rig, method: str) -> None:
    location = (await publish(http, rig)).headers["Location"]
    assert (await http.request(method, location)).status == 204
    deleted = await http.delete(location)
    assert deleted.status == 200
    check_cors(deleted.headers)
    assert (await http.request(method, location)).status == 404
    await check_problem(await http.delete(location), 404)
    await check_problem(await patch(http, location, TRICKLE), 404)


async def test_deleting_closes_the_media(http: Http, rig: Rig) -> None:
    location = (await publish(http, rig)).headers["Location"]
    await http.delete(location)
    assert rig.plane.opened[0].closed.result() == "deleted"


async def test_a_session_whose_media_ended_is_404(http: Http, rig: Rig) -> None:
    location = (await publish(http, rig)).headers["Location"]
    rig.plane.opened[0].closed.set_result("ice_timeout")
    async with asyncio.timeout(2):
        while (await http.get(location)).status != 404:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_other_methods_on_a_session_are_405(http: Http, rig: Rig, method: str) -> None:
    location = (await publish(http, rig)).headers["Location"]
    response = await http.request(method, location, data=b"")
    await check_problem(response, 405)


async def test_the_session_url_alone_creates_nothing(http: Http, rig: Rig) -> None:
    location = (await publish(http, rig)).headers["Location"]
    await http.post(location, data=PUBLISH_OFFER, headers=SDP)
    await http.patch(location, data=PUBLISH_OFFER, headers=SDP)
    assert len(rig.plane.opened) == 1

"""WHIP over real HTTP, row by row as RFC 9725 and the clients that exist need it; the media plane is a fake."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from gateway.access.grants import Scope
from gateway.errors import Unavailable
from tests.signalling_rig import (
    OFFERS,
    ORDER,
    OTHER_ORDER,
    PUBLISH_OFFER,
    SDP,
    Http,
    Rig,
    make_rig,
    offer,
    serving,
)

ENDPOINT = f"/whip/{ORDER}"
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
EXPOSED = {
    "Location", "ETag", "Link", "Accept-Post", "Accept-Patch", "Retry-After", "WWW-Authenticate",
    "Access-Control-Allow-Methods",
}  # fmt: skip


@pytest.fixture
def rig() -> Rig:
    return make_rig(turn_secret="turn-secret")


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


def publisher(rig: Rig, subject: str = "technician", **claims: Any) -> dict[str, str]:
    return {**SDP, **rig.bearer(Scope.PUBLISH, subject=subject, **claims)}


async def publish(http: Http, rig: Rig, path: str = ENDPOINT, **claims: Any) -> aiohttp.ClientResponse:
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


# --- 201 ---------------------------------------------------------------------------------------


async def test_a_publisher_gets_201_with_all_that_clients_look_for(http: Http, rig: Rig) -> None:
    response = await publish(http, rig)
    body = await response.read()
    assert response.status == 201
    assert response.content_type == "application/sdp"
    assert body.startswith(b"v=")
    assert 0 < len(body) <= 8_192
    assert body.endswith(b"\r\n")
    assert body.count(b"\n") == body.count(b"\r\n")
    assert re.fullmatch(r"/sessions/[\w-]{22,}", response.headers["Location"])
    assert re.fullmatch(r'"[^"]+"', response.headers["ETag"])
    check_cors(response.headers)


async def test_links_are_one_field_a_server(http: Http, rig: Rig) -> None:
    response = await publish(http, rig)
    stun, turn = response.headers.getall("Link")
    assert stun == '<stun:stun.example.com:3478>; rel="ice-server"'
    assert re.fullmatch(
        r'<turn:turn\.example\.com:3478\?transport=udp>; rel="ice-server"; username="[^"]+"; '
        r'credential="[^"]+"; credential-type="password"',
        turn,
    )
    assert "," not in stun + turn


@pytest.mark.parametrize(
    "content_type",
    ["application/sdp", "Application/SDP", "application/sdp; charset=utf-8", "application/sdp;x"],
)
async def test_the_content_type_may_have_parameters_and_any_case(
    http: Http, rig: Rig, content_type: str
) -> None:
    headers = {**publisher(rig), "Content-Type": content_type}
    response = await http.post(ENDPOINT, data=PUBLISH_OFFER.encode(), headers=headers)
    assert response.status == 201


@pytest.mark.parametrize("path", [*sorted(OFFERS.glob("*publish*.sdp"))], ids=lambda p: p.stem)
async def test_every_recorded_publisher_is_taken(http: Http, rig: Rig, path: Any) -> None:
    response = await http.post(ENDPOINT, data=path.read_bytes(), headers=publisher(rig))
    body = await response.text()
    assert response.status == 201, body
    assert "a=ice-lite" in body


async def test_locations_differ_and_say_nothing(http: Http, rig: Rig) -> None:
    locations = {(await publish(http, rig, f"{ENDPOINT}/camera-{n}")).headers["Location"] for n in range(5)}
    assert len(locations) == 5
    assert not any(ORDER in location or "?" in location for location in locations)


async def test_the_camera_is_main_unless_named(http: Http, rig: Rig) -> None:
    await publish(http, rig)
    await publish(http, rig, f"{ENDPOINT}/microscope")
    assert [s.spec.camera for s in rig.plane.opened] == ["main", "microscope"]


# --- the status table --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"\xff\xfe\x00", b"v=1\r\n", PUBLISH_OFFER.replace("m=", "q=").encode()]
)
async def test_malformed_sdp_is_400(http: Http, rig: Rig, body: bytes) -> None:
    response = await http.post(ENDPOINT, data=body, headers=publisher(rig))
    await check_problem(response, 400)
    assert len(rig.sessions) == 0


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/sdpx", ""])
async def test_another_content_type_is_415(http: Http, rig: Rig, content_type: str) -> None:
    headers = {**publisher(rig), "Content-Type": content_type}
    response = await http.post(ENDPOINT, data=PUBLISH_OFFER.encode(), headers=headers)
    await check_problem(response, 415)


def unacceptable_offers() -> dict[str, str]:
    head, *media = re.split(r"(?=^m=)", PUBLISH_OFFER, flags=re.MULTILINE)
    no_common = re.sub(r"(?m)^(a=rtpmap:\d+ )[^/]+/", r"\1unheardof/", PUBLISH_OFFER)
    mids = [re.search(r"(?m)^a=mid:(\S+)", m) for m in media]
    video = next(m for m in media if m.startswith("m=video"))
    twice = re.sub(r"(?m)^a=mid:\S+", "a=mid:extra", video)
    twice = re.sub(r"(?m)^a=(ssrc|msid).*\r\n", "", twice)
    grouped = re.sub(
        r"(?m)^a=group:BUNDLE.*?\r$",
        "a=group:BUNDLE " + " ".join(m[1] for m in mids if m) + " extra\r",
        head,
    )
    return {
        "no common codec": no_common,
        "two video tracks": grouped + "".join(media) + twice,
        "unsupported setup": PUBLISH_OFFER.replace("a=setup:actpass", "a=setup:holdconn"),
        "nothing is sent": PUBLISH_OFFER.replace("a=sendonly", "a=recvonly").replace(
            "a=sendrecv", "a=recvonly"
        ),
    }


@pytest.mark.parametrize("case", list(unacceptable_offers()))
async def test_offers_that_cannot_be_served_are_422_and_never_half_accepted(
    http: Http, rig: Rig, case: str
) -> None:
    response = await http.post(ENDPOINT, data=unacceptable_offers()[case].encode(), headers=publisher(rig))
    document = await check_problem(response, 422)
    assert document["detail"]
    assert not rig.plane.opened


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer a.b.c"]
)
async def test_without_a_valid_token_401_and_never_basic(http: Http, authorization: str | None) -> None:
    headers = SDP if authorization is None else {**SDP, "Authorization": authorization}
    response = await http.post(ENDPOINT, data=PUBLISH_OFFER, headers=headers)
    await check_problem(response, 401)
    assert response.headers.getall("WWW-Authenticate") == ['Bearer error="invalid_token"']


async def test_an_expired_token_is_401(http: Http, rig: Rig) -> None:
    token = rig.token(Scope.PUBLISH, ttl=1.0)
    await asyncio.sleep(1.1)
    response = await http.post(
        ENDPOINT, data=PUBLISH_OFFER, headers={**SDP, "Authorization": f"Bearer {token}"}
    )
    await check_problem(response, 401)


@pytest.mark.parametrize("prefix", ["bearer ", "BEARER  ", "Bearer Bearer ", "  Bearer\t"])
async def test_the_bearer_prefix_is_read_as_people_write_it(http: Http, rig: Rig, prefix: str) -> None:
    headers = {**SDP, "Authorization": f"{prefix}{rig.token(Scope.PUBLISH)} "}
    response = await http.post(ENDPOINT, data=PUBLISH_OFFER, headers=headers)
    assert response.status == 201


@pytest.mark.parametrize(
    ("scopes", "claims", "path"),
    [
        ([Scope.WATCH], {}, ENDPOINT),
        ([Scope.TALK], {}, ENDPOINT),
        ([Scope.PUBLISH], {"order_id": OTHER_ORDER}, ENDPOINT),
        ([Scope.PUBLISH], {"camera": "microscope"}, ENDPOINT),
        ([Scope.PUBLISH], {}, f"{ENDPOINT}/talk"),
        ([Scope.WATCH], {}, f"{ENDPOINT}/talk"),
    ],
)
async def test_a_valid_token_for_something_else_is_403(
    http: Http, rig: Rig, scopes: list[Scope], claims: dict[str, Any], path: str
) -> None:
    response = await http.post(path, data=PUBLISH_OFFER, headers={**SDP, **rig.bearer(*scopes, **claims)})
    await check_problem(response, 403)


async def test_the_talk_channel_takes_sound_from_customers_alone(http: Http, rig: Rig) -> None:
    headers = {**SDP, **rig.bearer(Scope.TALK, subject="customer")}
    with_picture = await http.post(f"{ENDPOINT}/talk", data=PUBLISH_OFFER, headers=headers)
    await check_problem(with_picture, 422)
    head, *media = re.split(r"(?=^m=)", PUBLISH_OFFER, flags=re.MULTILINE)
    audio = next(m for m in media if m.startswith("m=audio"))
    mid = re.search(r"(?m)^a=mid:(\S+)", audio)
    assert mid is not None
    head = re.sub(r"(?m)^a=group:BUNDLE.*?\r$", f"a=group:BUNDLE {mid[1]}\r", head)
    response = await http.post(f"{ENDPOINT}/talk", data=(head + audio).encode(), headers=headers)
    assert response.status == 201, await response.text()


@pytest.mark.parametrize(
    "path",
    ["/whip", "/whip/", f"{ENDPOINT}/", f"{ENDPOINT}/main/more", f"{ENDPOINT}/%2e%2e", f"{ENDPOINT}/a%20b"],
)
async def test_unknown_endpoints_are_404(http: Http, rig: Rig, path: str) -> None:
    response = await http.post(path, data=PUBLISH_OFFER, headers=publisher(rig))
    assert response.status == 404
    assert (await response.json(content_type="application/problem+json"))["code"] == "not_found"


async def test_an_unknown_order_is_404_even_for_an_administrator(http: Http, rig: Rig) -> None:
    headers = {**SDP, **rig.bearer(Scope.ADMIN, order_id=None)}
    response = await http.post("/whip/no-such-order", data=PUBLISH_OFFER, headers=headers)
    await check_problem(response, 404)


async def test_another_subject_is_409_with_retry_after(http: Http, rig: Rig) -> None:
    first = await publish(http, rig)
    response = await publish(http, rig, subject="another")
    await check_problem(response, 409)
    assert int(response.headers["Retry-After"]) >= 1
    assert (await http.get(first.headers["Location"])).status == 204


async def test_the_slot_is_free_after_the_first_publisher_left(http: Http, rig: Rig) -> None:
    first = await publish(http, rig)
    await http.delete(first.headers["Location"])
    assert (await publish(http, rig, subject="another")).status == 201


async def test_the_same_subject_takes_over_and_the_zombies_delete_is_404(http: Http, rig: Rig) -> None:
    zombie, fresh = await publish(http, rig), await publish(http, rig)
    assert fresh.status == 201
    await check_problem(await http.delete(zombie.headers["Location"]), 404)
    assert (await http.get(fresh.headers["Location"])).status == 204
    assert len(rig.plane.open_sessions) == 1


async def test_a_bad_offer_does_not_take_the_camera_from_the_running_broadcast(http: Http, rig: Rig) -> None:
    running = await publish(http, rig)
    for body, status in ((b"nonsense", 400), (unacceptable_offers()["no common codec"].encode(), 422)):
        response = await http.post(ENDPOINT, data=body, headers=publisher(rig))
        assert response.status == status
    assert (await http.get(running.headers["Location"])).status == 204


@pytest.mark.parametrize("chunked", [False, True])
async def test_more_than_128_kib_are_413(http: Http, rig: Rig, chunked: bool) -> None:
    body = PUBLISH_OFFER.encode() + b"a=x\r\n" * 27_000
    assert len(body) > 128 * 1024

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 8_192):
            yield body[start : start + 8_192]

    data = pieces() if chunked else body
    response = await http.post(ENDPOINT, data=data, headers=publisher(rig))
    await check_problem(response, 413)


async def test_draining_is_503_with_retry_after(http: Http, rig: Rig) -> None:
    running = await publish(http, rig)
    rig.sessions.drain()
    response = await publish(http, rig, f"{ENDPOINT}/second")
    await check_problem(response, 503)
    assert int(response.headers["Retry-After"]) >= 1
    assert (await http.get(running.headers["Location"])).status == 204


async def test_a_full_process_is_503_with_retry_after() -> None:
    rig = make_rig(capacity=1)
    async with serving(rig) as http:
        await publish(http, rig)
        response = await publish(http, rig, f"{ENDPOINT}/second")
        await check_problem(response, 503)
        assert int(response.headers["Retry-After"]) >= 1


async def test_a_media_plane_that_refuses_leaves_no_session(http: Http, rig: Rig) -> None:
    rig.plane.failure = Unavailable("no more ports", retry_after=3)
    response = await publish(http, rig)
    await check_problem(response, 503)
    assert response.headers["Retry-After"] == "3"
    assert len(rig.sessions) == 0


async def test_an_unforeseen_defect_is_a_500_without_a_traceback(
    http: Http, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(spec: object) -> None:
        raise ZeroDivisionError("a secret inside")

    monkeypatch.setattr(rig.plane, "open", defect)
    response = await publish(http, rig)
    assert "secret" not in await response.text()
    await check_problem(response, 500)
    assert rig.services.drops["api_internal_error"] == 1


async def test_too_many_posts_are_429_with_retry_after(http: Http) -> None:
    statuses = [(await http.post(ENDPOINT, headers=SDP)).status for _ in range(260)]
    assert statuses[0] == 401
    response = await http.post(ENDPOINT, headers=SDP)
    while response.status != 429:
        response = await http.post(ENDPOINT, headers=SDP)
    await check_problem(response, 429)
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_on_the_endpoint_are_405(http: Http, rig: Rig, method: str) -> None:
    response = await http.request(method, ENDPOINT, headers=publisher(rig))
    await check_problem(response, 405)
    assert "POST" in response.headers["Allow"]


async def test_errors_speak_the_callers_language(http: Http) -> None:
    sentences = {}
    for language in ("ru-RU,ru;q=0.9,en;q=0.5", "cs", "en", "de", "ru;q=0.1, cs;q=0.8"):
        response = await http.post(ENDPOINT, headers={**SDP, "Accept-Language": language})
        sentences[language] = (await response.json(content_type=None))["error"]
    assert sentences["ru-RU,ru;q=0.9,en;q=0.5"].startswith("Войдите")
    assert sentences["cs"].startswith("Přihlaste")
    assert sentences["en"] == sentences["de"]
    assert sentences["ru;q=0.1, cs;q=0.8"] == sentences["cs"]


# --- GET, HEAD, OPTIONS ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_get_and_head_on_the_endpoint_are_204(http: Http, method: str) -> None:
    response = await http.request(method, ENDPOINT)
    assert response.status == 204
    check_cors(response.headers)


@pytest.mark.parametrize("path", [ENDPOINT, f"{ENDPOINT}/main", "/sessions/whatever"])
async def test_preflights_need_no_token(http: Http, path: str) -> None:
    headers = {
        "Origin": "https://player.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = await http.options(path, headers=headers)
    assert response.status == 200
    check_cors(response.headers)


async def test_plain_options_tell_what_is_taken_and_the_ice_servers(http: Http, rig: Rig) -> None:
    response = await http.options(ENDPOINT, headers=rig.bearer(Scope.PUBLISH))
    assert response.status == 200
    assert response.headers["Accept-Post"] == "application/sdp"
    assert all('rel="ice-server"' in link for link in response.headers.getall("Link"))
    assert len(response.headers.getall("Link")) == 2


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
async def test_options_without_a_token_give_no_credentials_away(http: Http, headers: dict[str, str]) -> None:
    response = await http.options(ENDPOINT, headers=headers)
    assert response.status == 200
    assert response.headers.getall("Link") == ['<stun:stun.example.com:3478>; rel="ice-server"']


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


async def test_a_session_that_trickles_wildly_is_429_but_every_100_ms_is_fine(http: Http, rig: Rig) -> None:
    created = await publish(http, rig)
    statuses = [(await patch(http, created.headers["Location"], TRICKLE)).status for _ in range(30)]
    assert set(statuses) == {204}
    response = await patch(http, created.headers["Location"], TRICKLE)
    for _ in range(2_000):
        if response.status == 429:
            break
        response = await patch(http, created.headers["Location"], TRICKLE)
    await check_problem(response, 429)
    assert int(response.headers["Retry-After"]) >= 1


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


# --- things real servers got wrong -------------------------------------------------------------


def respelled(sdp: str) -> dict[str, str]:
    """The same offer as some clients and middleboxes spell it."""
    transport = re.search(
        r"(?m)^a=ice-ufrag:.*\r\na=ice-pwd:.*\r\n(?:a=ice-options:.*\r\n)?a=fingerprint:.*\r\na=setup:.*\r\n",
        sdp,
    )
    assert transport is not None
    head, rest = sdp.split("m=", 1)
    moved = head + transport[0] + ("m=" + rest).replace(transport[0], "")
    return {
        "session-level ICE, fingerprint and setup": moved,
        "group:LS": head + "a=group:LS 0 1\r\n" + "m=" + rest,
        "OPUS": sdp.replace("opus/48000", "OPUS/48000"),
    }


@pytest.mark.parametrize("spelling", list(respelled(PUBLISH_OFFER)))
async def test_offers_that_other_servers_tripped_over(http: Http, rig: Rig, spelling: str) -> None:
    body = respelled(PUBLISH_OFFER)[spelling]
    response = await http.post(ENDPOINT, data=body.encode(), headers=publisher(rig))
    assert response.status == 201, await response.text()


async def test_no_accepted_answer_holds_an_inactive_or_rejected_track(http: Http, rig: Rig) -> None:
    answer = await (await publish(http, rig)).text()
    assert "a=inactive" not in answer
    assert not re.search(r"(?m)^m=(audio|video) 0 ", answer)


async def test_no_secret_reaches_the_log(
    http: Http, rig: Rig, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    token = rig.token(Scope.PUBLISH)
    headers = {**SDP, "Authorization": f"Bearer {token}"}
    created = await http.post(f"{ENDPOINT}?token={token}", data=PUBLISH_OFFER, headers=headers)
    await http.delete(created.headers["Location"])
    logged = caplog.text + "".join(capsys.readouterr())
    assert "/whip/{order_id}" in logged
    assert token not in logged
    assert created.headers["Location"].rpartition("/")[2] not in logged


def test_the_recorded_offers_are_there() -> None:
    assert offer("ffmpeg-9.0.2-publish").startswith("v=0")

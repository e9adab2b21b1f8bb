"""WHIP over real HTTP, row by row, as RFC 9725 and the clients that exist need it.

The media plane is a fake: what is tested is HTTP.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.access.grants import Scope
from gateway.access.tokens import Tokens
from gateway.api.endpoint import OFFERS_AT_ONCE
from gateway.clock import ManualClock
from gateway.errors import Unavailable
from tests.http_checks import WHIP, check_cors, check_problem, publish, publisher
from tests.signalling_rig import (
    OFFERS,
    ORDER,
    OTHER_ORDER,
    PUBLISH_OFFER,
    SDP,
    SECRET,
    Http,
    Rig,
    make_rig,
    serving,
)


@pytest.fixture
def rig() -> Rig:
    return make_rig(turn_secret="turn-secret")


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


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
    response = await http.post(WHIP, data=PUBLISH_OFFER.encode(), headers=headers)
    assert response.status == 201


@pytest.mark.parametrize("path", [*sorted(OFFERS.glob("*publish*.sdp"))], ids=lambda p: p.stem)
async def test_every_recorded_publisher_is_taken(http: Http, rig: Rig, path: Any) -> None:
    response = await http.post(WHIP, data=path.read_bytes(), headers=publisher(rig))
    body = await response.text()
    assert response.status == 201, body
    assert "a=ice-lite" in body


async def test_locations_differ_and_say_nothing(http: Http, rig: Rig) -> None:
    locations = {(await publish(http, rig, f"{WHIP}/camera-{n}")).headers["Location"] for n in range(5)}
    assert len(locations) == 5
    assert not any(ORDER in location or "?" in location for location in locations)


async def test_the_camera_is_main_unless_named(http: Http, rig: Rig) -> None:
    await publish(http, rig)
    await publish(http, rig, f"{WHIP}/microscope")
    assert [s.spec.camera for s in rig.plane.opened] == ["main", "microscope"]


# --- the status table --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"\xff\xfe\x00", b"v=1\r\n", PUBLISH_OFFER.replace("m=", "q=").encode()]
)
async def test_malformed_sdp_is_400(http: Http, rig: Rig, body: bytes) -> None:
    response = await http.post(WHIP, data=body, headers=publisher(rig))
    await check_problem(response, 400)
    assert len(rig.sessions) == 0


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/sdpx", ""])
async def test_another_content_type_is_415(http: Http, rig: Rig, content_type: str) -> None:
    headers = {**publisher(rig), "Content-Type": content_type}
    response = await http.post(WHIP, data=PUBLISH_OFFER.encode(), headers=headers)
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
    response = await http.post(WHIP, data=unacceptable_offers()[case].encode(), headers=publisher(rig))
    document = await check_problem(response, 422)
    assert document["detail"]
    assert not rig.plane.opened


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer a.b.c"]
)
async def test_without_a_valid_token_401_and_never_basic(http: Http, authorization: str | None) -> None:
    headers = SDP if authorization is None else {**SDP, "Authorization": authorization}
    response = await http.post(WHIP, data=PUBLISH_OFFER, headers=headers)
    await check_problem(response, 401)
    assert response.headers.getall("WWW-Authenticate") == ['Bearer error="invalid_token"']


async def test_an_expired_token_is_401(http: Http) -> None:
    long_ago = Tokens(SECRET, ManualClock(epoch=1_700_000_000.0))
    token = long_ago.issue(subject="technician", scopes=[Scope.PUBLISH], ttl=900, order_id=ORDER).token
    headers = {**SDP, "Authorization": f"Bearer {token}"}
    await check_problem(await http.post(WHIP, data=PUBLISH_OFFER, headers=headers), 401)


@pytest.mark.parametrize("prefix", ["bearer ", "BEARER  ", "Bearer Bearer ", "  Bearer\t"])
async def test_the_bearer_prefix_is_read_as_people_write_it(http: Http, rig: Rig, prefix: str) -> None:
    headers = {**SDP, "Authorization": f"{prefix}{rig.token(Scope.PUBLISH)} "}
    response = await http.post(WHIP, data=PUBLISH_OFFER, headers=headers)
    assert response.status == 201


@pytest.mark.parametrize(
    ("scopes", "claims", "path"),
    [
        ([Scope.WATCH], {}, WHIP),
        ([Scope.TALK], {}, WHIP),
        ([Scope.PUBLISH], {"order_id": OTHER_ORDER}, WHIP),
        ([Scope.PUBLISH], {"camera": "microscope"}, WHIP),
        ([Scope.PUBLISH], {}, f"{WHIP}/talk"),
        ([Scope.WATCH], {}, f"{WHIP}/talk"),
    ],
)
async def test_a_valid_token_for_something_else_is_403(
    http: Http, rig: Rig, scopes: list[Scope], claims: dict[str, Any], path: str
) -> None:
    response = await http.post(path, data=PUBLISH_OFFER, headers={**SDP, **rig.bearer(*scopes, **claims)})
    await check_problem(response, 403)


async def test_the_talk_channel_takes_sound_from_customers_alone(http: Http, rig: Rig) -> None:
    headers = {**SDP, **rig.bearer(Scope.TALK, subject="customer")}
    with_picture = await http.post(f"{WHIP}/talk", data=PUBLISH_OFFER, headers=headers)
    await check_problem(with_picture, 422)
    head, *media = re.split(r"(?=^m=)", PUBLISH_OFFER, flags=re.MULTILINE)
    audio = next(m for m in media if m.startswith("m=audio"))
    mid = re.search(r"(?m)^a=mid:(\S+)", audio)
    assert mid is not None
    head = re.sub(r"(?m)^a=group:BUNDLE.*?\r$", f"a=group:BUNDLE {mid[1]}\r", head)
    response = await http.post(f"{WHIP}/talk", data=(head + audio).encode(), headers=headers)
    assert response.status == 201, await response.text()


@pytest.mark.parametrize(
    "path",
    ["/whip", "/whip/", f"{WHIP}/", f"{WHIP}/main/more", f"{WHIP}/%2e%2e", f"{WHIP}/a%20b"],
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
        response = await http.post(WHIP, data=body, headers=publisher(rig))
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
    response = await http.post(WHIP, data=data, headers=publisher(rig))
    await check_problem(response, 413)


async def test_draining_is_503_with_retry_after(http: Http, rig: Rig) -> None:
    running = await publish(http, rig)
    rig.sessions.drain()
    response = await publish(http, rig, f"{WHIP}/second")
    await check_problem(response, 503)
    assert int(response.headers["Retry-After"]) >= 1
    assert (await http.get(running.headers["Location"])).status == 204


async def test_a_full_process_is_503_with_retry_after() -> None:
    rig = make_rig(capacity=1)
    async with serving(rig) as http:
        await publish(http, rig)
        response = await publish(http, rig, f"{WHIP}/second")
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


async def test_too_many_posts_are_429_with_retry_after() -> None:
    clock = ManualClock()
    async with serving(make_rig(clock=clock)) as http:
        statuses = [(await http.post(WHIP, headers=SDP)).status for _ in range(int(OFFERS_AT_ONCE))]
        assert set(statuses) == {401}
        response = await http.post(WHIP, headers=SDP)
        await check_problem(response, 429)
        clock.advance(float(response.headers["Retry-After"]))
        assert (await http.post(WHIP, headers=SDP)).status == 401


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_on_the_endpoint_are_405(http: Http, rig: Rig, method: str) -> None:
    response = await http.request(method, WHIP, headers=publisher(rig))
    await check_problem(response, 405)
    assert "POST" in response.headers["Allow"]


async def test_errors_speak_the_callers_language(http: Http) -> None:
    sentences = {}
    for language in ("ru-RU,ru;q=0.9,en;q=0.5", "cs", "en", "de", "ru;q=0.1, cs;q=0.8"):
        response = await http.post(WHIP, headers={**SDP, "Accept-Language": language})
        sentences[language] = (await response.json(content_type=None))["error"]
    assert sentences["ru-RU,ru;q=0.9,en;q=0.5"].startswith("Войдите")
    assert sentences["cs"].startswith("Přihlaste")
    assert sentences["en"] == sentences["de"]
    assert sentences["ru;q=0.1, cs;q=0.8"] == sentences["cs"]


# --- GET, HEAD, OPTIONS ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_get_and_head_on_the_endpoint_are_204(http: Http, method: str) -> None:
    response = await http.request(method, WHIP)
    assert response.status == 204
    check_cors(response.headers)


@pytest.mark.parametrize("path", [WHIP, f"{WHIP}/main", "/sessions/whatever"])
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
    response = await http.options(WHIP, headers=rig.bearer(Scope.PUBLISH))
    assert response.status == 200
    assert response.headers["Accept-Post"] == "application/sdp"
    assert all('rel="ice-server"' in link for link in response.headers.getall("Link"))
    assert len(response.headers.getall("Link")) == 2


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
async def test_options_without_a_token_give_no_credentials_away(http: Http, headers: dict[str, str]) -> None:
    response = await http.options(WHIP, headers=headers)
    assert response.status == 200
    assert response.headers.getall("Link") == ['<stun:stun.example.com:3478>; rel="ice-server"']


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
    response = await http.post(WHIP, data=body.encode(), headers=publisher(rig))
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
    created = await http.post(f"{WHIP}?token={token}", data=PUBLISH_OFFER, headers=headers)
    await http.delete(created.headers["Location"])
    logged = caplog.text + "".join(capsys.readouterr())
    assert "/whip/{order_id}" in logged
    assert token not in logged
    assert created.headers["Location"].rpartition("/")[2] not in logged

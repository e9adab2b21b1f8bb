"""WHEP over real HTTP, as draft-ietf-wish-whep-03 and the players that exist need it.

The media plane is a fake: what is tested is HTTP.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway.access.grants import Scope
from gateway.protocol.description import MediaKind
from tests.signalling_rig import (
    OFFERS,
    ORDER,
    OTHER_ORDER,
    PLAY_OFFER,
    PUBLISH_OFFER,
    SDP,
    Http,
    Rig,
    make_rig,
    offer,
    serving,
)

ENDPOINT = f"/whep/{ORDER}"


@pytest.fixture
def rig() -> Rig:
    return make_rig()


@pytest.fixture
async def http(rig: Rig) -> AsyncIterator[Http]:
    async with serving(rig) as client:
        yield client


@pytest.fixture
async def live(http: Http, rig: Rig) -> str:
    """Somebody publishes; the location of that session."""
    return await go_live(http, rig)


async def go_live(
    http: Http, rig: Rig, recorded: str = "chromium-156-publish-vp8", camera: str = "main"
) -> str:
    headers = {**SDP, **rig.bearer(Scope.PUBLISH, subject="technician")}
    response = await http.post(f"/whip/{ORDER}/{camera}", data=offer(recorded).encode(), headers=headers)
    assert response.status == 201, await response.text()
    return response.headers["Location"]


async def play(
    http: Http, rig: Rig, body: str = PLAY_OFFER, path: str = ENDPOINT, **claims: Any
) -> aiohttp.ClientResponse:
    claims.setdefault("subject", "customer")
    return await http.post(path, data=body.encode(), headers={**SDP, **rig.bearer(Scope.WATCH, **claims)})


async def problem(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    assert response.status == status, await response.text()
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
    document: dict[str, Any] = await response.json(content_type="application/problem+json")
    assert document["error"]
    return document


async def test_a_viewer_gets_201_and_a_sendonly_answer(http: Http, rig: Rig, live: str) -> None:
    response = await play(http, rig)
    answer = await response.text()
    assert response.status == 201, answer
    assert response.content_type == "application/sdp"
    assert re.fullmatch(r"/sessions/[\w-]{22,}", response.headers["Location"])
    assert re.fullmatch(r'"[^"]+"', response.headers["ETag"])
    assert answer.startswith("v=0\r\n")
    assert len(answer) <= 8_192
    assert "a=sendonly" in answer
    assert "a=recvonly" not in answer


async def test_all_m_lines_belong_to_one_stream_with_distinct_ssrcs(http: Http, rig: Rig, live: str) -> None:
    answer = await (await play(http, rig)).text()
    msids = re.findall(r"(?m)^a=msid:(\S+) (\S+)\r$", answer)
    assert len(msids) == 2
    assert len({stream for stream, _ in msids}) == 1
    assert len({track for _, track in msids}) == 2
    assert len(set(re.findall(r"(?m)^a=ssrc:\d+ cname:(\S+)", answer))) == 1
    senders = rig.plane.opened[-1].spec.senders
    ssrcs = [s for sender in senders.values() for s in (sender.ssrc, sender.rtx_ssrc) if s is not None]
    assert len(set(ssrcs)) == len(ssrcs)
    assert set(re.findall(r"(?m)^a=ssrc:(\d+)", answer)) == {str(s) for s in ssrcs}


@pytest.mark.parametrize("recorded", sorted(path.stem for path in OFFERS.glob("*play*.sdp")))
async def test_every_recorded_player_is_served(http: Http, rig: Rig, recorded: str) -> None:
    wanted = offer(recorded)
    codec = "vp8" if "VP8/90000" in wanted else "h264-simulcast"
    await go_live(http, rig, f"chromium-156-publish-{codec}")
    response = await play(http, rig, wanted)
    assert response.status == 201, await response.text()


@pytest.mark.parametrize("direction", ["recvonly", "sendrecv"])
async def test_recvonly_and_sendrecv_offers_are_answered_sendonly(
    http: Http, rig: Rig, live: str, direction: str
) -> None:
    response = await play(http, rig, PLAY_OFFER.replace("a=recvonly", f"a={direction}"))
    answer = await response.text()
    assert response.status == 201, answer
    assert re.findall(r"(?m)^a=(sendonly|recvonly|sendrecv|inactive)\r$", answer) == ["sendonly", "sendonly"]


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
async def test_offers_that_take_nothing_are_an_error_not_an_inactive_answer(
    http: Http, rig: Rig, live: str, direction: str
) -> None:
    response = await play(http, rig, PLAY_OFFER.replace("a=recvonly", f"a={direction}"))
    await problem(response, 422)
    assert len(rig.plane.opened) == 1


async def test_a_data_channel_m_line_does_not_fail_the_session(http: Http, rig: Rig, live: str) -> None:
    application = (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
        "a=mid:data\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
    )
    transport = re.findall(r"(?m)^a=(?:ice-ufrag|ice-pwd|fingerprint|setup):.*\r\n", PLAY_OFFER)[:4]
    body = re.sub(r"(?m)^(a=group:BUNDLE [^\r]*)", r"\1 data", PLAY_OFFER) + application + "".join(transport)
    response = await play(http, rig, body)
    answer = await response.text()
    assert response.status == 201, answer
    assert re.search(r"(?m)^m=application 0 ", answer)


async def test_nobody_publishes_is_409_with_retry_after(http: Http, rig: Rig) -> None:
    response = await play(http, rig)
    document = await problem(response, 409)
    assert document["code"] == "not_live"
    assert response.headers["Retry-After"] == "2"
    assert not rig.plane.opened


async def test_after_the_publisher_left_nobody_publishes(http: Http, rig: Rig, live: str) -> None:
    await http.delete(live)
    await problem(await play(http, rig), 409)


async def test_another_camera_may_be_dark_while_one_is_live(http: Http, rig: Rig, live: str) -> None:
    await problem(await play(http, rig, path=f"{ENDPOINT}/microscope"), 409)
    await go_live(http, rig, camera="microscope")
    assert (await play(http, rig, path=f"{ENDPOINT}/microscope")).status == 201


async def test_no_codec_in_common_with_what_is_published_is_422(http: Http, rig: Rig, live: str) -> None:
    body = re.sub(r"(?m)^(a=rtpmap:\d+ )VP8/", r"\1unheardof/", PLAY_OFFER)
    await problem(await play(http, rig, body), 422)


@pytest.mark.parametrize("body", ["", "hello", "v=0"])
async def test_a_malformed_offer_is_400(http: Http, rig: Rig, live: str, body: str) -> None:
    await problem(await play(http, rig, body), 400)


async def test_another_content_type_is_415_and_never_406(http: Http, rig: Rig, live: str) -> None:
    headers = {"Content-Type": "application/json", **rig.bearer(Scope.WATCH)}
    response = await http.post(ENDPOINT, data=PLAY_OFFER.encode(), headers=headers)
    await problem(response, 415)
    assert response.headers["Accept-Post"] == "application/sdp"


async def test_without_a_token_401(http: Http) -> None:
    response = await http.post(ENDPOINT, data=PLAY_OFFER.encode(), headers=SDP)
    await problem(response, 401)
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    ("scopes", "claims", "path"),
    [
        ([Scope.PUBLISH], {}, ENDPOINT),
        ([Scope.WATCH], {"order_id": OTHER_ORDER}, ENDPOINT),
        ([Scope.WATCH], {"camera": "microscope"}, ENDPOINT),
        ([Scope.WATCH, Scope.TALK], {}, f"{ENDPOINT}/talk"),
    ],
)
async def test_a_valid_token_for_something_else_is_403(
    http: Http, rig: Rig, live: str, scopes: list[Scope], claims: dict[str, Any], path: str
) -> None:
    headers = {**SDP, **rig.bearer(*scopes, **claims)}
    await problem(await http.post(path, data=PLAY_OFFER.encode(), headers=headers), 403)


async def test_the_technician_may_listen_to_the_talk_channel(http: Http, rig: Rig) -> None:
    headers = {**SDP, **rig.bearer(Scope.PUBLISH, camera="main")}
    response = await http.post(f"{ENDPOINT}/talk", data=PLAY_OFFER.encode(), headers=headers)
    assert response.status == 201, "with an open ear, before anybody talks"
    answer = await response.text()
    assert answer.count("a=sendonly") == 1


async def test_a_revoked_access_opens_nothing_though_its_token_lives(http: Http, rig: Rig, live: str) -> None:
    rig.ledger.gone.add("access-1")
    await problem(await play(http, rig, stream_id="access-1"), 401)
    assert (await play(http, rig, stream_id="access-2")).status == 201


async def test_too_large_is_413(http: Http, rig: Rig, live: str) -> None:
    await problem(await play(http, rig, PLAY_OFFER + "a=x\r\n" * 27_000), 413)


async def test_draining_is_503(http: Http, rig: Rig, live: str) -> None:
    rig.sessions.drain()
    response = await play(http, rig)
    await problem(response, 503)
    assert int(response.headers["Retry-After"]) >= 1


async def test_head_says_what_the_endpoint_takes(http: Http) -> None:
    response = await http.head(ENDPOINT)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/sdp"


async def test_get_is_204(http: Http) -> None:
    assert (await http.get(ENDPOINT)).status == 204


async def test_viewers_survive_a_publisher_that_takes_over(http: Http, rig: Rig, live: str) -> None:
    viewer = (await play(http, rig)).headers["Location"]
    await go_live(http, rig, "chromium-156-publish-h264-simulcast")
    assert (await http.get(viewer)).status == 204
    assert (await http.get(live)).status == 404


async def test_the_published_codec_is_the_answers_first(http: Http, rig: Rig) -> None:
    await go_live(http, rig, "chromium-156-publish-h264-simulcast")
    response = await play(http, rig)
    assert response.status == 201, await response.text()
    video = rig.plane.opened[-1].spec.negotiated.first(MediaKind.VIDEO)
    assert video is not None
    assert video.codecs[0].name == "H264"
    assert {"VP8", "H264"} <= {codec.name for codec in video.codecs}  # for the publisher that comes next


async def test_a_viewers_delete_hurts_nobody_else(http: Http, rig: Rig, live: str) -> None:
    first, second = await play(http, rig), await play(http, rig)
    assert (await http.delete(first.headers["Location"])).status == 200
    assert (await http.get(first.headers["Location"])).status == 404
    assert (await http.get(second.headers["Location"])).status == 204
    assert (await http.get(live)).status == 204


async def test_a_viewers_restart_works_as_a_publishers(http: Http, rig: Rig, live: str) -> None:
    created = await play(http, rig)
    body = f"a=ice-ufrag:newufrag\r\na=ice-pwd:{'n' * 24}\r\n"
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": created.headers["ETag"]}
    response = await http.patch(created.headers["Location"], data=body.encode(), headers=headers)
    assert response.status == 200
    assert response.headers["ETag"] != created.headers["ETag"]
    assert "a=ice-lite" in await response.text()


async def test_a_publishers_offer_is_no_viewers(http: Http, rig: Rig, live: str) -> None:
    await problem(await play(http, rig, PUBLISH_OFFER), 422)

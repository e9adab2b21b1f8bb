"""Return audio over plain standards: customers publish with WHIP, the technician plays with WHEP."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import ClientSession

from gateway.access.grants import Scope
from tests.fuzz.stage import scrape
from tests.gateway_server import GatewayServer
from tests.peers.aiortc_peer import Refused
from tests.peers.aiortc_voice import RECENT, Tone, voice
from tests.waiting import eventually

ANNA, BORIS = 440, 1_000
DELAY = 0.4
"""Seconds from a tone to the ear; aiortc itself plays some 100 ms late."""


def talk_url(gateway: GatewayServer, order: str) -> str:
    return f"{gateway.url}/whip/{order}/talk"


def listen_url(gateway: GatewayServer, order: str) -> str:
    return f"{gateway.url}/whep/{order}/talk"


def talk_token(gateway: GatewayServer, order: str, subject: str) -> str:
    return gateway.token(order, Scope.WATCH, Scope.TALK, subject=subject)


async def test_who_waits_and_who_comes_later_hear_the_customer_and_after_him_the_next(
    gateway: GatewayServer, order: str
) -> None:
    url, technician = listen_url(gateway, order), gateway.publish_token(order)
    async with voice(ANNA, BORIS) as early, voice(ANNA, BORIS) as late:
        await early.listen(url, technician)
        async with voice() as customer:
            await customer.talk(talk_url(gateway, order), talk_token(gateway, order, "anna"), Tone(ANNA))
            await eventually(early.tones, lambda heard: heard == [ANNA])
            await late.listen(url, technician)
            await eventually(late.tones, lambda heard: heard == [ANNA])
        async with voice() as other:
            await other.talk(talk_url(gateway, order), talk_token(gateway, order, "boris"), Tone(BORIS))
            for listener in (early, late):
                await eventually(listener.tones, lambda heard: heard == [BORIS])


async def test_three_lines_carry_two_at_once_and_one_line_the_louder(
    gateway: GatewayServer, order: str
) -> None:
    async with (
        voice(ANNA, BORIS) as one,
        voice(ANNA, BORIS) as three,
        voice() as anna,
        voice() as boris,
    ):
        await three.listen(listen_url(gateway, order), gateway.publish_token(order), lines=3)
        await one.listen(listen_url(gateway, order), gateway.publish_token(order))
        low, loud = Tone(ANNA, 0.04), Tone(BORIS, 0.3)
        await anna.talk(talk_url(gateway, order), talk_token(gateway, order, "anna"), low)
        await eventually(one.tones, lambda heard: heard == [ANNA])
        await boris.talk(talk_url(gateway, order), talk_token(gateway, order, "boris"), loud)
        await eventually(three.tones, lambda heard: heard == [ANNA, BORIS])
        assert all(len(tones) <= 1 for tones in three.hears()), "never mixed"
        assert len(three.heard) == 3
        await eventually(one.tones, lambda heard: heard == [BORIS])


async def test_two_of_a_family_on_one_login_are_heard_in_turn_and_who_leaves_silences_nobody(
    gateway: GatewayServer, order: str
) -> None:
    family = talk_token(gateway, order, "family")
    async with voice(ANNA, BORIS) as ear, voice() as boris:
        mother, son = Tone(ANNA), Tone(BORIS, on=False)
        await ear.listen(listen_url(gateway, order), gateway.publish_token(order))
        async with voice() as anna:
            await anna.talk(talk_url(gateway, order), family, mother)
            await eventually(ear.tones, lambda heard: heard == [ANNA])
            await boris.talk(talk_url(gateway, order), family, son)
            for speaks, listens, tone in ((son, mother, BORIS), (mother, son, ANNA), (son, mother, BORIS)):
                listens.on, speaks.on = False, True
                await eventually(ear.tones, lambda heard, tone=tone: heard == [tone])
        left = time.monotonic()
        await asyncio.sleep(DELAY)
        await eventually(ear.tones, lambda heard: heard == [BORIS])
        assert ear.heard[0][BORIS] > left


async def test_a_viewer_without_scope_talk_is_not_heard_though_it_sends(
    gateway: GatewayServer, order: str
) -> None:
    async def dropped() -> float:
        async with ClientSession() as http:
            return (await scrape(http, gateway.url)).drops.get("rtp_from_viewer", 0.0)

    async def live() -> bool:
        url = f"{gateway.url}/api/live-stream/url?orderId={order}"
        async with ClientSession() as http, http.get(url, headers=bearer) as answer:
            return bool((await answer.json())["live"])

    watching = gateway.watch_token(order)
    bearer = {"Authorization": f"Bearer {watching}"}
    async with voice() as camera, voice(ANNA, BORIS) as ear, voice() as intruder, voice() as anna:
        await camera.talk(f"{gateway.url}/whip/{order}", gateway.publish_token(order), Tone(2_000))
        await ear.listen(listen_url(gateway, order), gateway.publish_token(order), lines=3)
        with pytest.raises(Refused) as refused:
            await anna.talk(talk_url(gateway, order), watching, Tone(BORIS))
        assert refused.value.status == 403
        before = await dropped()
        await eventually(live)
        await intruder.watch_and_speak(f"{gateway.url}/whep/{order}", watching, Tone(BORIS))
        await eventually(dropped, lambda count: count > before + 25)
        async with voice() as customer:
            await customer.talk(talk_url(gateway, order), talk_token(gateway, order, "anna"), Tone(ANNA))
            await eventually(ear.tones, lambda heard: heard == [ANNA])
            await eventually(dropped, lambda count: count > before + 75)
        assert len(ear.heard) == 3
        assert not any(BORIS in line for line in ear.heard)


async def test_the_tone_arrives_soon_and_stops_soon(gateway: GatewayServer, order: str) -> None:
    async with voice(ANNA) as listener, voice() as customer:
        microphone = Tone(ANNA, on=False)
        await listener.listen(listen_url(gateway, order), gateway.publish_token(order))
        await customer.talk(talk_url(gateway, order), talk_token(gateway, order, "anna"), microphone)
        await asyncio.sleep(1.0)
        assert await listener.tones() == []
        delays = []
        for _ in range(5):
            microphone.on, began = True, time.monotonic()
            await eventually(listener.tones, lambda heard: heard == [ANNA], deadline=5, every=0.005)
            delays.append(time.monotonic() - began)
            await asyncio.sleep(0.3)
            microphone.on = False
            await eventually(listener.tones, lambda heard: heard == [], deadline=DELAY + RECENT + 1)
        print("tone to ear, ms:", [round(1000 * delay) for delay in delays])
        assert sorted(delays)[len(delays) // 2] < DELAY


@pytest.mark.parametrize("scopes", [(Scope.WATCH,), (Scope.PUBLISH,), (Scope.WATCH, Scope.PUBLISH)])
async def test_who_may_not_talk_is_refused(
    gateway: GatewayServer, order: str, scopes: tuple[Scope, ...]
) -> None:
    async with voice() as intruder:
        with pytest.raises(Refused) as refused:
            await intruder.talk(talk_url(gateway, order), gateway.token(order, *scopes), Tone(ANNA))
        assert refused.value.status == 403


@pytest.mark.parametrize("scopes", [(Scope.WATCH,), (Scope.TALK,), (Scope.WATCH, Scope.TALK)])
async def test_customers_do_not_hear_each_other(
    gateway: GatewayServer, order: str, scopes: tuple[Scope, ...]
) -> None:
    async with voice() as eavesdropper:
        with pytest.raises(Refused) as refused:
            await eavesdropper.listen(listen_url(gateway, order), gateway.token(order, *scopes))
        assert refused.value.status == 403


async def test_a_talk_token_is_for_its_order(gateway: GatewayServer, order: str) -> None:
    other = await asyncio.to_thread(gateway.order)
    async with voice() as intruder:
        with pytest.raises(Refused) as refused:
            await intruder.talk(talk_url(gateway, other), talk_token(gateway, order, "anna"), Tone(ANNA))
        assert refused.value.status == 403

"""A viewer's microphone: publishes a voice on the talk channel."""

from __future__ import annotations

import asyncio
import itertools
import time

import aiohttp

from gateway.client.offer import OPUS, publish_offer
from gateway.client.session import process_certificate
from gateway.protocol.description import MediaKind
from gateway.protocol.ice import new_ice_credentials
from loadtest.engine import clip
from loadtest.engine.link import Link
from loadtest.engine.outgoing import Outgoing
from loadtest.messages import Endpoint


class Talker:
    """One session that sends sound, from `open` to `close`."""

    def __init__(self, endpoint: Endpoint, http: aiohttp.ClientSession) -> None:
        self._endpoint = endpoint
        self._http = http
        self._link = Link(lambda kind, packet: None, lambda reason: None)
        self._speaking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and begin to speak. Raises Refused or another ClientError."""
        certificate, ice = process_certificate(), new_ice_credentials()
        offer = publish_offer(video=None, audio=OPUS, ice=ice, fingerprint=certificate.fingerprint)
        answer = await self._link.open("talk", self._endpoint, offer, self._http)
        line = answer.first(MediaKind.AUDIO)
        if line is not None:
            ids, numbers = line.extensions, itertools.count()
            stream = Outgoing(self._link, line.codecs[0], line.ssrcs[0], ids, numbers, line.mid)
            self._speaking = asyncio.create_task(self._speak(stream), name="talker")

    async def close(self) -> None:
        """Fall silent and leave. May be called again."""
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None
        await self._link.close()

    async def _speak(self, stream: Outgoing) -> None:
        frames = clip.sound().frames
        loop = asyncio.get_running_loop()
        due = loop.time()
        for place in itertools.count():
            now = time.time()
            stream.send(frames[place % len(frames)], now, now, marker=False)
            if place % 50 == 0:
                self._link.send_rtcp(stream.report(now))
            due = max(due + clip.SOUND_BLOCK, loop.time() - clip.SOUND_BLOCK)
            await asyncio.sleep(max(0.0, due - loop.time()))

"""Browsers take our answers to offers that go both ways: directions, streams, and what a microphone sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.protocol import extensions
from gateway.protocol.description import Candidate, Codec, Fingerprint, MediaKind
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.sdp import (
    LocalDescription,
    PlayPolicy,
    PublishPolicy,
    negotiate_play,
    negotiate_publish,
    parse,
    write_answer,
)
from gateway.signalling.opening import sender_streams
from tests.components import real_component
from tests.peers.browser_media import Page
from tests.peers.chromium import EXECUTABLE as CHROMIUM
from tests.peers.chromium import chromium
from tests.peers.firefox import EXECUTABLE as FIREFOX
from tests.peers.firefox import firefox

OFFER = """async lines => {
  const peer = window.peer = new RTCPeerConnection();
  window.streams = {};
  peer.ontrack = ({transceiver, streams}) => { window.streams[transceiver.mid] = streams.map(s => s.id); };
  const layers = ["q", "h", "f"].map(rid => ({rid}));
  for (const [kind, direction] of lines) peer.addTransceiver(kind, {
    direction, ...(kind === "video" && direction === "sendonly" ? {sendEncodings: layers} : {})});
  await peer.setLocalDescription();
  return peer.localDescription.sdp;
}"""

ANSWER = """async sdp => {
  const {peer, streams} = window;
  await peer.setRemoteDescription({type: "answer", sdp});
  const lines = peer.getTransceivers().map(({mid, currentDirection, sender, receiver}) => ({
    direction: currentDirection, streams: streams[mid] ?? [],
    receives: receiver.getParameters().codecs.map(c => c.mimeType),
    extensions: sender.getParameters().headerExtensions.map(e => e.uri)}));
  peer.close();
  return lines;
}"""

VP8 = Codec(MediaKind.VIDEO, "VP8", 120, 90_000)
PLAY = PlayPolicy(preferred={MediaKind.VIDEO: VP8}, video_lines=4, audio_lines=3, talk=True)
PUBLISH = PublishPolicy(talk_slots=3)


@dataclass(frozen=True)
class Line:
    """What became of one line, as the browser tells."""

    direction: str
    streams: list[str]
    receives: list[str]
    extensions: list[str]


@pytest.fixture(params=["Chromium", "Firefox"])
async def page(request: pytest.FixtureRequest, foreign_page: str) -> AsyncIterator[Page]:
    real_component(request.param, CHROMIUM if request.param == "Chromium" else FIREFOX)
    async with AsyncExitStack() as stack:
        browser: Any = await stack.enter_async_context(
            chromium() if request.param == "Chromium" else firefox()
        )
        page = await browser.new_page()
        await page.goto(foreign_page)
        yield page


async def negotiated(page: Page, policy: PlayPolicy | PublishPolicy, *lines: str) -> list[Line]:
    """Each line as the browser has it after our answer; `lines` are such as "audio recvonly"."""
    offer = parse(await page.evaluate(OFFER, [line.split() for line in lines]))
    agreed = (
        negotiate_play(offer, policy) if isinstance(policy, PlayPolicy) else negotiate_publish(offer, policy)
    )
    local = LocalDescription(
        ice=new_ice_credentials(),
        fingerprint=Fingerprint("sha-256", ":".join(["5C"] * 32)),
        candidates=(Candidate("1", 1, "udp", 2_130_706_431, "192.0.2.1", 8189),),
        session_id=1,
    )
    answer = write_answer(offer, agreed, local, sender_streams(agreed))
    return [Line(**line) for line in await page.evaluate(ANSWER, answer)]


async def test_a_viewer_may_talk(page: Page) -> None:
    sound, picture, talk = await negotiated(page, PLAY, "audio recvonly", "video recvonly", "audio sendonly")
    assert [line.direction for line in (sound, picture, talk)] == ["recvonly", "recvonly", "sendonly"]
    assert sound.streams == picture.streams
    assert len(picture.streams) == 1
    assert picture.receives[0] == "video/VP8"
    if talk.extensions:  # Firefox tells of none
        assert {extensions.AUDIO_LEVEL, extensions.MID} <= set(talk.extensions)

    talk, sound, picture = await negotiated(page, PLAY, "audio sendonly", "audio sendrecv", "video recvonly")
    assert [line.direction for line in (talk, sound, picture)] == ["sendonly", "recvonly", "recvonly"]
    assert sound.streams == picture.streams


async def test_a_viewer_sees_four_cameras_in_streams_of_their_own(page: Page) -> None:
    lines = await negotiated(page, PLAY, "audio recvonly", *["video recvonly"] * 4)
    assert [line.direction for line in lines] == ["recvonly"] * 5
    sound, *pictures = [line.streams for line in lines]
    assert pictures[0] == sound
    assert len({stream for streams in pictures for stream in streams}) == 4
    assert {line.receives[0] for line in lines[1:]} == {"video/VP8"}


async def test_a_technician_hears_three_talkers(page: Page) -> None:
    slots = ["audio recvonly"] * 3
    studio = await negotiated(page, PUBLISH, "audio sendonly", "video sendonly", *slots)
    assert [line.direction for line in studio] == ["sendonly"] * 2 + ["recvonly"] * 3
    assert len({stream for line in studio[2:] for stream in line.streams}) == 3

    talkback = await negotiated(page, PLAY, *slots)
    assert [line.direction for line in talkback] == ["recvonly"] * 3
    assert len({stream for line in talkback for stream in line.streams}) == 3

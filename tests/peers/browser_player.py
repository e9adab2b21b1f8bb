"""A WHEP player in a browser's page that keeps a diary: what it decoded, and when each picture was shown.

Instants are Unix seconds by the browser's `Date.now()`, the clock that the test's own machine has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.peers.browser_media import Page

SAMPLE_INTERVAL = 0.1
PATIENCE = 30.0
STALL = 0.3
"""Seconds without a new picture that are worth a word."""

_PLAY = """async ({url, token, interval, bits, share, patience}) => {
  const peer = new RTCPeerConnection(), video = document.createElement("video");
  video.autoplay = video.playsInline = video.muted = true;
  const stream = new MediaStream();
  peer.ontrack = ({track}) => { stream.addTrack(track); video.srcObject = stream; };
  peer.addTransceiver("audio", {direction: "recvonly"});
  const {receiver} = peer.addTransceiver("video", {direction: "recvonly"});
  document.body.replaceChildren(video);
  const canvas = new OffscreenCanvas(bits || 1, 1);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.imageSmoothingEnabled = false;  // one pixel of each square, its middle
  const number = () => {
    const side = video.videoHeight / share;
    context.drawImage(video, 0, 0, side * bits, side, 0, 0, bits, 1);
    const {data} = context.getImageData(0, 0, bits, 1);
    return Array.from({length: bits}, (_, bit) => data[4 * bit] > 127).reduce((n, lit) => 2 * n + lit, 0);
  };
  const player = window.player = {peer, samples: [], shown: []};
  const show = () => {
    player.shown.push([Date.now() / 1000, bits ? number() : 0]);
    video.requestVideoFrameCallback(show);
  };
  video.requestVideoFrameCallback(show);
  setInterval(async () => {
    const report = [...(await receiver.getStats()).values()];
    const s = report.find(({type}) => type === "inbound-rtp");
    if (s) player.samples.push({
      at: Date.now() / 1000, frames: s.framesDecoded, height: s.frameHeight ?? 0, freezes: s.freezeCount ?? 0,
      frozen: s.totalFreezesDuration ?? 0, nacks: s.nackCount, plis: s.pliCount, lost: s.packetsLost,
    });
  }, interval * 1000);
  await peer.setLocalDescription();
  const headers = {"Content-Type": "application/sdp", Authorization: `Bearer ${token}`};
  for (const end = Date.now() + patience * 1000; ; await new Promise(resolve => setTimeout(resolve, 100))) {
    const posted = Date.now() / 1000;
    const response = await fetch(url, {method: "POST", headers, body: peer.localDescription.sdp});
    if (response.status === 409 && Date.now() < end) continue;
    if (response.status !== 201) throw new Error(`HTTP ${response.status}`);
    await peer.setRemoteDescription({type: "answer", sdp: await response.text()});
    return posted;
  }
}"""

_DIARY = """() => {
  const {peer, samples, shown} = window.player;
  return {connection: peer.connectionState, samples, shown};
}"""


@dataclass(frozen=True)
class Sample:
    """The received video's statistics at one instant; counters and sums are since the beginning."""

    at: float
    frames: int
    """Pictures decoded."""
    height: int
    """Of the newest picture: it tells the layer."""
    freezes: int
    frozen: float
    """Seconds of freezes, as the browser counts them."""
    nacks: int
    plis: int
    lost: int


@dataclass(frozen=True)
class Diary:
    """What a player noted so far."""

    connection: str
    samples: Sequence[Sample]
    shown: Sequence[tuple[float, int]]
    """When a picture came to the screen, and the number that it bears (0 where none was read)."""

    @property
    def last(self) -> Sample:
        return self.samples[-1]

    def since(self, begin: float) -> list[Sample]:
        """The samples from an instant on."""
        return [sample for sample in self.samples if sample.at >= begin]

    def longest_stall(self, begin: float) -> float:
        """Seconds since `begin`, at worst, without a newly decoded picture; as exact as the sampling.

        A sample that came late counts as one: then the machine was busy, and the decoder with it.
        """
        worst = stall = 0.0
        for before, after in pairwise(self.since(begin)):
            step = min(after.at - before.at, 2 * SAMPLE_INTERVAL)
            stall = 0.0 if after.frames > before.frames else stall + step
            worst = max(worst, stall)
        return worst

    def steady(self, height: int, seconds: float) -> bool:
        """Whether nothing but this layer was played in the last seconds, and never stood still for one."""
        begin = self.samples[-1].at - seconds if self.samples else 0.0
        recent = self.since(begin)
        lasted = len(self.samples) > len(recent) and all(sample.height == height for sample in recent)
        return lasted and self.longest_stall(begin) < 1.0

    def story(self) -> str:
        """Layers and stalls over time, in seconds from the first sample: for reports and failures."""
        if not self.samples:
            return f"nothing came; {self.connection}"
        begin, lines = self.samples[0].at, []
        for before, after in pairwise([self.samples[0], *self.samples]):
            if before.height != after.height or after is self.samples[0]:
                lines.append(f"{after.at - begin:.1f} s {after.height}p")
        moved = [b for a, b in pairwise(self.samples) if b.frames > a.frames]
        stalls = [
            f"{b.at - a.at:.1f} s at {a.at - begin:.1f} s" for a, b in pairwise(moved) if b.at - a.at > STALL
        ]
        last = self.last
        return (
            f"layers: {', '.join(dict.fromkeys(lines))}; stalls: {', '.join(stalls) or 'none'};"
            f" {last.frames} pictures in {last.at - begin:.1f} s,"
            f" {last.freezes} freezes of {last.frozen:.1f} s, {last.nacks} nacks, {last.plis} plis,"
            f" {last.lost} lost"
        )


@dataclass(frozen=True)
class Player:
    """The player of a page. One a page."""

    page: Page
    posted: float
    """When the offer was posted that was answered."""

    async def diary(self) -> Diary:
        values = await self.page.evaluate(_DIARY)
        samples = [Sample(**sample) for sample in values["samples"]]
        return Diary(values["connection"], samples, [tuple(shown) for shown in values["shown"]])


async def play(page: Page, url: str, token: str, *, number_bits: int = 0, number_share: int = 1) -> Player:
    """Watch, and read a number of so many bits from squares in each picture's upper left corner.

    The squares are as high as the picture divided by `number_share`. Asks again while nobody is live, for
    `PATIENCE` seconds. Raises playwright's Error when refused.
    """
    squares = {"bits": number_bits, "share": number_share}
    how = {"url": url, "token": token, "interval": SAMPLE_INTERVAL, "patience": PATIENCE}
    return Player(page, float(await page.evaluate(_PLAY, {**how, **squares})))

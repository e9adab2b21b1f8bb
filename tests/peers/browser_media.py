"""WHIP and WHEP written straight against the browser's API: what any page of anybody's could do.

The functions run in a page of another origin than the gateway's, so that CORS is part of every test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

_EXCHANGE = """
  const exchange = async (peer, url, token, patience) => {
    await peer.setLocalDescription();
    const end = performance.now() + patience * 1000;
    for (;;) {
      const response = await fetch(url, {
        method: "POST", body: peer.localDescription.sdp,
        headers: {"Content-Type": "application/sdp", "Authorization": `Bearer ${token}`}});
      const {status, headers} = response;
      if (status === 201) await peer.setRemoteDescription({type: "answer", sdp: await response.text()});
      if (status !== 409 || performance.now() > end)
        return {status, location: headers.get("Location"), retryAfter: headers.get("Retry-After")};
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  };
"""

_PUBLISH = f"""async ({{name, url, token, codec, simulcast, mode, described}}) => {{
  {_EXCHANGE}
  const media = await navigator.mediaDevices.getUserMedia(
    {{audio: true, video: {{width: 1280, height: 720, frameRate: 30}}}});
  const peer = new RTCPeerConnection();
  const layers = [
    {{rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150e3}},
    {{rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500e3}},
    {{rid: "f", maxBitrate: 1500e3}}];
  if (mode) layers.forEach(layer => {{ layer.scalabilityMode = mode; }});
  peer.addTransceiver(media.getAudioTracks()[0], {{direction: "sendonly", streams: [media]}});
  const video = peer.addTransceiver(media.getVideoTracks()[0], {{
    direction: "sendonly", streams: [media], sendEncodings: simulcast ? layers : [{{maxBitrate: 1500e3}}]}});
  if (!described) video.setHeaderExtensionsToNegotiate(video.getHeaderExtensionsToNegotiate().map(
    e => e.uri.includes("dependency-descriptor") ? {{...e, direction: "stopped"}} : e));
  const wanted = [`video/${{codec}}`, "video/rtx"];
  video.setCodecPreferences(RTCRtpSender.getCapabilities("video").codecs.filter(
    c => wanted.includes(c.mimeType.toLowerCase())));
  (window.peers ??= {{}})[name] = peer;
  return await exchange(peer, url, token, 0);
}}"""

_WATCH = f"""async ({{name, url, token, patience}}) => {{
  {_EXCHANGE}
  const peer = new RTCPeerConnection();
  const video = document.createElement("video");
  video.autoplay = video.playsInline = true;
  video.srcObject = new MediaStream();
  document.body.append(video);
  peer.ontrack = ({{track}}) => {{ video.srcObject.addTrack(track); video.play(); }};
  peer.addTransceiver("audio", {{direction: "recvonly"}});
  peer.addTransceiver("video", {{direction: "recvonly"}});
  (window.peers ??= {{}})[name] = peer;
  return await exchange(peer, url, token, patience);
}}"""

_STATISTICS = """async name => {
  const peer = window.peers[name], report = [...(await peer.getStats()).values()];
  const find = (type, kind) => report.filter(s => s.type === type && s.kind === kind);
  const [video] = find("inbound-rtp", "video"), [audio] = find("inbound-rtp", "audio");
  const sent = find("outbound-rtp", "video");
  const codec = report.find(s => s.id === (video ?? sent[0])?.codecId);
  return {
    connection: peer.connectionState, codec: codec?.mimeType ?? "",
    frames: video?.framesDecoded ?? 0, width: video?.frameWidth ?? 0, height: video?.frameHeight ?? 0,
    key_frames: video?.keyFramesDecoded ?? 0, freezes: video?.freezeCount ?? 0,
    audio_energy: audio?.totalAudioEnergy ?? 0, audio_packets: audio?.packetsReceived ?? 0,
    sent: sent.map(s => ({rid: s.rid ?? "", frames: s.framesSent ?? 0, target: s.targetBitrate ?? 0})),
  };
}"""

_CLOSE = """name => { window.peers[name].close(); }"""


class Page(Protocol):
    """A tab of Chromium (playwright) or Firefox."""

    async def evaluate(self, function: str, argument: Any = None) -> Any: ...


@dataclass(frozen=True)
class Answer:
    """What an HTTP exchange came to, as far as CORS lets the page read it."""

    status: int
    location: str | None
    retry_after: str | None


@dataclass(frozen=True)
class SentLayer:
    """What the publisher sends of one layer; `target` is the encoder's bitrate in bits a second."""

    rid: str
    frames: int
    target: float


@dataclass(frozen=True)
class Statistics:
    """The connection as `getStats` sees it; the received fields of a publisher are zero and vice versa."""

    connection: str
    codec: str
    frames: int
    width: int
    height: int
    key_frames: int
    freezes: int
    audio_energy: float
    audio_packets: int
    sent: tuple[SentLayer, ...]


@dataclass(frozen=True)
class BrowserPeer:
    """A connection of the name `name` inside a page."""

    page: Page
    name: str

    async def publish(
        self,
        url: str,
        token: str,
        *,
        codec: str,
        simulcast: bool = False,
        mode: str | None = None,
        described: bool = True,
    ) -> Answer:
        """`mode` is the scalability mode of each simulcast layer, such as L1T3 for three temporal layers.

        Not `described`, only the payload tells of them, not the dependency descriptor.
        """
        arguments = {"name": self.name, "url": url, "token": token}
        arguments |= {"codec": codec, "simulcast": simulcast, "mode": mode, "described": described}
        return _answer(await self.page.evaluate(_PUBLISH, arguments))

    async def watch(self, url: str, token: str, *, patience: float = 15.0) -> Answer:
        """Asks again while nobody is live, for `patience` seconds."""
        arguments = {"name": self.name, "url": url, "token": token, "patience": patience}
        return _answer(await self.page.evaluate(_WATCH, arguments))

    async def statistics(self) -> Statistics:
        values = await self.page.evaluate(_STATISTICS, self.name)
        return Statistics(**{**values, "sent": tuple(SentLayer(**layer) for layer in values["sent"])})

    async def close(self) -> None:
        await self.page.evaluate(_CLOSE, self.name)


def _answer(values: dict[str, Any]) -> Answer:
    return Answer(values["status"], values["location"], values["retryAfter"])

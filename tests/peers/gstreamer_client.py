"""GStreamer's webrtcbin as WHIP publisher or WHEP player.

Run by the system's python3, whose gi bindings no virtual environment has:

    gstreamer_client.py publish|play h264|vp8 URL        the bearer token is read from $TOKEN

It prints one JSON object a line: {"event": "offer"|"status"|"connection"|"buffers"|"error", …}. "buffers"
counts decoded buffers by media type once a second. It runs until it is ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter

import gi

for library in ("Gst", "GstWebRTC", "GstSdp"):
    gi.require_version(library, "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

VIDEO = {
    "h264": (
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=800"
        " ! video/x-h264,profile=constrained-baseline ! h264parse"
        " ! rtph264pay config-interval=-1 aggregate-mode=zero-latency pt=96"
        " ! application/x-rtp,media=video,encoding-name=H264,payload=96"
    ),
    "vp8": (
        "vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96"
        " ! application/x-rtp,media=video,encoding-name=VP8,payload=96"
    ),
}
PLAYED_VIDEO = {
    "h264": "encoding-name=H264,packetization-mode=(string)1,profile-level-id=(string)42e01f",
    "vp8": "encoding-name=VP8",
}


def report(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def publishing_pipeline(codec: str) -> Gst.Pipeline:
    return Gst.parse_launch(
        "webrtcbin name=webrtc bundle-policy=max-bundle"
        " videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 ! videoconvert"
        f" ! {VIDEO[codec]} ! webrtc."
        " audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay pt=97"
        " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! webrtc."
    )


def playing_pipeline(codec: str) -> Gst.Pipeline:
    pipeline = Gst.Pipeline.new("play")
    webrtc = Gst.ElementFactory.make("webrtcbin", "webrtc")
    webrtc.set_property("bundle-policy", "max-bundle")
    pipeline.add(webrtc)
    for caps in (
        f"application/x-rtp,media=video,payload=96,clock-rate=90000,{PLAYED_VIDEO[codec]}",
        "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000",
    ):
        webrtc.emit(
            "add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps)
        )
    return pipeline


class Client:
    """Offers when asked to, posts when gathered, answers once."""

    def __init__(self, pipeline: Gst.Pipeline, url: str) -> None:
        self.pipeline = pipeline
        self.url = url
        self.webrtc = pipeline.get_by_name("webrtc")
        self.buffers: Counter[str] = Counter()
        self.webrtc.connect("on-negotiation-needed", self.create_offer)
        self.webrtc.connect("notify::ice-gathering-state", self.gathered)
        self.webrtc.connect("notify::connection-state", self.connection_changed)
        self.webrtc.connect("pad-added", self.decode)
        # The bindings free what the promise carries too early unless somebody holds on to it.
        self.kept: list[object] = []

    def create_offer(self, _webrtc: object) -> None:
        self.webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offer_created, None))

    def offer_created(self, promise: Gst.Promise, *_: object) -> None:
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.kept += [promise, reply, offer]
        _, message = GstSdp.SDPMessage.new_from_text(offer.sdp.as_text())
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        self.webrtc.emit("set-local-description", description, None)

    def gathered(self, *_: object) -> None:
        if self.webrtc.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        sdp = self.webrtc.get_property("local-description").sdp.as_text()
        threading.Thread(target=self.exchange, args=(sdp,), daemon=True).start()

    def exchange(self, sdp: str) -> None:
        headers = {"Content-Type": "application/sdp"}
        if token := os.environ.get("TOKEN"):
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url, sdp.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                answer = response.read().decode()
                report("status", status=response.status, location=response.headers["Location"])
        except urllib.error.HTTPError as error:
            report("status", status=error.code)
            return
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        # Asking for `sdp` once makes the bindings take a copy before the promise runs.
        report("answer", lines=description.sdp.as_text().count("\n"))
        self.webrtc.emit("set-remote-description", description, None)
        self.kept.append(description)

    def connection_changed(self, *_: object) -> None:
        report("connection", state=self.webrtc.get_property("connection-state").value_nick)

    def decode(self, _webrtc: object, pad: Gst.Pad) -> None:
        if pad.direction != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin")
        self.pipeline.add(decoder)
        decoder.connect("pad-added", self.count)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def count(self, _decoder: object, pad: Gst.Pad) -> None:
        kind = pad.get_current_caps().get_structure(0).get_name()
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("sync", False)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))
        pad.add_probe(Gst.PadProbeType.BUFFER, self.counted, kind)

    def counted(self, _pad: Gst.Pad, _info: object, kind: str) -> Gst.PadProbeReturn:
        self.buffers[kind] += 1
        return Gst.PadProbeReturn.OK

    def tell(self) -> bool:
        report("buffers", **self.buffers)
        return True


def main() -> None:
    mode, codec, url = sys.argv[1:4]
    Gst.init(None)
    pipeline = publishing_pipeline(codec) if mode == "publish" else playing_pipeline(codec)
    client = Client(pipeline, url)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", lambda _bus, message: report("error", text=str(message.parse_error()[0])))
    GLib.timeout_add(1_000, client.tell)
    pipeline.set_state(Gst.State.PLAYING)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()

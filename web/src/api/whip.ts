/** Publishing: one WHIP session (RFC 9725) on one RTCPeerConnection. */

import type { Caller } from "./http";
import { MediaSession, negotiate } from "./media-session";
import type { CodecChoice } from "./offer";
import { postOffer, type SessionAnswer } from "./resource";
import { addVideo, offerExtensions } from "./video-line";

/** Lines on which the publisher hears others: more than plain WHIP has, so the offer goes another way. */
export interface Hearing {
  readonly lines: number;
  readonly onTrack: (track: MediaStreamTrack) => void;
  /** @throws ApiError */
  readonly post: (sdp: string) => Promise<SessionAnswer>;
}

export interface WhipRequest {
  readonly url: string;
  readonly iceServers: RTCIceServer[];
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly stream: MediaStream;
  /** Lowest layer first: under pressure browsers drop layers from the end. */
  readonly encodings: RTCRtpEncodingParameters[];
  readonly codec: CodecChoice;
  readonly onState: (state: RTCPeerConnectionState) => void;
  readonly hearing?: Hearing;
}

async function addLines(peer: RTCPeerConnection, wanted: WhipRequest): Promise<void> {
  const streams = [wanted.stream];
  const [audio] = wanted.stream.getAudioTracks();
  const [video] = wanted.stream.getVideoTracks();
  if (audio) offerExtensions(peer.addTransceiver(audio, { direction: "sendonly", streams }));
  if (video) await addVideo(peer, { ...wanted, track: video, streams });
  const { lines, onTrack } = wanted.hearing ?? { lines: 0, onTrack: () => undefined };
  peer.addEventListener("track", ({ track }) => onTrack(track));
  for (let line = 0; line < lines; line += 1) peer.addTransceiver("audio", { direction: "recvonly" });
}

export class WhipSession extends MediaSession {
  /** @throws ApiError with the server's status; 409 while another technician holds the camera. */
  static async open(wanted: WhipRequest): Promise<WhipSession> {
    const byHttp = (sdp: string) => postOffer(wanted.url, sdp, wanted.caller, wanted.signal);
    const negotiated = await negotiate({
      ...wanted,
      prepare: (peer) => {
        peer.addEventListener("connectionstatechange", () => wanted.onState(peer.connectionState));
        return addLines(peer, wanted);
      },
      post: wanted.hearing?.post ?? byHttp,
    });
    return new WhipSession(negotiated);
  }

  /** Puts another track in the place of the one being sent, without negotiation. */
  async replace(track: MediaStreamTrack): Promise<void> {
    const sender = this.peer.getSenders().find((each) => each.track?.kind === track.kind);
    await sender?.replaceTrack(track);
  }

  override close(caller: Caller): void {
    // Nothing is sent from this moment on, however long the farewell takes.
    for (const sender of this.peer.getSenders()) void sender.replaceTrack(null).catch(() => undefined);
    super.close(caller);
  }
}

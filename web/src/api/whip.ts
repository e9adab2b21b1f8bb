/** Publishing: one WHIP session (RFC 9725) on one RTCPeerConnection. */

import type { Caller } from "./http";
import { withRankedCandidates } from "./ice-restart";
import type { CodecChoice } from "./offer";
import { endSession, postOffer, restartIce, type SessionAnswer } from "./resource";
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

function listen(peer: RTCPeerConnection, { lines, onTrack }: Hearing): void {
  peer.addEventListener("track", ({ track }) => onTrack(track));
  for (let line = 0; line < lines; line += 1) peer.addTransceiver("audio", { direction: "recvonly" });
}

export class WhipSession {
  private constructor(
    readonly peer: RTCPeerConnection,
    readonly resource: string,
    readonly sessionId: string,
  ) {}

  /** @throws ApiError with the server's status; 409 while another technician holds the camera. */
  static async open(wanted: WhipRequest): Promise<WhipSession> {
    const peer = new RTCPeerConnection({ iceServers: wanted.iceServers, bundlePolicy: "max-bundle" });
    try {
      peer.addEventListener("connectionstatechange", () => wanted.onState(peer.connectionState));
      const streams = [wanted.stream];
      const [audio] = wanted.stream.getAudioTracks();
      const [video] = wanted.stream.getVideoTracks();
      if (audio) offerExtensions(peer.addTransceiver(audio, { direction: "sendonly", streams }));
      if (video) await addVideo(peer, { ...wanted, track: video, streams });
      const { hearing } = wanted;
      if (hearing) listen(peer, hearing);
      const offer = await peer.createOffer();
      await peer.setLocalDescription(offer);
      const sdp = offer.sdp ?? "";
      const answer = await (hearing ? hearing.post(sdp) : postOffer(wanted.url, sdp, wanted.caller, wanted.signal));
      const session = new WhipSession(peer, answer.resource, answer.sessionId);
      try {
        await peer.setRemoteDescription({ type: "answer", sdp: withRankedCandidates(answer.sdp) });
        wanted.signal.throwIfAborted();
      } catch (error) {
        session.close(wanted.caller);
        throw error;
      }
      return session;
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  /** Puts another track in the place of the one being sent, without negotiation. */
  async replace(track: MediaStreamTrack): Promise<void> {
    const sender = this.peer.getSenders().find((each) => each.track?.kind === track.kind);
    await sender?.replaceTrack(track);
  }

  /** A new way through the network for the same session; throws as `restartIce`. */
  restart(caller: Caller, signal: AbortSignal): Promise<void> {
    return restartIce(this.peer, this.resource, caller, signal);
  }

  close(caller: Caller): void {
    // Nothing is sent from this moment on, however long the farewell takes.
    for (const sender of this.peer.getSenders()) void sender.replaceTrack(null).catch(() => undefined);
    endSession(this.peer, this.resource, caller);
  }
}

/** Watching: one WHEP session (draft-ietf-wish-whep-03) on one RTCPeerConnection. */

import type { Caller } from "./http";
import { withRankedCandidates } from "./ice-restart";
import { withStereoOpus } from "./offer";
import { endSession, postOffer, restartIce } from "./resource";

export interface WhepRequest {
  readonly url: string;
  readonly iceServers: RTCIceServer[];
  readonly caller: Caller;
  readonly signal: AbortSignal;
  /** Called for each track that the answer brings. */
  readonly onTrack: (track: MediaStreamTrack) => void;
}

/** `jitterBufferTarget` is the standard's name, `playoutDelayHint` Chromium's older one. */
type TunableReceiver = Omit<RTCRtpReceiver, "jitterBufferTarget"> & {
  jitterBufferTarget?: number | null;
  playoutDelayHint?: number | null;
};

export function playAtOnce(receiver: TunableReceiver): void {
  if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  else if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
}

export class WhepSession {
  private constructor(
    readonly peer: RTCPeerConnection,
    readonly resource: string,
    readonly sessionId: string,
  ) {}

  /** @throws ApiError with the server's status; 409 while nobody publishes. Nothing is left open when it throws. */
  static async open(wanted: WhepRequest): Promise<WhepSession> {
    const peer = new RTCPeerConnection({ iceServers: wanted.iceServers, bundlePolicy: "max-bundle" });
    try {
      peer.addEventListener("track", ({ track, receiver }) => {
        playAtOnce(receiver);
        wanted.onTrack(track);
      });
      peer.addTransceiver("video", { direction: "recvonly" });
      peer.addTransceiver("audio", { direction: "recvonly" });
      const offer = await peer.createOffer();
      const sdp = withStereoOpus(offer.sdp ?? "");
      await peer.setLocalDescription({ type: "offer", sdp });
      // Sent without candidates: the gateway is ICE-lite and learns our addresses from our connectivity checks.
      const answer = await postOffer(wanted.url, sdp, wanted.caller, wanted.signal);
      const session = new WhepSession(peer, answer.resource, answer.sessionId);
      try {
        if (answer.iceServers.length > 0) peer.setConfiguration({ ...peer.getConfiguration(), iceServers: answer.iceServers });
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

  /** A new way through the network for the same session; throws as `restartIce`. */
  restart(caller: Caller, signal: AbortSignal): Promise<void> {
    return restartIce(this.peer, this.resource, caller, signal, withStereoOpus);
  }

  close(caller: Caller): void {
    endSession(this.peer, this.resource, caller);
  }
}

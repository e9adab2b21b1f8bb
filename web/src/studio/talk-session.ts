/** Hearing customers by plain WHEP: a session of audio lines only. */

import type { Caller } from "../api/http";
import { endSession, postOffer } from "../api/resource";

/** Customers who can be heard at once. */
export const talkSlots = 3;

export interface TalkRequest {
  readonly url: string;
  readonly iceServers: RTCIceServer[];
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly onTrack: (track: MediaStreamTrack) => void;
  readonly onState: (state: RTCPeerConnectionState) => void;
}

export class TalkSession {
  private constructor(
    readonly peer: RTCPeerConnection,
    readonly resource: string,
    readonly sessionId: string,
  ) {}

  /** @throws ApiError with the server's status. Nothing is left open when it throws. */
  static async open(wanted: TalkRequest): Promise<TalkSession> {
    const peer = new RTCPeerConnection({ iceServers: wanted.iceServers, bundlePolicy: "max-bundle" });
    try {
      peer.addEventListener("track", ({ track }) => wanted.onTrack(track));
      peer.addEventListener("connectionstatechange", () => wanted.onState(peer.connectionState));
      for (let slot = 0; slot < talkSlots; slot += 1) peer.addTransceiver("audio", { direction: "recvonly" });
      const offer = await peer.createOffer();
      await peer.setLocalDescription(offer);
      const answer = await postOffer(wanted.url, offer.sdp ?? "", wanted.caller, wanted.signal);
      const session = new TalkSession(peer, answer.resource, answer.sessionId);
      try {
        await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
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

  close(caller: Caller): void {
    endSession(this.peer, this.resource, caller);
  }
}

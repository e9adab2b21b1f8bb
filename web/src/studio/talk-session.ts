/** Hearing customers by plain WHEP: a session of audio lines only. */

import type { Caller } from "../api/http";
import { MediaSession, negotiate } from "../api/media-session";
import { postOffer } from "../api/resource";

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

/** @throws ApiError with the server's status. Nothing is left open when it throws. */
export async function openTalk(wanted: TalkRequest): Promise<MediaSession> {
  const negotiated = await negotiate({
    ...wanted,
    prepare: (peer) => {
      peer.addEventListener("track", ({ track }) => wanted.onTrack(track));
      peer.addEventListener("connectionstatechange", () => wanted.onState(peer.connectionState));
      for (let slot = 0; slot < talkSlots; slot += 1) peer.addTransceiver("audio", { direction: "recvonly" });
    },
    post: (sdp) => postOffer(wanted.url, sdp, wanted.caller, wanted.signal),
  });
  return new MediaSession(negotiated);
}

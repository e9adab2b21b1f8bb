/** Watching: one WHEP session (draft-ietf-wish-whep-03) on one RTCPeerConnection. */

import type { Caller } from "./http";
import { MediaSession, negotiate } from "./media-session";
import { withStereoOpus } from "./offer";
import { postOffer } from "./resource";

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

export class WhepSession extends MediaSession {
  /** @throws ApiError with the server's status; 409 while nobody publishes. Nothing is left open when it throws. */
  static async open(wanted: WhepRequest): Promise<WhepSession> {
    const negotiated = await negotiate({
      ...wanted,
      prepare: (peer) => {
        peer.addEventListener("track", ({ track, receiver }) => {
          playAtOnce(receiver);
          wanted.onTrack(track);
        });
        peer.addTransceiver("video", { direction: "recvonly" });
        peer.addTransceiver("audio", { direction: "recvonly" });
      },
      post: (sdp) => postOffer(wanted.url, sdp, wanted.caller, wanted.signal),
      shape: withStereoOpus,
    });
    return new WhepSession(negotiated);
  }
}

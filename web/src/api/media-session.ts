/** One session at the gateway on one RTCPeerConnection: offer out, answer in, a path that can be mended, and the end. */

import type { Caller } from "./http";
import { withRankedCandidates } from "./ice-restart";
import { endSession, restartIce, type SessionAnswer } from "./resource";

export interface SessionPlan {
  readonly iceServers: RTCIceServer[];
  readonly caller: Caller;
  readonly signal: AbortSignal;
  /** Adds the lines to a new connection. */
  readonly prepare: (peer: RTCPeerConnection) => void | Promise<void>;
  /** Gives the offer to the gateway. @throws ApiError */
  readonly post: (sdp: string) => Promise<SessionAnswer>;
  /** What the text of an offer needs beside what the browser writes. */
  readonly shape?: (sdp: string) => string;
}

/** An offer that was answered. */
export interface Negotiated {
  readonly peer: RTCPeerConnection;
  /** URL of the session's resource: a capability, never to be logged. */
  readonly resource: string;
  readonly sessionId: string;
  readonly shape: (sdp: string) => string;
}

/** @throws ApiError as `post`; Error when the answer or the browser does not fit. Nothing is left open then. */
export async function negotiate(plan: SessionPlan): Promise<Negotiated> {
  const { shape = (sdp: string) => sdp } = plan;
  const peer = new RTCPeerConnection({ iceServers: plan.iceServers, bundlePolicy: "max-bundle" });
  let resource = "";
  try {
    await plan.prepare(peer);
    const offer = await peer.createOffer();
    const sdp = shape(offer.sdp ?? "");
    await peer.setLocalDescription({ type: "offer", sdp });
    // Sent without candidates: the gateway is ICE-lite and learns our addresses from our connectivity checks.
    const answer = await plan.post(sdp);
    ({ resource } = answer);
    if (answer.iceServers.length > 0) peer.setConfiguration({ ...peer.getConfiguration(), iceServers: answer.iceServers });
    await peer.setRemoteDescription({ type: "answer", sdp: withRankedCandidates(answer.sdp) });
    plan.signal.throwIfAborted();
    return { peer, resource, sessionId: answer.sessionId, shape };
  } catch (error) {
    if (resource === "") peer.close();
    else endSession(peer, resource, plan.caller);
    throw error;
  }
}

export class MediaSession {
  readonly peer: RTCPeerConnection;
  /** URL of the session's resource: a capability, never to be logged. */
  readonly resource: string;
  readonly sessionId: string;
  private readonly shape: (sdp: string) => string;

  constructor({ peer, resource, sessionId, shape }: Negotiated) {
    this.peer = peer;
    this.resource = resource;
    this.sessionId = sessionId;
    this.shape = shape;
  }

  /** A new way through the network for the same session; throws as `restartIce`. */
  restart(caller: Caller, signal: AbortSignal): Promise<void> {
    return restartIce(this.peer, this.resource, caller, signal, this.shape);
  }

  close(caller: Caller): void {
    endSession(this.peer, this.resource, caller);
  }
}

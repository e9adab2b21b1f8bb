/**
 * Watching over Socket.IO: one connection that plays the picture, further cameras as thumbnails, and takes the
 * customer's microphone. Where the gateway cannot be asked this way, plain WHEP plays the picture alone.
 */

import type { LiveEvents } from "./events";
import type { Caller } from "./http";
import { withRankedCandidates } from "./ice-restart";
import { withStereoOpus } from "./offer";
import { ApiError } from "./problem";
import { endSession, restartIce } from "./resource";
import { offerSession } from "./socket-offer";
import { playAtOnce, type WhepRequest, WhepSession } from "./whep";

export interface LiveRequest extends Omit<WhepRequest, "onTrack"> {
  readonly events: LiveEvents | undefined;
  /** Undefined for the order's main one. */
  readonly camera: string | undefined;
  /** Lines for further cameras. */
  readonly thumbnails: number;
  /** Whether the token allows to speak. */
  readonly talk: boolean;
  /** Called for each track that the answer brings; `mid` of a thumbnail's line, undefined for picture and sound. */
  readonly onTrack: (track: MediaStreamTrack, mid: string | undefined) => void;
}

/** What a viewer needs of its session, whichever way it was opened. */
export interface WatchingSession {
  readonly peer: RTCPeerConnection;
  /** URL of the session's resource: a capability, never to be logged. */
  readonly resource: string;
  readonly sessionId: string;
  /** The line for the microphone, as yet without a track; undefined when the session has none. */
  readonly talkSender?: RTCRtpSender | undefined;
  /** How many lines it has for further cameras. */
  readonly thumbnails?: number;
  restart(caller: Caller, signal: AbortSignal): Promise<void>;
  close(caller: Caller): void;
}

/** Milliseconds for the answer; a gateway that takes longer is asked by HTTP. */
const answerWithin = 3000;

class LiveSession implements WatchingSession {
  readonly peer: RTCPeerConnection;
  readonly thumbnails: number;
  talkSender: RTCRtpSender | undefined;
  resource = "";
  sessionId = "";

  private constructor(wanted: LiveRequest) {
    this.thumbnails = wanted.thumbnails;
    this.peer = new RTCPeerConnection({ iceServers: wanted.iceServers, bundlePolicy: "max-bundle" });
  }

  /** @throws Refusal, ApiError as `LiveEvents.ask`; Error when the answer does not fit. Nothing is left open then. */
  static async open(wanted: LiveRequest, events: LiveEvents): Promise<LiveSession> {
    const session = new LiveSession(wanted);
    try {
      await session.negotiate(wanted, events);
      wanted.signal.throwIfAborted();
      return session;
    } catch (error) {
      if (session.resource === "") session.peer.close();
      else session.close(wanted.caller);
      throw error;
    }
  }

  private async negotiate(wanted: LiveRequest, events: LiveEvents): Promise<void> {
    const { peer } = this;
    const main = [peer.addTransceiver("video", { direction: "recvonly" }), peer.addTransceiver("audio", { direction: "recvonly" })];
    const talk = wanted.talk ? peer.addTransceiver("audio", { direction: "sendonly" }) : undefined;
    for (let count = 0; count < wanted.thumbnails; count += 1) peer.addTransceiver("video", { direction: "recvonly" });
    peer.addEventListener("track", ({ track, receiver, transceiver }) => {
      playAtOnce(receiver);
      wanted.onTrack(track, main.includes(transceiver) ? undefined : (transceiver.mid ?? undefined));
    });
    const offer = await peer.createOffer();
    const sdp = withStereoOpus(offer.sdp ?? "");
    await peer.setLocalDescription({ type: "offer", sdp });
    // Sent without candidates: the gateway is ICE-lite and learns our addresses from our connectivity checks.
    const camera = wanted.camera === undefined ? {} : { camera: wanted.camera };
    const answer = await offerSession(events, { sdp, kind: "whep", ...camera }, answerWithin);
    this.resource = answer.resource;
    this.sessionId = answer.sessionId;
    if (answer.iceServers.length > 0) peer.setConfiguration({ ...peer.getConfiguration(), iceServers: answer.iceServers });
    await peer.setRemoteDescription({ type: "answer", sdp: withRankedCandidates(answer.sdp) });
    const agreed = talk?.currentDirection;
    if (agreed === "sendonly" || agreed === "sendrecv") this.talkSender = talk?.sender;
  }

  restart(caller: Caller, signal: AbortSignal): Promise<void> {
    return restartIce(this.peer, this.resource, caller, signal, withStereoOpus);
  }

  close(caller: Caller): void {
    // Nothing is said any more from this moment on, however long the farewell takes.
    void this.talkSender?.replaceTrack(null).catch(() => undefined);
    endSession(this.peer, this.resource, caller);
  }
}

function playByHttp(wanted: LiveRequest): Promise<WatchingSession> {
  return WhepSession.open({ ...wanted, onTrack: (track) => wanted.onTrack(track, undefined) });
}

/** Refusals that a second question by HTTP would only hear again. */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 409 || error.status === 401);
}

/** @throws ApiError as `WhepSession.open`; nothing is left open then. */
export async function watch(wanted: LiveRequest): Promise<WatchingSession> {
  const { events, signal } = wanted;
  if (!events?.connected) return playByHttp(wanted);
  try {
    return await LiveSession.open(wanted, events);
  } catch (error) {
    if (signal.aborted || isFinal(error)) throw error;
    return playByHttp(wanted);
  }
}

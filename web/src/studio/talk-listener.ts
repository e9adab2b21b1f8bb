/** An open ear: a steady session on which customers are heard. */

import { type Caller, reachable } from "../api/http";
import type { MediaSession } from "../api/media-session";
import { endsAccess, SteadySession } from "../api/steady-session";
import { openTalk } from "./talk-session";

export type ListenState = "idle" | "connecting" | "listening" | "reconnecting";

export interface ListenHost {
  readonly caller: () => Caller;
  /** Whether somebody speaks, so that nothing to hear would be a fault. */
  readonly speaking: () => boolean;
  /** Whether the gateway can be reached over the network as it was. */
  readonly reachable: () => Promise<boolean>;
  readonly onChange: () => void;
  readonly onTrack: (track: MediaStreamTrack) => void;
  /** What was heard so far comes no more. */
  readonly onSilence: () => void;
  /** The path does not carry; it is being mended. */
  readonly onBroken?: () => void;
  /** The token does not allow to listen any more. */
  readonly onRefused: () => void;
}

/** Seconds: a microphone sends fifty packets in one. */
const silence = 1;

export class TalkListener {
  private readonly steady: SteadySession<MediaSession, "refused">;

  constructor(orderId: string, host: ListenHost) {
    const { caller, reachable: answers, onChange, onTrack, onSilence, onBroken } = host;
    const refused = (ended: boolean) => (ended ? "refused" : undefined);
    this.steady = new SteadySession<MediaSession, "refused">({
      orderId,
      caller,
      silence,
      expected: host.speaking,
      reachable: answers,
      onChange,
      onReleased: onSilence,
      ...(onBroken ? { onBroken } : {}),
      onEnd: host.onRefused,
      endFor: (status) => refused(status === 401 || status === 403),
      endBecause: (reason) => refused(endsAccess(reason)),
      open: (attempt) =>
        openTalk({
          ...attempt,
          url: reachable(`/whep/${encodeURIComponent(orderId)}/talk`, location.href),
          onTrack: (track) => !attempt.signal.aborted && onTrack(track),
        }),
    });
  }

  get state(): ListenState {
    const { state } = this.steady;
    return state === "up" ? "listening" : state;
  }

  get peer(): RTCPeerConnection | undefined {
    return this.steady.session?.peer;
  }

  /** Idempotent. */
  start(): void {
    this.steady.start();
  }

  /** Idempotent. */
  stop(): void {
    this.steady.stop();
  }

  closedByServer(sessionId: string, reason: string): void {
    this.steady.closedByServer(sessionId, reason);
  }

  draining(retryAfter: number): void {
    this.steady.draining(retryAfter);
  }

  networkChanged(): void {
    this.steady.networkChanged();
  }

  networkSeemsChanged(): void {
    this.steady.networkSeemsChanged();
  }
}

/** One camera on the air: a steady WHIP session. */

import { type Caller, reachable } from "../api/http";
import type { CodecChoice } from "../api/offer";
import { endsAccess, SteadySession } from "../api/steady-session";
import { type WhipRequest, WhipSession } from "../api/whip";
import { OutgoingMeter, type OutgoingStats } from "./outgoing-stats";

export type BroadcastState = "idle" | "connecting" | "live" | "reconnecting";

export type BroadcastEnd = "taken" | "busy" | "refused" | "access-ended";

export interface BroadcastTarget {
  readonly orderId: string;
  readonly camera: string;
}

export interface BroadcastPlan {
  readonly stream: MediaStream;
  readonly encodings: RTCRtpEncodingParameters[];
  readonly codec: CodecChoice;
}

export interface BroadcastHost {
  readonly caller: () => Caller;
  readonly onChange: () => void;
  /** Opens the session; as it stands in `WhipSession` when left out. */
  readonly open?: (wanted: WhipRequest) => Promise<WhipSession>;
  /** The broadcast ended although nobody stopped it. */
  readonly onEnd: (end: BroadcastEnd, sentence: string) => void;
}

/** Seconds without any feedback, which comes ten times a second, after which the path is taken for broken. */
const silence = 0.8;

const takenOver = /taken|take-?over|replace|supersede/i;

function endFor(status: number): BroadcastEnd | undefined {
  if (status === 401 || status === 403) return "access-ended";
  if (status === 409) return "busy";
  return status >= 400 && status < 500 && status !== 429 && status !== 408 ? "refused" : undefined;
}

function endBecause(reason: string): BroadcastEnd | undefined {
  if (takenOver.test(reason)) return "taken";
  return endsAccess(reason) ? "access-ended" : undefined;
}

export class Broadcast {
  private readonly steady: SteadySession<WhipSession, BroadcastEnd>;
  private plan: BroadcastPlan | undefined;
  private meter = new OutgoingMeter();

  constructor({ orderId, camera }: BroadcastTarget, host: BroadcastHost) {
    const url = reachable(`/whip/${encodeURIComponent(orderId)}/${encodeURIComponent(camera)}`, location.href);
    const { open = (wanted: WhipRequest) => WhipSession.open(wanted) } = host;
    this.steady = new SteadySession<WhipSession, BroadcastEnd>({
      ...host,
      orderId,
      silence,
      expected: () => true,
      endFor,
      endBecause,
      open: async (attempt) => {
        if (!this.plan) throw new Error("nothing to broadcast");
        const session = await open({ ...attempt, ...this.plan, url });
        this.meter = new OutgoingMeter();
        return session;
      },
    });
  }

  get state(): BroadcastState {
    const { state } = this.steady;
    return state === "up" ? "live" : state;
  }

  /** Unix milliseconds since when we are on the air; kept over reconnections. */
  get liveSince(): number | undefined {
    return this.steady.upSince;
  }

  get peer(): RTCPeerConnection | undefined {
    return this.steady.session?.peer;
  }

  get sessionUrl(): string | undefined {
    return this.steady.session?.resource;
  }

  get sessionId(): string | undefined {
    return this.steady.session?.sessionId;
  }

  start(plan: BroadcastPlan): void {
    this.plan = plan;
    this.steady.start();
  }

  /** Ends the broadcast, also while it is being set up. Idempotent. */
  stop(): void {
    this.steady.stop();
  }

  /** Sends another track from now on: device or source was changed. */
  async replace(track: MediaStreamTrack): Promise<void> {
    await this.steady.session?.replace(track);
  }

  async stats(): Promise<OutgoingStats | undefined> {
    const { peer } = this;
    return peer && this.meter.read(await peer.getStats(), this.plan?.encodings);
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

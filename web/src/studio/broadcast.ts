/** One camera on the air: a steady WHIP session. */

import { type Caller, reachable } from "../api/http";
import type { CodecChoice } from "../api/offer";
import { endsAccess, SteadySession, type SteadyState } from "../api/steady-session";
import type { WhipRequest, WhipSession } from "../api/whip";
import { OutgoingMeter, type OutgoingStats } from "./outgoing-stats";

export type BroadcastState = SteadyState<"live">;

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
  readonly open: (wanted: WhipRequest) => Promise<WhipSession>;
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

/** What is sent, and how that is measured. */
interface Air {
  plan: BroadcastPlan | undefined;
  meter: OutgoingMeter;
}

export class Broadcast extends SteadySession<WhipSession, BroadcastEnd, "live"> {
  private readonly air: Air;

  constructor({ orderId, camera }: BroadcastTarget, host: BroadcastHost) {
    const url = reachable(`/whip/${encodeURIComponent(orderId)}/${encodeURIComponent(camera)}`, location.href);
    const air: Air = { plan: undefined, meter: new OutgoingMeter() };
    super({
      ...host,
      up: "live",
      orderId,
      silence,
      expected: () => true,
      endFor,
      endBecause,
      open: async (attempt) => {
        if (!air.plan) throw new Error("nothing to broadcast");
        const session = await host.open({ ...attempt, ...air.plan, url });
        air.meter = new OutgoingMeter();
        return session;
      },
    });
    this.air = air;
  }

  get sessionUrl(): string | undefined {
    return this.session?.resource;
  }

  get sessionId(): string | undefined {
    return this.session?.sessionId;
  }

  goLive(plan: BroadcastPlan): void {
    this.air.plan = plan;
    this.start();
  }

  /** Sends another track from now on: device or source was changed. */
  async replace(track: MediaStreamTrack): Promise<void> {
    await this.session?.replace(track);
  }

  async stats(): Promise<OutgoingStats | undefined> {
    const { peer, air } = this;
    return peer && air.meter.read(await peer.getStats(), air.plan?.encodings);
  }
}

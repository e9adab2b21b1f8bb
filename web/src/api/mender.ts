/** Restarts a session's ICE until its path carries again, or it is clear that only a new session helps. */

import { backoff, type BackoffPolicy } from "./backoff";
import type { Caller } from "./http";
import { grown, pathCounts, type PathCounts } from "./path-counts";
import { ApiError } from "./problem";

export interface MendableSession {
  readonly peer: RTCPeerConnection;
  restart(caller: Caller, signal: AbortSignal): Promise<void>;
}

/** Milliseconds for the answer to a restart, and then for the first sign of life on the new path. */
const answerWithin = 1500;
const connectWithin = 1500;
/** Milliseconds in which a server that cannot be reached is asked again: it keeps a silent session for 15 s. */
const patience = 10_000;
const pauses: BackoffPolicy = { first: 0.2, most: 2 };
/** Milliseconds between two looks at the counters. */
const lookInterval = 50;

type Outcome = "carries" | "unanswered" | "refused";

/** No answer, or none yet: a new session would get none either. */
function isUnanswered(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 429);
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export class Mender {
  private running: AbortController | undefined;
  private previous: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly session: MendableSession,
    private readonly caller: () => Caller,
    /** Called once for each `mend` that no later one took the place of. */
    private readonly onEnd: (mended: boolean) => void,
  ) {}

  get busy(): boolean {
    return this.running !== undefined;
  }

  /** The network is another one: what was begun for the one before is begun anew. */
  mend(): void {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    // One after the other: an attempt that is given up takes its offer back first.
    this.previous = this.previous
      .then(() => this.run(running.signal))
      .catch(() => false)
      .then((mended) => {
        if (running.signal.aborted) return;
        this.running = undefined;
        this.onEnd(mended);
      });
  }

  close(): void {
    this.running?.abort();
    this.running = undefined;
  }

  private async run(signal: AbortSignal): Promise<boolean> {
    const begun = performance.now();
    const before = await this.counts();
    for (let failures = 1; !signal.aborted; failures += 1) {
      const outcome = await this.attempt(signal);
      if (outcome !== "unanswered") return outcome === "carries";
      if (performance.now() - begun > patience) return false;
      await wait(backoff(failures, 0, Math.random, pauses) * 1000, signal);
      // Browsers look for other ways by themselves as well.
      if (grown(before, await this.counts())) return true;
    }
    return false;
  }

  private async attempt(signal: AbortSignal): Promise<Outcome> {
    const asking = new AbortController();
    const giveUp = () => asking.abort();
    signal.addEventListener("abort", giveUp);
    const timer = setTimeout(giveUp, answerWithin);
    try {
      await this.session.restart(this.caller(), asking.signal);
    } catch (error) {
      return isUnanswered(error) ? "unanswered" : "refused";
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
    }
    return (await this.carries(signal)) ? "carries" : "refused";
  }

  private async carries(signal: AbortSignal): Promise<boolean> {
    const before = await this.counts();
    const end = performance.now() + connectWithin;
    while (!signal.aborted && performance.now() < end) {
      await wait(lookInterval, signal);
      if (grown(before, await this.counts())) return true;
    }
    return false;
  }

  private async counts(): Promise<PathCounts> {
    return pathCounts(await this.session.peer.getStats(), "bytesReceived", "responsesReceived");
  }
}

/** Restarts a session's ICE until its path carries again, or it is clear that only a new session helps. */

import { backoff, type BackoffPolicy } from "./backoff";
import type { Caller } from "./http";
import { grown, pathCounts, type PathCounts } from "./path-counts";
import { ApiError } from "./problem";

export interface MendableSession {
  readonly peer: RTCPeerConnection;
  restart(caller: Caller, signal: AbortSignal): Promise<void>;
}

/** Milliseconds for the answer to a restart. */
const answerWithin = 1500;
/**
 * Milliseconds for the first sign of life after each answered restart, before the next one. Chromium gathers addresses
 * when a restart begins, and on Linux and Windows learns of a new one only 2 s after it got it.
 */
const connectWithin = [500, 500, 500, 700, 1000];
/** Milliseconds in which a server that cannot be reached is asked again: it keeps a silent session for 15 s. */
const patience = 10_000;
const pauses: BackoffPolicy = { first: 0.2, most: 2 };
/** Milliseconds between two looks at the counters. */
const lookInterval = 50;

type Outcome = "answered" | "unanswered" | "refused";

/** No answer, or none yet: a new session would get none either. */
function isUnanswered(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 429);
}

/** Ends early when aborted. */
function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
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
    const waits = [...connectWithin];
    const end = performance.now() + patience;
    for (let failures = 0; !signal.aborted && performance.now() < end; ) {
      const before = await this.counts();
      const outcome = await this.ask(signal);
      if (outcome === "refused") return false;
      if (outcome === "unanswered") failures += 1;
      const pause = outcome === "answered" ? waits.shift() : backoff(failures, 0, Math.random, pauses) * 1000;
      // Browsers look for other ways by themselves as well, so that it may carry even without an answer.
      if (await this.carries(before, pause ?? 0, signal)) return true;
      if (waits.length === 0) return false;
    }
    return false;
  }

  private async ask(signal: AbortSignal): Promise<Outcome> {
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
    return "answered";
  }

  private async carries(before: PathCounts, within: number, signal: AbortSignal): Promise<boolean> {
    const end = performance.now() + within;
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

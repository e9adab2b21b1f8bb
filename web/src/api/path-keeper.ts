/** Notices that nothing arrives from the gateway any more and has the path mended, in the session that there is. */

import type { Caller } from "./http";
import { type MendableSession, Mender } from "./mender";
import { grown, pathCounts, type PathCounts } from "./path-counts";

export interface PathHost {
  readonly caller: () => Caller;
  /** Seconds of silence that are worth a doubt. */
  readonly silence: number;
  /**
   * Whether the gateway can be reached over the network as it was: then it is silent because it has nothing to send.
   * Without this every silence is a broken path.
   */
  readonly reachable?: () => Promise<boolean>;
  /** The path does not carry; it is being mended. */
  readonly onBroken: () => void;
  readonly onMended: () => void;
  /** Only a new session helps. */
  readonly onLost: () => void;
}

/** Milliseconds in which a disconnected transport may recover by itself. */
const iceGrace = 500;
/** Milliseconds in which packets show that a network that seems to be another one still carries. */
const doubtFor = 300;
/** Seconds between two of the checks that ICE makes of a path without media, and what a check may take. */
const checkInterval = 4;
/** Share of the longest gap between packets that is remembered from one reading to the next. */
const fading = 0.95;
/** Seconds after which a gateway that could be reached is doubted again. */
const trustFor = 2;

/** Seconds. */
function now(): number {
  return performance.now() / 1000;
}

export class PathKeeper {
  private readonly mender: Mender;
  private readonly listening = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private media: PathCounts = new Map();
  private answers: PathCounts = new Map();
  private mediaAt: number | undefined;
  private answeredAt = now();
  private usualGap = 0;
  private broken = false;
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly session: MendableSession,
    private readonly host: PathHost,
  ) {
    this.mender = new Mender(session, host.caller, (mended) => (mended ? this.mended() : this.lost()));
    const { signal } = this.listening;
    session.peer.addEventListener("iceconnectionstatechange", () => this.iceChanged(), { signal });
  }

  get mending(): boolean {
    return this.mender.busy;
  }

  /** Whether the gateway was heard at all a moment ago: a path that carries its answers carries its pictures. */
  get alive(): boolean {
    return now() - Math.max(this.answeredAt, this.mediaAt ?? 0) < checkInterval;
  }

  /** Takes a reading of the session's statistics, several times a second. `expected`: silence would be a fault. */
  observe(report: RTCStatsReport, expected: boolean): void {
    const [media, answers] = [pathCounts(report, "bytesReceived"), pathCounts(report, "responsesReceived")];
    const [heard, answered] = [grown(this.media, media), grown(this.answers, answers)];
    [this.media, this.answers] = [media, answers];
    const at = now();
    if (answered) this.answeredAt = at;
    if (heard) this.heard(at);
    else if (!expected) this.mediaAt = undefined;
    else if (this.silentFor(at) >= Math.max(this.host.silence, 2 * this.usualGap)) this.doubt(at);
  }

  /** The device is in another network. */
  networkChanged(): void {
    clearTimeout(this.timer);
    this.mender.mend();
  }

  /** Something about the network is another than before, perhaps only what the browser thinks of its speed. */
  networkSeemsChanged(): void {
    clearTimeout(this.timer);
    const since = now();
    this.timer = setTimeout(() => this.mediaAt !== undefined && this.mediaAt <= since && this.break(), doubtFor);
  }

  close(): void {
    this.listening.abort();
    clearTimeout(this.timer);
    this.mender.close();
  }

  private silentFor(at: number): number {
    return this.mediaAt === undefined ? 0 : at - this.mediaAt;
  }

  private heard(at: number): void {
    // Cameras of still pictures send seldom; a gap that was a fault teaches nothing.
    const gap = this.mending ? 0 : this.silentFor(at);
    this.usualGap = Math.max(gap, this.usualGap * fading);
    this.mediaAt = at;
    this.askedAt = Number.NEGATIVE_INFINITY;
  }

  private doubt(at: number): void {
    const { reachable } = this.host;
    if (!reachable || this.mending) {
      this.break();
      return;
    }
    if (at - this.askedAt < trustFor) return;
    this.askedAt = at;
    const silentSince = this.mediaAt;
    void reachable().then((still) => {
      if (!still && this.mediaAt === silentSince) this.break();
    });
  }

  private break(): void {
    if (this.listening.signal.aborted) return;
    if (!this.broken) {
      this.broken = true;
      this.host.onBroken();
    }
    if (!this.mending) this.mender.mend();
  }

  private mended(): void {
    this.broken = false;
    this.mediaAt = now();
    this.host.onMended();
  }

  private lost(): void {
    this.close();
    this.host.onLost();
  }

  private iceChanged(): void {
    const { iceConnectionState } = this.session.peer;
    clearTimeout(this.timer);
    if (iceConnectionState === "failed") this.break();
    if (iceConnectionState === "disconnected") this.timer = setTimeout(() => this.break(), iceGrace);
  }
}

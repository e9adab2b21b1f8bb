/** When a session tells the gateway how well it plays, and what. Pure; instants are seconds. */

import type { PlaybackReport } from "../api/events";
import type { PlaybackStats } from "./playback-stats";

/** Seconds between two reports of a session. */
const interval = 5;

export class PlaybackReporter {
  private began: number;
  private shownAt: number | undefined;
  private firstFrameTold = false;
  private nextAt = Number.NEGATIVE_INFINITY;
  private wasStalled = false;

  /** @param began when the viewer asked for the picture */
  constructor(began: number) {
    this.began = began;
  }

  /** The browser wanted a tap before it played anything: the wait until then is not ours. */
  tapped(now: number): void {
    if (this.shownAt === undefined) this.began = now;
  }

  /** A picture of this session is on the screen. */
  shown(now: number): void {
    this.shownAt ??= now;
  }

  /** The report that is due now, if one is. The first comes with the first picture, a stall at once. */
  due(now: number, stats: PlaybackStats, stalled: boolean, delay: number | undefined): PlaybackReport | undefined {
    const news = stalled && !this.wasStalled;
    this.wasStalled = stalled;
    if (!news && (this.shownAt === undefined || now < this.nextAt)) return undefined;
    this.nextAt = now + interval;
    const figures = {
      glassToGlass: delay,
      firstFrame: this.firstFrame(),
      freezes: stats.freezes,
      frozen: stats.frozen,
      stalled,
    };
    return Object.fromEntries(Object.entries(figures).filter(([, figure]) => figure !== undefined));
  }

  /** Told once. */
  private firstFrame(): number | undefined {
    if (this.shownAt === undefined || this.firstFrameTold) return undefined;
    this.firstFrameTold = true;
    return this.shownAt - this.began;
  }
}

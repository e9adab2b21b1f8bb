/** Figures of the connection while somebody looks at them. */

import { FigureWatch, type Figures } from "./connection-figures";

/** Seconds between two changes: quicker ones cannot be read. */
const interval = 1;

export class Statistics {
  private watch: FigureWatch | undefined;
  private dueAt = 0;

  /** Undefined while nobody looks, or before the first reading. */
  figures: Figures | undefined;

  constructor(private readonly onChange: () => void) {}

  get shown(): boolean {
    return this.watch !== undefined;
  }

  toggle(): void {
    this.watch = this.watch ? undefined : new FigureWatch();
    this.figures = undefined;
    this.dueAt = 0;
    this.onChange();
  }

  /** A reading of the open session; `now` in seconds. */
  observe(report: RTCStatsReport, now: number): void {
    if (!this.watch || now < this.dueAt) return;
    this.dueAt = now + interval;
    this.figures = this.watch.observe(report, now);
    this.onChange();
  }
}

/**
 * Notices a microphone that gives nothing at all while one speaks: phones hand out zeros, without a word, after another
 * app took it, and so do those with a switch. A quiet room is not nothing. Pure.
 */

/** Seconds of nothing after which it is worth a word. */
const patience = 3;

type Entry = Readonly<Record<string, unknown>>;

export class SilenceWatch {
  private energy: number | undefined;
  private duration = 0;
  private silent = 0;

  /** One begins to speak, or ends. */
  reset(): void {
    this.energy = undefined;
    this.silent = 0;
  }

  /** Takes a reading of `getStats`; whether nothing came for too long. Browsers that do not measure count as heard. */
  observe(report: RTCStatsReport): boolean {
    for (const entry of report.values() as Iterable<Entry>) {
      if (entry.type === "media-source" && entry.kind === "audio") this.measure(entry.totalAudioEnergy, entry.totalSamplesDuration);
    }
    return this.silent >= patience;
  }

  private measure(energy: unknown, duration: unknown): void {
    if (typeof energy !== "number" || typeof duration !== "number") return;
    const same = energy === this.energy && duration >= this.duration;
    this.silent = same ? this.silent + duration - this.duration : 0;
    this.energy = energy;
    this.duration = duration;
  }
}

/** When the customers' loudspeaker should be low: while the technician speaks, lest customers hear themselves. Pure. */

/** On the scale of `LevelMeter`: -27 dB, louder than a bench and its tools are at the microphone. */
const speech = 0.55;
/** Seconds over which pauses between words last. */
const pause = 0.7;

export class Ducking {
  private lastAt = new Map<string, number>();

  /**
   * @param source of several microphones
   * @param level of its sound, 0 to 1
   * @param now seconds
   * @returns whether anybody speaks, or did a moment ago
   */
  update(source: string, level: number, now: number): boolean {
    if (level >= speech) this.lastAt.set(source, now);
    return [...this.lastAt.values()].some((at) => now - at < pause);
  }
}

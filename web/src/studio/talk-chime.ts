/** A short sound when somebody asks to speak, made on the spot. */

/** Hertz of the two notes, and seconds from the beginning of one to the next. */
const notes = [659.3, 880] as const;
const apart = 0.13;
const length = 0.35;
const loudness = 0.12;
/** Milliseconds. */
const patience = 500;

export class TalkChime {
  private context: AudioContext | undefined;

  /** To be called on a gesture of the user: most browsers let no sound out before one. */
  async allow(): Promise<void> {
    this.context ??= new AudioContext();
    await this.context.resume().catch(() => undefined);
  }

  /** Silent where the browser has not allowed sound within a moment. */
  async ring(): Promise<void> {
    await Promise.race([this.allow(), new Promise((resolve) => setTimeout(resolve, patience))]);
    const { context } = this;
    if (context?.state !== "running") return;
    notes.forEach((frequency, index) => this.note(context, frequency, context.currentTime + index * apart));
  }

  close(): void {
    void this.context?.close();
    this.context = undefined;
  }

  private note(context: AudioContext, frequency: number, begin: number): void {
    const [oscillator, gain] = [context.createOscillator(), context.createGain()];
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(loudness, begin + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.0001, begin + length);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(begin);
    oscillator.stop(begin + length);
  }
}

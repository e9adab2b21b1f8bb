/** Plays what customers say: one audio element for each line on which somebody may be heard. */

export interface Heard {
  /** Packets that arrived on all lines together. */
  readonly packets: number;
  /** Sound energy (full scale squared, times seconds) that was played. */
  readonly energy: number;
}

/** What arrived of other people's sound by a connection's statistics. */
export function heardIn(report: RTCStatsReport): Heard {
  let [packets, energy] = [0, 0];
  for (const entry of report.values() as Iterable<Record<string, unknown>>) {
    if (entry.type !== "inbound-rtp" || entry.kind !== "audio") continue;
    if (typeof entry.packetsReceived === "number") packets += entry.packetsReceived;
    if (typeof entry.totalAudioEnergy === "number") energy += entry.totalAudioEnergy;
  }
  return { packets, energy };
}

/** Share of the volume that is left while the technician speaks. */
const lowered = 0.3;

export class TalkPlayer {
  /** The browser wants a gesture before it lets the sound out. */
  blocked = false;

  private readonly elements: HTMLAudioElement[] = [];
  private loudness = 1;
  private low = false;

  constructor(private readonly onChange: () => void) {}

  /** 0 to 1. */
  get volume(): number {
    return this.loudness;
  }

  set volume(volume: number) {
    this.loudness = volume;
    for (const element of this.elements) this.setVolume(element);
    this.onChange();
  }

  /** Whether the sound is low for a while, whatever the volume. */
  get ducked(): boolean {
    return this.low;
  }

  set ducked(low: boolean) {
    if (low === this.low) return;
    this.low = low;
    for (const element of this.elements) this.setVolume(element);
  }

  add(track: MediaStreamTrack): void {
    const element = new Audio();
    element.srcObject = new MediaStream([track]);
    this.setVolume(element);
    this.elements.push(element);
    void this.play(element);
  }

  /** To be called on a gesture of the user. */
  resume(): void {
    this.blocked = false;
    for (const element of this.elements) void this.play(element);
    this.onChange();
  }

  clear(): void {
    for (const element of this.elements.splice(0)) {
      element.pause();
      element.srcObject = null;
    }
    this.blocked = false;
    this.onChange();
  }

  private setVolume(element: HTMLAudioElement): void {
    element.volume = this.loudness * (this.low ? lowered : 1);
    // iPhones ignore the volume, but not this.
    element.muted = this.loudness === 0;
  }

  private async play(element: HTMLAudioElement): Promise<void> {
    try {
      await element.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || element.srcObject === null) return;
      this.blocked = true;
      this.onChange();
    }
  }
}

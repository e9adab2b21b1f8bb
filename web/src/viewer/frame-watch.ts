/** Tells from what a connection decoded whether the picture moves. Pure: numbers and seconds go in. */

export interface Decoded {
  readonly frames: number;
  /** Whether any video packet has arrived in this session. */
  readonly video: boolean;
  readonly audioPackets: number;
  /** Octets of picture and sound that arrived. */
  readonly bytes: number;
}

export type Flow = "flowing" | "pending" | "stalled";

export interface FrameWatchLimits {
  /** Seconds until the first picture of a session must be there. */
  readonly opening: number;
  /** Seconds without a new picture that count as a stall. */
  readonly stall: number;
}

/** Browsers find another way by themselves within 3.6 s (Chromium 156: seen). */
export const defaultLimits: FrameWatchLimits = { opening: 8, stall: 5 };

/** Seconds without any packet after which it is not the decoder that the picture waits for. */
const starvedAfter = 2;

export class FrameWatch {
  private last: Decoded | undefined;
  private progressAt: number;
  private fedAt: number;
  private limit: number;

  constructor(
    now: number,
    private readonly limits: FrameWatchLimits = defaultLimits,
  ) {
    this.progressAt = now;
    this.fedAt = now;
    this.limit = limits.opening;
  }

  /** Gives the stream another `seconds` from now: after a network change, or while the page was not looked at. */
  grant(now: number, seconds: number): void {
    this.progressAt = now;
    this.limit = seconds;
    this.last = undefined;
  }

  /** A broadcast without video flows when its sound does. */
  observe(decoded: Decoded, now: number): Flow {
    const before = this.last;
    this.last = decoded;
    if (before === undefined || decoded.bytes > before.bytes) {
      // What comes after a gap may have to wait for a keyframe.
      if (before !== undefined && this.starved(now)) this.progressAt = now;
      this.fedAt = now;
    }
    const advanced =
      before !== undefined &&
      (decoded.frames > before.frames || (!decoded.video && decoded.audioPackets > before.audioPackets));
    const firstPicture = before === undefined && decoded.frames > 0 && this.limit === this.limits.opening;
    if (advanced || firstPicture) {
      this.progressAt = now;
      this.limit = this.limits.stall;
      return "flowing";
    }
    return now - this.progressAt >= this.limit ? "stalled" : "pending";
  }

  /** Seconds for which the picture has stood still. */
  standing(now: number): number {
    return now - this.progressAt;
  }

  /** Whether a picture that stands still does so for want of packets. */
  starved(now: number): boolean {
    return now - this.fedAt >= starvedAfter;
  }
}

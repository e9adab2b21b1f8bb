/**
 * How far the picture on the screen is behind the camera: capture to display, in seconds. Pure but for `readOffset`
 * and its caller's clock.
 *
 * Two sources, best first. `captureTime` of a shown frame (Chromium and WebKit, where they know the round trip) is the
 * instant of capture on our own clock. Else `estimatedPlayoutTimestamp` of getStats names the picture that plays by the
 * gateway's clock, which its sender reports carry; `ClockOffset` tells how that differs from ours.
 */

/** NTP counts from 1900, Unix from 1970: milliseconds between both. */
const ntpEpoch = 2_208_988_800_000;
/** Milliseconds over which a median is taken. */
const span = 5000;
/** A clock that is estimated may put capture this much after display, milliseconds. */
const slack = -100;
/** Milliseconds over which a figure is an error, not a delay. */
const absurd = 60_000;

interface Sample {
  readonly at: number;
  readonly delay: number;
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

class Recent {
  private samples: Sample[] = [];

  add(at: number, delay: number): void {
    if (!(delay >= slack && delay <= absurd)) return;
    this.samples = this.samples.filter((each) => each.at > at - span);
    this.samples.push({ at, delay });
  }

  median(now: number): number | undefined {
    return median(this.samples.filter(({ at }) => at > now - span).map(({ delay }) => delay));
  }
}

/** Instants are milliseconds: of the page's clock (`performance.now()`) unless told otherwise. */
export class GlassToGlass {
  private readonly shown = new Recent();
  private readonly estimated = new Recent();

  /** A frame goes to the screen; `captureTime` is undefined where the browser does not know it. */
  frame(captureTime: number | undefined, expectedDisplayTime: number): void {
    if (captureTime !== undefined) this.shown.add(expectedDisplayTime, expectedDisplayTime - captureTime);
  }

  /**
   * A reading of getStats.
   *
   * @param now when it was taken
   * @param playout `estimatedPlayoutTimestamp`: NTP milliseconds of the gateway's clock
   * @param gatewayTime Unix milliseconds of the gateway's clock at `now`; undefined while unknown
   */
  playout(now: number, playout: number | undefined, gatewayTime: number | undefined): void {
    if (playout === undefined || gatewayTime === undefined) return;
    this.estimated.add(now, gatewayTime - (playout - ntpEpoch));
  }

  /** The median delay of the last five seconds in seconds; undefined while nothing is known. */
  delay(now: number): number | undefined {
    const milliseconds = this.shown.median(now) ?? this.estimated.median(now);
    return milliseconds === undefined ? undefined : Math.max(0, milliseconds) / 1000;
  }
}

interface Reading {
  readonly roundTrip: number;
  readonly offset: number;
}

/** Readings that count: two rounds, so that an old lucky one does not hide a clock that drifts. */
const kept = 10;

/** What the gateway's clock shows when ours shows something, from the quickest of several answers. */
export class ClockOffset {
  private readings: Reading[] = [];

  /** The gateway's clock showed `gateway` in an answer to what was `sent` and came back at `received`, on our clock. */
  add(sent: number, gateway: number, received: number): void {
    const reading = { roundTrip: received - sent, offset: gateway - (sent + received) / 2 };
    this.readings = [...this.readings, reading].slice(-kept);
  }

  /** What to add to our clock to have the gateway's; undefined while unknown. Wrong by half a round trip at most. */
  get offset(): number | undefined {
    return this.readings.reduce<Reading | undefined>(
      (best, each) => (best === undefined || each.roundTrip < best.roundTrip ? each : best),
      undefined,
    )?.offset;
  }
}

/** One round of readings: asks five times, and stops at the first question that is not answered. */
export async function readOffset(
  offset: ClockOffset,
  ask: () => Promise<number | undefined>,
  clock: () => number,
): Promise<void> {
  for (let round = 0; round < kept / 2; round += 1) {
    const sent = clock();
    const gateway = await ask();
    if (gateway === undefined) return;
    offset.add(sent, gateway, clock());
  }
}

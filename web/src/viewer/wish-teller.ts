/** Decides when the gateway is told what the viewer would like to see: a chosen layer, or one that fits the window. */

import type { LayerWish } from "../api/events";
import { auto } from "./quality";

/** A layer may be this much lower or higher than the picture on the screen before the eye minds. */
const headroom = 1.5;
/** Sizes that differ by less than this share are the same. */
const tolerance = 0.1;

interface Told {
  readonly session: string;
  readonly rid: string;
  readonly height: number;
}

export class WishTeller {
  private told: Told | undefined;

  /**
   * @param session the playing session's id
   * @param rid of the chosen layer, or "auto"
   * @param height of the picture on the screen, in device pixels
   * @returns what to ask for, or undefined when there is nothing new to say
   */
  update(session: string, rid: string, height: number): LayerWish | undefined {
    if (session === "") return undefined;
    const before = this.told?.session === session ? this.told : undefined;
    if (rid !== auto) {
      if (before?.rid === rid) return undefined;
      this.told = { session, rid, height: 0 };
      return { rid };
    }
    if (!(height > 0)) return undefined;
    if (before?.rid === auto && Math.abs(height - before.height) <= before.height * tolerance) return undefined;
    this.told = { session, rid, height };
    return { rid, maxHeight: Math.min(10_000, Math.ceil(height * headroom)) };
  }

  /** Says everything once more, for a gateway that may not have heard it. */
  forget(): void {
    this.told = undefined;
  }
}

/** Height of the picture inside an element that shows it whole, in CSS pixels. */
export function shownHeight(width: number, height: number, videoWidth: number, videoHeight: number): number {
  return videoWidth > 0 ? Math.min(height, (width * videoHeight) / videoWidth) : height;
}

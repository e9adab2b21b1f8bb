/** How well customers see what is broadcast. Pure. */

import type { Person } from "../api/event-types";

/** `away`: nothing plays there. */
export type Verdict = "good" | "fair" | "poor" | "away";

interface Bounds {
  /** Share of packets. */
  readonly loss: number;
  /** Seconds behind the camera. */
  readonly delay: number;
  /** Freezes a minute. */
  readonly freezes: number;
}

const fairFrom: Bounds = { loss: 0.02, delay: 1, freezes: 0.5 };
const poorFrom: Bounds = { loss: 0.08, delay: 3, freezes: 2 };
/** Minutes: one freeze while joining is no rate yet. */
const leastWatched = 3;

function reaches({ loss, glassToGlass, freezes, since }: Person, bounds: Bounds, now: number): boolean {
  const watched = Math.max(leastWatched, (now - since) / 60);
  return (loss ?? 0) >= bounds.loss || (glassToGlass ?? 0) >= bounds.delay || (freezes ?? 0) / watched >= bounds.freezes;
}

/** @param now Unix seconds */
export function verdictOn(person: Person, now: number): Verdict {
  if (!person.layer) return "away";
  if (reaches(person, poorFrom, now)) return "poor";
  return reaches(person, fairFrom, now) ? "fair" : "good";
}

/** Who watches, as the gateway tells technicians: what each customer sees right now, and how well. Pure. */

import { parseInstant } from "../api/auth";
import { isObject } from "../api/http";

export const talkStandings = ["none", "waiting", "granted", "speaking", "muted"] as const;
export type TalkStanding = (typeof talkStandings)[number];

export interface PlayedLayer {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Bits per second. */
  readonly bitrate: number;
}

/** One customer; durations in seconds, undefined where nothing is known. */
export interface Person {
  readonly viewerId: string;
  readonly name: string;
  /** Unix milliseconds. */
  readonly since: number | undefined;
  readonly camera: string;
  /** What plays there now; undefined while nothing does. */
  readonly layer: PlayedLayer | undefined;
  readonly rtt: number | undefined;
  /** 0 to 1. */
  readonly loss: number | undefined;
  readonly glassToGlass: number | undefined;
  /** How often the picture froze since the session began. */
  readonly freezes: number;
  readonly talk: TalkStanding;
}

/** A finite number of at least 0. */
function figure(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function parsePlayed(value: unknown): PlayedLayer | undefined {
  if (!isObject(value)) return undefined;
  const { width, height, fps, bitrate } = value;
  return { width: figure(width) ?? 0, height: figure(height) ?? 0, fps: figure(fps) ?? 0, bitrate: figure(bitrate) ?? 0 };
}

function parsePerson(value: unknown): Person | undefined {
  if (!isObject(value) || typeof value.viewerId !== "string") return undefined;
  const { name, camera, talk } = value;
  return {
    viewerId: value.viewerId,
    name: typeof name === "string" ? name : "",
    since: parseInstant(value.since),
    camera: typeof camera === "string" ? camera : "",
    layer: parsePlayed(value.layer),
    rtt: figure(value.rtt),
    loss: figure(value.loss),
    glassToGlass: figure(value.glassToGlass),
    freezes: figure(value.freezes) ?? 0,
    talk: talkStandings.find((standing) => standing === talk) ?? "none",
  };
}

export interface People {
  /** Those who speak or want to first, then who came first. */
  readonly named: readonly Person[];
  /** How many watch besides them. */
  readonly more: number;
}

/** From `people`; undefined for what is no such list. */
export function parsePeople(value: unknown): People | undefined {
  if (!isObject(value) || !Array.isArray(value.viewers)) return undefined;
  const named = value.viewers.map(parsePerson).filter((person) => person !== undefined);
  return { named, more: Math.max(0, (figure(value.total) ?? 0) - named.length) };
}

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

function reaches(person: Person, bounds: Bounds, now: number): boolean {
  const { loss = 0, glassToGlass = 0, freezes, since = now } = person;
  const watched = Math.max(leastWatched, (now - since) / 60_000);
  return loss >= bounds.loss || glassToGlass >= bounds.delay || freezes / watched >= bounds.freezes;
}

/** @param now Unix milliseconds */
export function verdictOn(person: Person, now: number): Verdict {
  if (!person.layer) return "away";
  if (reaches(person, poorFrom, now)) return "poor";
  return reaches(person, fairFrom, now) ? "fair" : "good";
}

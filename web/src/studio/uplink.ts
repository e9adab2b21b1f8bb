/** Whether the technician's connection carries what the studio is set to send, and which setting helps if not. Pure. */

import { bitrates } from "./encodings";
import type { OutgoingStats } from "./outgoing-stats";
import type { StudioSettings } from "./settings";

/** Seconds after which what the gateway told last says nothing any more: it tells every two. */
const freshFor = 6;
/** Less than this share of what was set is clearly less. */
const clearlyLess = 0.8;
/** Share of lost packets from which a picture suffers. */
const highLoss = 0.05;
/** Reports that a figure is the mean of: one alone follows every busy second of the picture. */
const averaged = 3;

/** `settling`: less is sent than was set, but not for long; at the beginning browsers feel their way up. */
export type UplinkTrouble = "none" | "settling" | "short" | "loss";

/** Which setting to change: another bitrate (kilobits per second), one size only, or none but the network. */
export type UplinkAdvice = { readonly bitrate: number } | "one-size" | "network";

export interface UplinkView {
  /** Bits per second that arrive at the gateway. */
  readonly carried: number;
  /** Bits per second that the studio is set to send at most. */
  readonly wanted: number;
  /** 0 to 1. */
  readonly loss: number;
  /** The gateway told so; else it is what the browser's own figures say. */
  readonly told: boolean;
  readonly trouble: UplinkTrouble;
  /** Given with `short` and `loss`. */
  readonly advice: UplinkAdvice | undefined;
}

/** A condition that counts once it has held for some seconds, and until it has not held for some. */
class Sustained {
  private holds = false;
  private differsSince: number | undefined;

  constructor(
    private readonly rise: number,
    private readonly fall: number,
  ) {}

  update(condition: boolean, now: number): boolean {
    if (condition === this.holds) this.differsSince = undefined;
    else {
      this.differsSince ??= now;
      if (now - this.differsSince >= (condition ? this.rise : this.fall)) {
        this.holds = condition;
        this.differsSince = undefined;
      }
    }
    return this.holds;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Not how much is sent tells that the network holds the browser back (a still picture needs little), but its target. */
function heldBack({ target, limitation }: OutgoingStats, wanted: number): boolean {
  if (limitation === "cpu") return false;
  return target === undefined ? limitation === "bandwidth" : target < wanted * clearlyLess;
}

function adviceFor(carried: number, settings: StudioSettings): UplinkAdvice {
  const fitting = bitrates.filter((each) => each * 1000 <= carried * 0.9 && each < settings.bitrate);
  const bitrate = fitting.at(-1) ?? bitrates[0];
  if (bitrate < settings.bitrate) return { bitrate };
  return settings.simulcast ? "one-size" : "network";
}

/** Bits per second and share lost. */
interface Arriving {
  readonly bitrate: number;
  readonly loss: number;
}

/** What should arrive, by the browser's own figures: it hears of losses too. */
function arrivingBy({ layers, audioBitrate, fractionLost }: OutgoingStats): Arriving {
  const sent = layers.reduce((sum, { bitrate }) => sum + bitrate, audioBitrate);
  const loss = fractionLost ?? 0;
  return { bitrate: sent * (1 - loss), loss };
}

/** Instants are seconds. */
export class UplinkWatch {
  private session: string | undefined;
  private reports: Arriving[] = [];
  private toldAt = Number.NEGATIVE_INFINITY;
  private short = new Sustained(8, 5);
  private lossy = new Sustained(4, 5);

  /** What the gateway told of the session that publishes. */
  told(report: Arriving, now: number): void {
    this.reports = [...this.reports, report].slice(-averaged);
    this.toldAt = now;
  }

  /** @param session id of the one that publishes now; with another one everything begins anew */
  read(session: string | undefined, stats: OutgoingStats, settings: StudioSettings, now: number): UplinkView {
    if (session !== this.session) this.begin(session);
    const told = now - this.toldAt <= freshFor;
    const arriving = told ? this.reports : [arrivingBy(stats)];
    const carried = mean(arriving.map(({ bitrate }) => bitrate));
    const loss = mean(arriving.map((report) => report.loss));
    const { wanted } = stats;
    const less = heldBack(stats, wanted) && carried < wanted * clearlyLess;
    const short = this.short.update(less, now);
    const lossy = this.lossy.update(loss >= highLoss, now);
    const unclear = less || carried === 0;
    const trouble = lossy ? "loss" : short ? "short" : unclear ? "settling" : "none";
    return { carried, wanted, loss, told, trouble, advice: lossy || short ? adviceFor(carried, settings) : undefined };
  }

  private begin(session: string | undefined): void {
    this.session = session;
    this.reports = [];
    this.toldAt = Number.NEGATIVE_INFINITY;
    this.short = new Sustained(8, 5);
    this.lossy = new Sustained(4, 5);
  }
}

/** Which sizes of the picture a viewer may choose from, what was chosen and what plays instead. Pure. */

import type { Layer } from "../api/event-types";

/** The choice that leaves it to the gateway. */
export const auto = "auto";

/** Seconds in which a change of layer is on its way: it waits for a whole picture. */
const settling = 4;
/** Frame rates tell layers apart that differ by at least this share. */
const clearlyFaster = 1.2;

/** A layer's name: its height, and what tells it from another of the same height. */
export interface QualityName {
  /** Lines of the picture, whichever way it is turned. */
  readonly lines: number;
  readonly fps?: number;
  /** Bits per second. */
  readonly bitrate?: number;
}

export interface QualityOption {
  readonly rid: string;
  readonly name: QualityName;
}

export interface QualityView {
  /** Best first; at least two. */
  readonly options: readonly QualityOption[];
  /** Rid of the chosen layer, or "auto". */
  readonly chosen: string;
  readonly playing: QualityName | undefined;
  /** A smaller layer than the chosen one plays, and not only for a moment. */
  readonly held: boolean;
}

function linesOf({ width, height }: Layer): number {
  return Math.min(width, height);
}

function clearlyDiffer(layers: readonly Layer[]): boolean {
  const rates = layers.map(({ fps }) => fps).sort((a, b) => a - b);
  return rates.every((rate, place) => place === 0 || rate >= (rates[place - 1] ?? 0) * clearlyFaster);
}

function nameOf(layer: Layer, all: readonly Layer[]): QualityName {
  const lines = linesOf(layer);
  const alike = all.filter((each) => linesOf(each) === lines);
  if (alike.length < 2) return { lines };
  return clearlyDiffer(alike) ? { lines, fps: Math.round(layer.fps) } : { lines, bitrate: layer.bitrate };
}

/** The layers that can be chosen by hand, best first. */
export function qualityOptions(layers: readonly Layer[]): QualityOption[] {
  const known = layers.filter((layer) => layer.live && linesOf(layer) > 0);
  const best = [...known].sort((a, b) => b.width * b.height - a.width * a.height || b.bitrate - a.bitrate);
  return best.map((layer) => ({ rid: layer.rid, name: nameOf(layer, known) }));
}

/** A viewer's choice. It is kept while its layer is away, and holds again when that returns. */
export class Quality {
  private choice: string = auto;
  private layers: readonly Layer[] = [];
  private playing: Layer | undefined;
  private differsSince: number | undefined;

  choose(rid: string): void {
    this.choice = rid;
    this.differsSince = undefined;
  }

  /** The camera is broadcast in these sizes now. */
  offer(layers: readonly Layer[]): void {
    this.layers = layers;
  }

  /** This layer plays now; undefined for none. */
  plays(layer: Layer | undefined): void {
    this.playing = layer;
  }

  /** What to ask the gateway for: the choice, or "auto" when the camera has other layers. */
  get wish(): string {
    const gone = this.layers.length > 0 && !this.layers.some(({ rid }) => rid === this.choice);
    return gone ? auto : this.choice;
  }

  /**
   * What to draw; undefined when there is nothing to choose.
   *
   * @param now seconds
   */
  view(now: number): QualityView | undefined {
    const options = qualityOptions(this.layers);
    const held = this.heldFor(now) >= settling;
    if (options.length < 2) return undefined;
    const { playing } = this;
    const name = options.find(({ rid }) => rid === playing?.rid)?.name;
    return { options, chosen: this.wish, playing: name ?? (playing && { lines: linesOf(playing) }), held };
  }

  /** Seconds since when something smaller than the chosen layer plays. */
  private heldFor(now: number): number {
    const chosen = this.layers.find(({ rid }) => rid === this.wish);
    const { playing } = this;
    if (!chosen || !playing || playing.width * playing.height >= chosen.width * chosen.height) {
      this.differsSince = undefined;
      return 0;
    }
    this.differsSince ??= now;
    return now - this.differsSince;
  }
}

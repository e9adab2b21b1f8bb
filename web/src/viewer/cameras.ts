/** Which cameras an order has, which of them are shown large, and which line shows which. Pure. */

import type { Camera, LayerState } from "../api/event-types";

/** A live camera as the strip shows it. */
export interface CameraTile {
  readonly name: string;
  /** Of the line that plays it small; undefined when none does. */
  readonly mid: string | undefined;
  /** On the main picture. */
  readonly shown: boolean;
  /** Beside the main picture. */
  readonly pinned: boolean;
}

/** The camera that the viewer wants beside the main picture. */
export interface PinnedCamera {
  readonly name: string;
  /** Of the line that plays it, or will; undefined while there is none. */
  readonly mid: string | undefined;
  readonly live: boolean;
}

export interface CameraView {
  /** Empty unless there is something to choose from. */
  readonly tiles: readonly CameraTile[];
  /** The camera that was asked for while another one is shown in its place. */
  readonly away: string | undefined;
  /** On the main picture; undefined while unknown. */
  readonly shown: string | undefined;
  readonly pinned: PinnedCamera | undefined;
  /** Whether the session has lines to pin to. */
  readonly pinnable: boolean;
}

/** What the gateway is to be asked: a camera on the main line, or on the line `mid`, where null takes a pin off. */
export interface CameraWish {
  readonly camera: string | null;
  readonly mid?: string;
}

/**
 * Video lines beside the main one that a session asks for, used or not: a camera that comes later needs no other session.
 * Cameras for which there is no line are listed by name.
 */
export const spareLines = 3;

export class Cameras {
  /** Whether anybody has told yet. */
  known = false;
  private all: readonly Camera[] = [];
  private state: LayerState | undefined;
  private pin: string | undefined;

  /** @param wanted the camera that the viewer asked for */
  constructor(public wanted: string) {}

  /** These cameras the order has. */
  know(all: readonly Camera[]): void {
    this.all = all;
    this.known = true;
  }

  /** What the session plays, as the gateway tells; undefined when there is no session. */
  play(state: LayerState | undefined): void {
    this.state = state;
  }

  /** Wants this camera on the main picture. The one that was there goes to the place of a pinned one. */
  select(camera: string): void {
    if (camera === this.pin) this.pin = this.state?.camera ?? this.wanted;
    if (this.pin === camera) this.pin = undefined;
    this.wanted = camera;
  }

  /** Wants this camera beside the main picture; one that is there already not any more. */
  togglePin(camera: string): void {
    if (camera === this.pin) this.pin = undefined;
    else if (camera !== this.state?.camera) this.pin = camera;
  }

  /** What was asked for is not to be had: what is shown is as good as wanted. */
  giveUp(): void {
    this.wanted = this.state?.wantedCamera ?? this.wanted;
    this.pin = this.state?.lines.find(({ pinned }) => pinned !== null)?.pinned ?? undefined;
  }

  /** What is to be asked for, in this order, so that the session shows what is wanted. */
  get wishes(): readonly CameraWish[] {
    const { state, wanted, pin } = this;
    if (!state) return [];
    const main = state.wantedCamera !== wanted && this.isLive(wanted) ? [{ camera: wanted }] : [];
    const place = this.placeFor(pin);
    const unpinned = state.lines.filter(({ mid, pinned }) => pinned !== null && pinned !== pin && mid !== place);
    const pinned = pin !== undefined && place !== undefined ? [{ camera: pin, mid: place }] : [];
    return [...main, ...unpinned.map(({ mid }) => ({ camera: null, mid })), ...pinned];
  }

  /** The one whose picture is, or will be, the main one: the wanted one, or what is shown in its place. */
  get main(): Camera | undefined {
    const find = (name: string | undefined) => this.all.find((camera) => camera.name === name);
    const wanted = find(this.wanted);
    if (wanted?.live) return wanted;
    const shown = find(this.state?.camera);
    // A session that runs changes over by itself, when the gateway thinks it time.
    return shown?.live ? shown : (this.live[0] ?? wanted);
  }

  /** The camera that a new session begins with; undefined for the order's main one. */
  get first(): string | undefined {
    const name = this.main?.name ?? this.wanted;
    return name === "main" ? undefined : name;
  }

  get several(): boolean {
    return this.live.length > 1;
  }

  get view(): CameraView {
    const { live, state, pin } = this;
    const lines = new Map(state?.lines.map(({ mid, camera }) => [camera, mid]));
    const shown = state?.camera;
    const tiles = live.map(({ name }) => ({ name, mid: lines.get(name), shown: name === shown, pinned: name === pin }));
    return {
      tiles: this.several ? tiles : [],
      away: shown !== undefined && shown !== this.wanted ? this.wanted : undefined,
      shown,
      pinned: pin === undefined ? undefined : { name: pin, mid: this.lineOf(pin), live: this.isLive(pin) },
      pinnable: (state?.lines.length ?? 0) > 0,
    };
  }

  /** The line to which the wanted camera is pinned, as the gateway tells. */
  get pinnedLine(): string | undefined {
    return this.state?.lines.find(({ pinned }) => pinned !== null && pinned === this.pin)?.mid;
  }

  /** The line to which a camera is to be pinned now; undefined where it is already, or cannot be. */
  private placeFor(pin: string | undefined): string | undefined {
    const lines = this.state?.lines ?? [];
    if (pin === undefined || !this.isLive(pin) || lines.some(({ pinned }) => pinned === pin)) return undefined;
    // A picture that plays goes on where it is; next best is a place that loses no other picture.
    const places = [lines.find(({ camera }) => camera === pin), lines.find(({ pinned }) => pinned !== null)];
    return (places.find((line) => line) ?? lines.find(({ camera }) => camera === null) ?? lines.at(-1))?.mid;
  }

  private lineOf(pin: string): string | undefined {
    const lines = this.state?.lines ?? [];
    return (lines.find(({ pinned }) => pinned === pin) ?? lines.find(({ camera }) => camera === pin))?.mid;
  }

  private isLive(name: string): boolean {
    return this.all.some((camera) => camera.name === name && camera.live);
  }

  private get live(): Camera[] {
    return this.all.filter(({ live }) => live).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

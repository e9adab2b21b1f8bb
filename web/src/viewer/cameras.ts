/** Which cameras an order has, which of them is shown, and which line shows which. Pure. */

import type { Camera, LayerState } from "../api/event-types";

/** A live camera as the strip shows it. */
export interface CameraTile {
  readonly name: string;
  /** Of the line that plays it small; undefined when none does. */
  readonly mid: string | undefined;
  /** On the main picture. */
  readonly shown: boolean;
}

export interface CameraView {
  /** Empty unless there is something to choose from. */
  readonly tiles: readonly CameraTile[];
  /** The camera that was asked for while another one is shown in its place. */
  readonly away: string | undefined;
  /** On the main picture; undefined while unknown. */
  readonly shown: string | undefined;
}

export const noCameras: CameraView = { tiles: [], away: undefined, shown: undefined };

/** Pictures beside the main one that a session asks for at most. */
export const mostThumbnails = 3;

export class Cameras {
  /** Whether anybody has told yet. */
  known = false;
  private all: readonly Camera[] = [];
  private state: LayerState | undefined;

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

  /** The one whose picture is, or will be, the main one: the wanted one, or what is shown in its place. */
  get main(): Camera | undefined {
    const find = (name: string | undefined) => this.all.find((camera) => camera.name === name);
    const wanted = find(this.wanted);
    if (wanted?.live) return wanted;
    const shown = find(this.state?.camera);
    if (shown?.live) return shown;
    // A session that runs changes over by itself, when the gateway thinks it time.
    return this.state ? wanted : (this.live[0] ?? wanted);
  }

  /** The camera that a new session begins with; undefined for the order's main one. */
  get first(): string | undefined {
    const name = this.main?.name ?? this.wanted;
    return name === "main" ? undefined : name;
  }

  /** Lines for thumbnails that a new session should have. */
  get thumbnails(): number {
    const count = this.live.length;
    return count < 2 ? 0 : Math.min(mostThumbnails, count);
  }

  get view(): CameraView {
    const { live, state } = this;
    const lines = new Map(state?.lines.map(({ mid, camera }) => [camera, mid]));
    const shown = state?.camera;
    const tiles = live.map(({ name }) => ({ name, mid: lines.get(name), shown: name === shown }));
    const away = shown !== undefined && shown !== this.wanted ? this.wanted : undefined;
    return { tiles: tiles.length < 2 ? [] : tiles, away, shown };
  }

  private get live(): Camera[] {
    return this.all.filter(({ live }) => live).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

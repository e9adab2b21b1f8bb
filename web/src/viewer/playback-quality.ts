/**
 * The quality of what a viewer plays: the size that was chosen or fits the window, how far it is behind the camera, and
 * what the gateway is told of both. Carries out what the pure classes beside it decide.
 */

import type { Layer, LayerState } from "../api/event-types";
import { type LiveEvents, playedLayer } from "../api/events";
import type { Flow } from "./frame-watch";
import { ClockOffset, GlassToGlass, readOffset } from "./glass-to-glass";
import { PlaybackReporter } from "./playback-report";
import type { PlaybackStats } from "./playback-stats";
import { Quality, type QualityView } from "./quality";
import { WishTeller } from "./wish-teller";

/** What `requestVideoFrameCallback` tells of a frame; milliseconds of the page's clock. */
export interface ShownFrame {
  readonly captureTime?: number;
  readonly expectedDisplayTime: number;
}

/** Milliseconds between two comparisons of our clock with the gateway's: a page that is just starting answers late. */
const firstClockInterval = 2000;
const clockInterval = 60_000;

/** Without this a picture counts as shown once it was decoded. */
function tellsFrames(): boolean {
  return "requestVideoFrameCallback" in HTMLVideoElement.prototype;
}

export class PlaybackQuality {
  private readonly choice = new Quality();
  private readonly wishes = new WishTeller();
  private session = "";
  private told: LayerState | undefined;
  private glass = new GlassToGlass();
  private reporter: PlaybackReporter | undefined;
  private clock = new ClockOffset();
  private clockDueAt = Number.NEGATIVE_INFINITY;
  private clockPause = firstClockInterval;
  private held = false;

  /** Seconds that the picture is behind the camera; undefined while unknown. Changes with each report. */
  delay: number | undefined;

  constructor(
    private readonly events: () => LiveEvents | undefined,
    /** Height of the picture on the screen, in device pixels. */
    private readonly pictureHeight: () => number,
    private readonly onChange: () => void,
  ) {}

  /** What there is to choose from; undefined when there is no choice. */
  get view(): QualityView | undefined {
    return this.choice.view(performance.now() / 1000);
  }

  /** Rid of the layer that plays; empty while unknown, and without simulcast. */
  get layer(): string {
    return this.told?.sessionId === this.session ? (this.told.rid ?? "") : "";
  }

  /** Plays the layer with this rid, or with "auto" what fits; in this session and all that follow. */
  choose(rid: string): void {
    this.choice.choose(rid);
    this.tellWish();
    this.onChange();
  }

  /** The gateway listens, perhaps another one than before. */
  connected(): void {
    this.wishes.forget();
    this.clock = new ClockOffset();
    this.clockDueAt = Number.NEGATIVE_INFINITY;
    this.clockPause = firstClockInterval;
  }

  /** The watched camera is broadcast in these layers. */
  offer(layers: readonly Layer[]): void {
    this.choice.offer(layers);
    this.tellWish();
  }

  /** May come before the answer to the question for its session. */
  layerChanged(state: LayerState): void {
    this.told = state;
    if (state.sessionId !== this.session) return;
    this.choice.plays(playedLayer(state));
    this.onChange();
  }

  /** A session is asked for. */
  opening(): void {
    this.reporter = new PlaybackReporter(performance.now() / 1000);
    this.glass = new GlassToGlass();
  }

  opened(session: string): void {
    this.session = session;
    if (this.told?.sessionId === session) this.choice.plays(playedLayer(this.told));
    this.tellWish();
  }

  closed(): void {
    this.session = "";
    this.choice.plays(undefined);
    this.delay = undefined;
  }

  /** The viewer tapped on a picture that the browser did not start by itself. */
  tapped(): void {
    this.reporter?.tapped(performance.now() / 1000);
  }

  shown({ captureTime, expectedDisplayTime }: ShownFrame): void {
    this.reporter?.shown(performance.now() / 1000);
    this.glass.frame(captureTime, expectedDisplayTime);
  }

  /** A reading of the open session's statistics, and what it says about the picture. */
  observe(stats: PlaybackStats, flow: Flow): void {
    const now = performance.now();
    const { offset } = this.clock;
    if (flow === "flowing") this.glass.playout(now, stats.playout, offset === undefined ? undefined : now + offset);
    this.tellWish();
    this.compareClocks(now);
    this.report(now, stats, flow);
    const held = this.view?.held ?? false;
    if (held !== this.held) this.onChange();
    this.held = held;
  }

  private tellWish(): void {
    const events = this.events();
    if (!events?.connected) return;
    const wish = this.wishes.update(this.session, this.choice.wish, this.pictureHeight());
    if (wish) events.selectLayer(this.session, wish);
  }

  private compareClocks(now: number): void {
    const events = this.events();
    if (!events?.connected || now < this.clockDueAt) return;
    this.clockDueAt = now + this.clockPause;
    this.clockPause = Math.min(2 * this.clockPause, clockInterval);
    void readOffset(this.clock, () => events.readClock(), () => performance.now());
  }

  private report(now: number, stats: PlaybackStats, flow: Flow): void {
    const events = this.events();
    if (!events?.connected || flow === "pending") return;
    if (flow === "flowing" && !tellsFrames()) this.reporter?.shown(now / 1000);
    const stalled = flow === "stalled";
    const delay = this.glass.delay(now);
    const report = this.reporter?.due(now / 1000, stats, stalled, stalled ? undefined : delay);
    if (!report) return;
    events.reportPlayback(this.session, report);
    this.delay = delay;
    this.onChange();
  }
}

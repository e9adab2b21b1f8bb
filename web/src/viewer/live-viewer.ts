/** Carries out what `state.ts` commands: questions to the server, WHEP sessions, timers. Draws nothing. */

import { liveUrls, type LiveUrls, type TokenPayload, validateToken } from "../api/auth";
import { backoff } from "../api/backoff";
import type { StreamState } from "../api/event-types";
import { LiveEvents } from "../api/events";
import { type Caller, reachable } from "../api/http";
import { watch, type WatchingSession } from "../api/live-session";
import { PathKeeper } from "../api/path-keeper";
import { ApiError } from "../api/problem";
import { watchNetwork } from "../browser/network";
import type { TokenStore } from "../browser/token-store";
import { spareLines } from "./cameras";
import { FrameWatch } from "./frame-watch";
import { connectedWithin, Participation } from "./participation";
import { PlaybackQuality, type ShownFrame } from "./playback-quality";
import { noStats, type PlaybackStats, playbackStats } from "./playback-stats";
import { type Command, initialState, reduce, type View, type ViewerEvent, type ViewerState, viewOf } from "./state";
import { Statistics } from "./statistics";
import { TokenRenewal } from "./token-renewal";

export interface ViewerOptions {
  readonly tokens: TokenStore;
  /** The camera to watch; undefined for the order's main one. */
  readonly camera: string | undefined;
  readonly language: () => string;
  readonly onChange: () => void;
  /** Shows this stream from now on. */
  readonly onStream: (stream: MediaStream) => void;
  /** Keeps the picture that is on the screen; the stream behind it is about to end. */
  readonly onFreeze: () => void;
  /** New pictures arrive: whatever was kept may go. */
  readonly onMoving: () => void;
  /** Heights of the picture on the screen, and of the one beside it, in device pixels. */
  readonly pictureHeight: () => number;
  readonly pinnedHeight: () => number;
}

const pollInterval = 200;
/** Seconds without a packet after which the gateway is asked whether it can be reached. */
const silence = 0.5;
/** Seconds that a picture stands still before the page says so, though nothing else seems wrong. */
const stillAfter = 2;
/** Seconds for which a path without pictures that carries all else keeps its session: the technician's is broken. */
const absentFor = 20;
/** Seconds of play before a session may give way to one with more lines: a technician starts cameras one by one. */
const settled = 2;
/** Seconds of play after which earlier failures are forgotten. */
const steadyAfter = 10;
/** Seconds in which pictures that were still on their way do not mean that the technician is back. */
const tailAfterStop = 0.7;
/** Seconds after which TURN credentials are asked for anew before a connection. */
const urlsFreshFor = 1800;
/** Milliseconds that a session waits for Socket.IO, without which nobody can speak in it. */
const patience = 500;

function seconds(): number {
  return performance.now() / 1000;
}

export class LiveViewer {
  private current: ViewerState = initialState;
  private payload: TokenPayload | undefined;
  private urls: LiveUrls | undefined;
  private urlsAt = 0;
  private events: LiveEvents | undefined;
  private session: WatchingSession | undefined;
  private path: PathKeeper | undefined;
  private opening: AbortController | undefined;
  private watch = new FrameWatch(seconds());
  private flowingSince: number | undefined;
  private ignoreFramesUntil = 0;
  private retryTimer: number | undefined;
  private pollTimer: number | undefined;
  private readonly listening = new AbortController();
  readonly quality: PlaybackQuality;
  readonly part: Participation;
  readonly statistics: Statistics;
  private readonly renewal = new TokenRenewal({
    caller: () => this.caller(),
    onToken: (token) => this.options.tokens.write(token),
    onRefused: (sentence) => this.dispatch({ type: "token-refused", sentence }),
  });

  viewers: number | undefined;
  /** Unix milliseconds since when the technician is on the air. */
  liveSince: number | undefined;
  latest: PlaybackStats = noStats;

  constructor(private readonly options: ViewerOptions) {
    this.quality = new PlaybackQuality(() => this.events, options.pictureHeight, options.onChange);
    this.part = new Participation(options.camera ?? "main", options.onChange, () => this.cameraChanged());
    this.statistics = new Statistics(options.onChange);
  }

  get state(): ViewerState {
    return this.current;
  }

  get view(): View {
    return viewOf(this.current);
  }

  get peer(): RTCPeerConnection | undefined {
    return this.session?.peer;
  }

  get sessionUrl(): string | undefined {
    return this.session?.resource;
  }

  get sessionId(): string {
    return this.session?.sessionId ?? "";
  }

  start(): void {
    const { signal } = this.listening;
    watchNetwork({ changed: () => this.networkChanged(), perhapsChanged: () => this.path?.networkSeemsChanged() }, signal);
    document.addEventListener("visibilitychange", () => this.visibilityChanged(), { signal });
    window.addEventListener("pagehide", () => this.release(), { signal });
    window.addEventListener("pageshow", (event) => event.persisted && this.restart(), { signal });
    this.pollTimer = window.setInterval(() => void this.poll(), pollInterval);
    this.restart();
  }

  /** Begins anew, as if the page had just been opened. */
  restart(): void {
    const webrtc = typeof RTCPeerConnection === "function";
    this.dispatch({ type: "start", token: this.options.tokens.read() !== undefined, webrtc });
  }

  close(): void {
    this.listening.abort();
    window.clearInterval(this.pollTimer);
    this.renewal.close();
    this.release();
    this.part.close();
    this.events?.close();
  }

  /** The video element shows a picture; quicker than asking for statistics. */
  frameShown(frame: ShownFrame): void {
    if (!this.session) return;
    this.quality.shown(frame);
    if (!this.current.flowing && seconds() >= this.ignoreFramesUntil) this.moving();
  }

  async stats(): Promise<PlaybackStats> {
    const peer = this.session?.peer;
    return peer ? playbackStats(await peer.getStats()) : noStats;
  }

  private dispatch(event: ViewerEvent): void {
    const before = this.current;
    const { state, commands } = reduce(before, event);
    this.current = state;
    if (before.flowing && !state.flowing) {
      this.flowingSince = undefined;
      this.options.onFreeze();
    }
    for (const command of commands) this.carryOut(command);
    if (state !== before) this.options.onChange();
  }

  private carryOut(command: Command): void {
    switch (command.type) {
      case "ask":
        void this.ask();
        break;
      case "open":
        void this.open();
        break;
      case "close":
        this.release();
        break;
      case "retry":
        window.clearTimeout(this.retryTimer);
        this.retryTimer = window.setTimeout(
          () => this.dispatch({ type: "retry-due" }),
          backoff(command.failures, command.atLeast) * 1000,
        );
        break;
    }
  }

  private caller(): Caller {
    return { token: this.options.tokens.read(), language: this.options.language() };
  }

  private async ask(): Promise<void> {
    // Connects while the questions are on their way, so that the first session can be asked for there.
    this.listen();
    try {
      this.payload = await validateToken(this.caller());
      this.urls = await liveUrls(this.payload.orderId, this.caller());
      this.urlsAt = seconds();
    } catch (error) {
      const { status, sentence, retryAfter } = ApiError.from(error);
      this.events?.close();
      this.dispatch({ type: "refused", status, sentence, retryAfter });
      return;
    }
    this.renewal.plan(this.payload.expiresAt);
    this.part.allow(this.payload.scopes);
    this.dispatch({ type: "granted", live: this.urls.live });
  }

  private listen(): void {
    this.events?.close();
    this.events = new LiveEvents(
      () => this.options.tokens.read() ?? "",
      {
        onConnection: (up) => {
          if (up) this.quality.connected();
          this.part.connection(up);
          this.dispatch({ type: "events", up });
        },
        onStreamState: (state) => this.streamChanged(state),
        onViewers: (count) => {
          this.viewers = count;
          this.options.onChange();
        },
        onSessionClosed: ({ sessionId, reason }) => {
          if (sessionId === "" || sessionId === this.session?.sessionId) this.dispatch({ type: "closed-by-server", reason });
        },
        onDraining: (retryAfter) => this.dispatch({ type: "draining", retryAfter }),
        onLayerState: (state) => this.quality.layerChanged(state),
      },
      this.options.camera,
    );
    this.part.listen(this.events);
  }

  private streamChanged(state: StreamState): void {
    const { payload } = this;
    if (payload && state.orderId !== "" && state.orderId !== payload.orderId) return;
    this.part.cameras.know(state.cameras);
    this.part.pursue();
    this.cameraChanged();
  }

  private cameraChanged(): void {
    if (!this.part.cameras.known) return;
    const camera = this.part.cameras.main;
    const live = camera?.live ?? false;
    this.quality.offer(camera?.layers ?? []);
    if (typeof camera?.since === "number") this.liveSince = camera.since * 1000;
    if (!live && this.current.flowing) this.ignoreFramesUntil = seconds() + tailAfterStop;
    if (live && this.current.live === false) this.watch = new FrameWatch(seconds());
    this.dispatch({ type: "stream", live });
    this.options.onChange();
  }

  private async refreshUrls(): Promise<void> {
    if (!this.payload || seconds() - this.urlsAt < urlsFreshFor) return;
    this.urlsAt = seconds();
    const fresh = await liveUrls(this.payload.orderId, this.caller()).catch(() => undefined);
    this.urls = fresh ?? this.urls;
  }

  private whepUrl(urls: LiveUrls): string {
    const order = this.payload?.orderId ?? "";
    const camera = this.part.cameras.first;
    const path = camera ? `/whep/${encodeURIComponent(order)}/${encodeURIComponent(camera)}` : urls.whepUrl;
    return reachable(path, location.href);
  }

  private async open(): Promise<void> {
    this.release();
    const opening = new AbortController();
    const superseded = () => opening.signal.aborted;
    this.opening = opening;
    await Promise.all([this.refreshUrls(), connectedWithin(this.events, patience)]);
    if (!this.urls || superseded()) return;
    const stream = new MediaStream();
    this.quality.opening();
    this.part.opening();
    try {
      const session = await watch({
        events: this.events,
        camera: this.part.cameras.first,
        thumbnails: spareLines,
        talk: this.part.mayTalk,
        url: this.whepUrl(this.urls),
        iceServers: this.urls.iceServers,
        caller: this.caller(),
        signal: opening.signal,
        onTrack: (track, mid) => {
          if (superseded()) return;
          if (mid === undefined) {
            stream.addTrack(track);
            this.options.onStream(stream);
          } else this.part.thumbnail(mid, track);
        },
      });
      if (superseded()) {
        session.close(this.caller());
        return;
      }
      this.session = session;
      this.keepPath(session);
      this.quality.opened(session.sessionId);
      this.part.opened(session);
      this.watch = new FrameWatch(seconds());
      this.ignoreFramesUntil = 0;
      this.dispatch({ type: "opened" });
    } catch (error) {
      if (superseded()) return;
      const { status, sentence, retryAfter } = ApiError.from(error);
      this.dispatch({ type: "rejected", status, sentence, retryAfter });
    }
  }

  /** Ends what there is: a session, an attempt, a planned retry. */
  private release(): void {
    window.clearTimeout(this.retryTimer);
    this.opening?.abort();
    this.opening = undefined;
    this.path?.close();
    this.path = undefined;
    this.session?.close(this.caller());
    this.session = undefined;
    this.quality.closed();
    this.part.closed();
  }

  private keepPath(session: WatchingSession): void {
    this.path = new PathKeeper(session, {
      caller: () => this.caller(),
      silence,
      reachable: () => this.events?.answers() ?? Promise.resolve(false),
      onBroken: () => {
        this.events?.renew();
        this.dispatch({ type: "still" });
      },
      onMended: () => this.watch.grant(seconds(), 3),
      onLost: () => this.dispatch({ type: "unmendable" }),
    });
  }

  private networkChanged(): void {
    this.events?.wake();
    this.path?.networkChanged();
    this.dispatch({ type: "network" });
  }

  private visibilityChanged(): void {
    if (document.visibilityState !== "visible") return;
    this.events?.wake();
    this.watch.grant(seconds(), 3);
    this.dispatch({ type: "network" });
  }

  private moving(): void {
    this.flowingSince ??= seconds();
    this.liveSince ??= Date.now();
    this.options.onMoving();
    this.dispatch({ type: "frames" });
  }

  private async poll(): Promise<void> {
    const { session } = this;
    if (!session || document.visibilityState !== "visible") return;
    const report = await session.peer.getStats();
    if (session !== this.session) return;
    const stats = playbackStats(report);
    this.latest = stats;
    const now = seconds();
    this.path?.observe(report, this.current.live !== false);
    this.part.observe(report, this.options.pinnedHeight());
    this.statistics.observe(report, now);
    const flow = this.watch.observe(stats, now);
    // A technician who is away is no stall.
    this.quality.observe(stats, this.current.live === false ? "pending" : flow);
    if (flow === "flowing") {
      if (now >= this.ignoreFramesUntil) this.played(now);
    } else if (flow === "stalled" && !this.excused(stats, now)) this.dispatch({ type: "stalled" });
    else if (this.current.flowing && this.watch.standing(now) >= stillAfter) this.dispatch({ type: "still" });
  }

  private played(now: number): void {
    if (!this.current.flowing) this.moving();
    const playedFor = now - (this.flowingSince ?? now);
    if (this.current.failures > 0 && playedFor > steadyAfter) this.dispatch({ type: "steady" });
    if (playedFor > settled && this.part.lacking) this.dispatch({ type: "outgrown" });
  }

  /** Whether a session that played stands still for something that another session would not bring back either. */
  private excused(stats: PlaybackStats, now: number): boolean {
    if (!this.path || stats.frames === 0) return false;
    return this.path.mending || (this.path.alive && this.watch.starved(now) && this.watch.standing(now) < absentFor);
  }
}

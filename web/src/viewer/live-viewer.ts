/** Carries out what `state.ts` commands: questions to the server, WHEP sessions, timers. Draws nothing. */

import { liveUrls, type LiveUrls, renewalDelay, renewToken, type TokenPayload, validateToken } from "../api/auth";
import { backoff } from "../api/backoff";
import { LiveEvents, type StreamState } from "../api/events";
import { type Caller, reachable } from "../api/http";
import { ApiError } from "../api/problem";
import { WhepSession } from "../api/whep";
import type { TokenStore } from "../browser/token-store";
import { FrameWatch } from "./frame-watch";
import { PlaybackQuality, type ShownFrame } from "./playback-quality";
import { noStats, type PlaybackStats, playbackStats } from "./playback-stats";
import { type Command, initialState, reduce, type View, type ViewerEvent, type ViewerState, viewOf } from "./state";

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
  /** Height of the picture on the screen, in device pixels. */
  readonly pictureHeight: () => number;
}

const pollInterval = 400;
/** Milliseconds in which a disconnected transport may recover by itself. */
const iceGrace = 2000;
/** Seconds of play after which earlier failures are forgotten. */
const steadyAfter = 10;
/** Seconds in which pictures that were still on their way do not mean that the technician is back. */
const tailAfterStop = 0.7;
/** Seconds after which TURN credentials are asked for anew before a connection. */
const urlsFreshFor = 1800;

function seconds(): number {
  return performance.now() / 1000;
}

export class LiveViewer {
  private current: ViewerState = initialState;
  private payload: TokenPayload | undefined;
  private urls: LiveUrls | undefined;
  private urlsAt = 0;
  private events: LiveEvents | undefined;
  private session: WhepSession | undefined;
  private opening: AbortController | undefined;
  private watch = new FrameWatch(seconds());
  private flowingSince: number | undefined;
  private ignoreFramesUntil = 0;
  private retryTimer: number | undefined;
  private iceTimer: number | undefined;
  private renewTimer: number | undefined;
  private pollTimer: number | undefined;
  private readonly listening = new AbortController();
  readonly quality: PlaybackQuality;

  viewers: number | undefined;
  /** Unix milliseconds since when the technician is on the air. */
  liveSince: number | undefined;
  latest: PlaybackStats = noStats;

  constructor(private readonly options: ViewerOptions) {
    this.quality = new PlaybackQuality(() => this.events, options.pictureHeight, options.onChange);
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

  start(): void {
    const { signal } = this.listening;
    window.addEventListener("online", () => this.networkChanged(), { signal });
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
    window.clearTimeout(this.renewTimer);
    this.release();
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
    try {
      this.payload = await validateToken(this.caller());
      this.urls = await liveUrls(this.payload.orderId, this.caller());
      this.urlsAt = seconds();
    } catch (error) {
      const { status, sentence, retryAfter } = ApiError.from(error);
      this.dispatch({ type: "refused", status, sentence, retryAfter });
      return;
    }
    this.planRenewal(this.payload.expiresAt);
    this.dispatch({ type: "granted", live: this.urls.live });
    this.listen();
  }

  private listen(): void {
    this.events?.close();
    this.events = new LiveEvents(
      () => this.options.tokens.read() ?? "",
      {
        onConnection: (up) => {
          if (up) this.quality.connected();
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
  }

  private streamChanged(state: StreamState): void {
    if (state.orderId !== "" && state.orderId !== this.payload?.orderId) return;
    const wanted = this.options.camera ?? "main";
    const camera = state.cameras.find(({ name }) => name === wanted);
    const live = camera?.live ?? false;
    this.quality.offer(camera?.layers ?? []);
    if (camera?.since !== undefined) this.liveSince = camera.since;
    if (!live && this.current.flowing) this.ignoreFramesUntil = seconds() + tailAfterStop;
    if (live && this.current.live === false) this.watch = new FrameWatch(seconds());
    this.dispatch({ type: "stream", live });
  }

  private async refreshUrls(): Promise<void> {
    if (!this.payload || seconds() - this.urlsAt < urlsFreshFor) return;
    this.urlsAt = seconds();
    const fresh = await liveUrls(this.payload.orderId, this.caller()).catch(() => undefined);
    this.urls = fresh ?? this.urls;
  }

  private whepUrl(urls: LiveUrls): string {
    const order = this.payload?.orderId ?? "";
    const { camera } = this.options;
    const path = camera ? `/whep/${encodeURIComponent(order)}/${encodeURIComponent(camera)}` : urls.whepUrl;
    return reachable(path, location.href);
  }

  private async open(): Promise<void> {
    this.release();
    const opening = new AbortController();
    const superseded = () => opening.signal.aborted;
    this.opening = opening;
    await this.refreshUrls();
    if (!this.urls || superseded()) return;
    const stream = new MediaStream();
    this.quality.opening();
    try {
      const session = await WhepSession.open({
        url: this.whepUrl(this.urls),
        iceServers: this.urls.iceServers,
        caller: this.caller(),
        signal: opening.signal,
        onTrack: (track) => {
          stream.addTrack(track);
          if (!superseded()) this.options.onStream(stream);
        },
        onIceState: (state) => !superseded() && this.iceChanged(state),
      });
      if (superseded()) {
        session.close(this.caller());
        return;
      }
      this.session = session;
      this.quality.opened(session.sessionId);
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
    window.clearTimeout(this.iceTimer);
    this.opening?.abort();
    this.opening = undefined;
    this.session?.close(this.caller());
    this.session = undefined;
    this.quality.closed();
  }

  private iceChanged(state: RTCIceConnectionState): void {
    window.clearTimeout(this.iceTimer);
    if (state === "failed" || state === "closed") this.dispatch({ type: "lost" });
    if (state === "disconnected") {
      this.iceTimer = window.setTimeout(() => this.dispatch({ type: "lost" }), iceGrace);
    }
  }

  private networkChanged(): void {
    this.events?.wake();
    // A stream that survived the change proves it within this time.
    this.watch.grant(seconds(), 1.5);
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
    const stats = playbackStats(await session.peer.getStats());
    if (session !== this.session) return;
    this.latest = stats;
    const now = seconds();
    const flow = this.watch.observe(stats, now);
    // A technician who is away is no stall.
    this.quality.observe(stats, this.current.live === false ? "pending" : flow);
    if (flow === "stalled") this.dispatch({ type: "stalled" });
    if (flow !== "flowing" || now < this.ignoreFramesUntil) return;
    if (!this.current.flowing) this.moving();
    const playedFor = now - (this.flowingSince ?? now);
    if (this.current.failures > 0 && playedFor > steadyAfter) this.dispatch({ type: "steady" });
  }

  private planRenewal(expiresAt: number | undefined): void {
    window.clearTimeout(this.renewTimer);
    if (expiresAt === undefined) return;
    this.renewTimer = window.setTimeout(() => void this.renew(expiresAt), renewalDelay(expiresAt, Date.now()));
  }

  private async renew(expiresAt: number): Promise<void> {
    try {
      const renewed = await renewToken(this.caller());
      this.options.tokens.write(renewed.token);
      // An access that cannot be prolonged gives the same end again: then there is nothing more to ask for.
      if (renewed.expiresAt !== undefined && renewed.expiresAt > expiresAt) this.planRenewal(renewed.expiresAt);
    } catch (error) {
      const { status, sentence } = ApiError.from(error);
      const over = Date.now() >= expiresAt;
      if (over && (status === 401 || status === 403)) this.dispatch({ type: "token-refused", sentence });
      else if (!over) this.renewTimer = window.setTimeout(() => void this.renew(expiresAt), 15_000);
    }
  }
}

/** What the gateway tells by itself: Socket.IO, namespace `/live`. The pages work without it, only slower. */

import { io, type Socket } from "socket.io-client";
import { acknowledged } from "./acknowledged";
import {
  answered,
  type ClientEvents,
  type Layer,
  type LayerSelect,
  type LayerState,
  type PlaybackReport as SessionReport,
  type ServerEvents,
  type SessionClosed,
  type StreamState,
  type TalkPolicy,
  told,
  type UplinkState,
} from "./event-types";
import { ApiError } from "./problem";
import { fitting } from "./reading";

/** How customers get to speak. */
export type TalkMode = TalkPolicy["mode"];

/** What a viewer would like to see: a layer by its rid, or "auto" up to a height in pixels. */
export type LayerWish = Omit<LayerSelect, "sessionId" | "mid">;

/** How well a session plays; times in seconds. What is not known is left out. */
export type PlaybackReport = Omit<SessionReport, "sessionId">;

/** The layer that a session plays; undefined while it plays none. */
export function playedLayer({ rid, width, height, fps, bitrate }: LayerState): Layer | undefined {
  if (rid === null) return undefined;
  return { rid, width: width ?? 0, height: height ?? 0, fps: fps ?? 0, bitrate: bitrate ?? 0, live: true };
}

export interface LiveEventHandlers {
  readonly onConnection: (up: boolean) => void;
  readonly onStreamState?: (state: StreamState) => void;
  readonly onViewers?: (count: number) => void;
  readonly onSessionClosed: (closed: SessionClosed) => void;
  /** Seconds after which to come back. */
  readonly onDraining: (retryAfter: number) => void;
  readonly onLayerState?: (state: LayerState) => void;
  readonly onUplinkState?: (state: UplinkState) => void;
}

/** Milliseconds. */
const answerWithin = 300;

/** Socket.IO's word for a connection that the gateway ended, as it does with a token; only others come back by themselves. */
const hungUp = "io server disconnect";

export class LiveEvents {
  private readonly socket: Socket;
  private used = "";

  /** @param token read at every (re)connection, so that a renewed token is used. */
  constructor(
    private readonly token: () => string,
    handlers: LiveEventHandlers,
    camera?: string,
  ) {
    this.socket = io("/live", {
      auth: (give) => give({ token: (this.used = token()) }),
      transports: ["websocket", "polling"],
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
    });
    this.socket.on("connect", () => {
      handlers.onConnection(true);
      this.socket.emit("watch", camera === undefined ? {} : { camera }, () => undefined);
    });
    this.socket.on("disconnect", (reason) => {
      handlers.onConnection(false);
      if (reason === hungUp && token() !== this.used) this.wake();
    });
    this.listen(handlers);
  }

  /** Says what the viewer would like to see; the gateway sends it as far as it has it and the link carries it. */
  selectLayer(sessionId: string, wish: LayerWish): void {
    void this.ask("layer:select", { sessionId, ...wish }).catch(() => undefined);
  }

  reportPlayback(sessionId: string, report: PlaybackReport): void {
    void this.ask("playback:report", { sessionId, ...report }).catch(() => undefined);
  }

  /** The gateway's clock, Unix milliseconds; undefined when it does not tell within two seconds. */
  readClock(): Promise<number | undefined> {
    return this.ask("clock:read", {}, 2000).then(
      ({ now }) => now,
      () => undefined,
    );
  }

  get connected(): boolean {
    return this.socket.connected;
  }

  /** Whether the gateway answers soon, over the connection that there is. */
  async answers(): Promise<boolean> {
    const { connected, id } = this.socket;
    if (!connected) return false;
    const question = this.socket.timeout(answerWithin).emitWithAck("clock:read", {});
    return question.then(
      () => this.socket.id === id,
      () => false,
    );
  }

  /** Connects anew: over a network that is gone nothing comes, but browsers notice only after many seconds. */
  renew(): void {
    this.socket.disconnect().connect();
  }

  /** Hears an event, with whatever fits its type. */
  on<Event extends keyof ServerEvents>(event: Event, handler: (value: ServerEvents[Event]) => void): void {
    const listener = (value: unknown) => {
      const fit = fitting(told[event], value);
      if (fit !== undefined) handler(fit);
    };
    this.socket.on<string>(event, listener);
  }

  /** Calls back at each connection. */
  onConnect(handler: () => void): void {
    this.socket.on("connect", handler);
  }

  /** @throws Refusal; ApiError with status 0 while there is no connection, or when no answer comes that fits. */
  async ask<Event extends keyof ClientEvents>(
    event: Event,
    data: ClientEvents[Event]["data"],
    within = 5000,
  ): Promise<ClientEvents[Event]["answer"]> {
    if (!this.socket.connected) throw new ApiError(0, "");
    const answer: unknown = await this.socket.timeout(within).emitWithAck(event, data).catch(() => undefined);
    const fit = fitting(answered[event], acknowledged(answer));
    if (fit === undefined) throw new ApiError(0, "");
    return fit;
  }

  /** Tries again at once, after the network came back. */
  wake(): void {
    if (!this.socket.connected) this.socket.connect();
  }

  close(): void {
    this.socket.removeAllListeners();
    this.socket.disconnect();
  }

  private listen(handlers: LiveEventHandlers): void {
    this.on("session:closed", (closed) => {
      // With another token the connection comes back.
      if (closed.sessionId !== "" || this.token() === this.used) handlers.onSessionClosed(closed);
    });
    this.on("server:draining", ({ retryAfter }) => handlers.onDraining(retryAfter));
    this.on("stream:state", (state) => handlers.onStreamState?.(state));
    this.on("viewers", ({ count }) => handlers.onViewers?.(count));
    this.on("layer:state", (state) => handlers.onLayerState?.(state));
    this.on("uplink:state", (state) => handlers.onUplinkState?.(state));
  }
}

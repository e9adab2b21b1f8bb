/** What the gateway tells by itself: Socket.IO, namespace `/live`. The pages work without it, only slower. */

import { io, type Socket } from "socket.io-client";
import { acknowledged } from "./acknowledged";
import { parseInstant } from "./auth";
import { isObject, type JsonObject } from "./http";
import { ApiError } from "./problem";

/** One size in which a camera is broadcast. */
export interface Layer {
  readonly rid: string;
  /** Pixels; 0 while unknown. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Bits per second. */
  readonly bitrate: number;
  readonly live: boolean;
}

export interface Camera {
  readonly name: string;
  readonly live: boolean;
  /** Unix milliseconds since when it is live. */
  readonly since: number | undefined;
  readonly layers: readonly Layer[];
}

export interface StreamState {
  readonly orderId: string;
  readonly cameras: readonly Camera[];
}

export interface SessionClosed {
  /** Empty when the token itself has ended. */
  readonly sessionId: string;
  readonly reason: string;
}

/** What a viewer's session plays and what was asked for. */
export interface LayerState {
  readonly sessionId: string;
  /** Undefined while nothing plays. */
  readonly playing: Layer | undefined;
  /** A layer's rid, or "auto". */
  readonly wanted: string;
}

/** What arrives at the gateway from a publisher's session. */
export interface UplinkState {
  readonly sessionId: string;
  /** Bits per second of all layers and the sound. */
  readonly bitrate: number;
  /** Share of packets lost on the way, 0 to 1. */
  readonly loss: number;
}

/** What a viewer would like to see: a layer by its rid, or "auto" up to a height in pixels. */
export interface LayerWish {
  readonly rid: string;
  readonly maxHeight?: number;
}

/** How well a session plays; times in seconds. What is not known is left out. */
export interface PlaybackReport {
  readonly glassToGlass?: number;
  readonly firstFrame?: number;
  /** Since the session began. */
  readonly freezes?: number;
  readonly frozen?: number;
  readonly stalled?: boolean;
}

export interface LiveEventHandlers {
  readonly onConnection: (up: boolean) => void;
  readonly onStreamState: (state: StreamState) => void;
  readonly onViewers: (count: number) => void;
  readonly onSessionClosed: (closed: SessionClosed) => void;
  /** Seconds after which to come back. */
  readonly onDraining: (retryAfter: number) => void;
  readonly onLayerState?: (state: LayerState) => void;
  readonly onUplinkState?: (state: UplinkState) => void;
}

/** 0 for what is no finite number of at least 0. */
function amount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

function parseLayer(value: unknown): Layer | undefined {
  if (!isObject(value) || typeof value.rid !== "string") return undefined;
  const { rid, width, height, fps, bitrate, live } = value;
  const [pixelsWide, pixelsHigh] = [amount(width), amount(height)];
  return { rid, width: pixelsWide, height: pixelsHigh, fps: amount(fps), bitrate: amount(bitrate), live: live === true };
}

function parseLayers(value: unknown): Layer[] {
  return Array.isArray(value) ? value.map(parseLayer).filter((layer) => layer !== undefined) : [];
}

function parseCamera(value: unknown): Camera | undefined {
  if (!isObject(value) || typeof value.name !== "string") return undefined;
  const { name, live, since, layers } = value;
  return { name, live: live === true, since: parseInstant(since), layers: parseLayers(layers) };
}

export function parseStreamState(value: unknown): StreamState | undefined {
  if (!isObject(value) || !Array.isArray(value.cameras)) return undefined;
  const cameras = value.cameras.map(parseCamera).filter((camera) => camera !== undefined);
  return { orderId: typeof value.orderId === "string" ? value.orderId : "", cameras };
}

export function parseViewers(value: unknown): number | undefined {
  const count = isObject(value) ? value.count : undefined;
  return typeof count === "number" && Number.isInteger(count) && count >= 0 ? count : undefined;
}

export function parseSessionClosed(value: unknown): SessionClosed | undefined {
  if (!isObject(value) || typeof value.sessionId !== "string") return undefined;
  return { sessionId: value.sessionId, reason: typeof value.reason === "string" ? value.reason : "" };
}

export function parseDraining(value: unknown): number {
  const seconds = isObject(value) ? value.retryAfter : undefined;
  return typeof seconds === "number" && seconds >= 0 ? seconds : 1;
}

export function parseLayerState(value: unknown): LayerState | undefined {
  if (!isObject(value) || typeof value.sessionId !== "string") return undefined;
  const { sessionId, wanted } = value;
  return { sessionId, playing: parseLayer({ ...value, live: true }), wanted: typeof wanted === "string" ? wanted : "auto" };
}

export function parseUplinkState(value: unknown): UplinkState | undefined {
  if (!isObject(value) || typeof value.sessionId !== "string" || typeof value.bitrate !== "number") return undefined;
  return { sessionId: value.sessionId, bitrate: amount(value.bitrate), loss: Math.min(1, amount(value.loss)) };
}

/** Unix milliseconds from the answer to `clock:read`. */
export function parseClock(value: unknown): number | undefined {
  const now = isObject(value) ? value.now : undefined;
  return typeof now === "number" && Number.isFinite(now) ? now : undefined;
}

/** Milliseconds. */
const answerWithin = 300;

function listen(socket: Socket, handlers: LiveEventHandlers): void {
  socket.on("disconnect", () => handlers.onConnection(false));
  socket.on("stream:state", (value: unknown) => {
    const state = parseStreamState(value);
    if (state) handlers.onStreamState(state);
  });
  socket.on("viewers", (value: unknown) => {
    const count = parseViewers(value);
    if (count !== undefined) handlers.onViewers(count);
  });
  socket.on("session:closed", (value: unknown) => {
    const closed = parseSessionClosed(value);
    if (closed) handlers.onSessionClosed(closed);
  });
  socket.on("server:draining", (value: unknown) => handlers.onDraining(parseDraining(value)));
  socket.on("layer:state", (value: unknown) => {
    const state = parseLayerState(value);
    if (state) handlers.onLayerState?.(state);
  });
  socket.on("uplink:state", (value: unknown) => {
    const state = parseUplinkState(value);
    if (state) handlers.onUplinkState?.(state);
  });
}

export class LiveEvents {
  private readonly socket: Socket;

  /** @param token read at every (re)connection, so that a renewed token is used. */
  constructor(token: () => string, handlers: LiveEventHandlers, camera?: string) {
    this.socket = io("/live", {
      auth: (give) => give({ token: token() }),
      transports: ["websocket", "polling"],
      reconnectionDelay: 500,
      reconnectionDelayMax: 10_000,
    });
    this.socket.on("connect", () => {
      handlers.onConnection(true);
      this.socket.emit("watch", camera === undefined ? {} : { camera }, () => undefined);
    });
    listen(this.socket, handlers);
  }

  /** Says what the viewer would like to see; the gateway sends it as far as it has it and the link carries it. */
  selectLayer(sessionId: string, wish: LayerWish): void {
    this.socket.emit("layer:select", { sessionId, ...wish }, () => undefined);
  }

  reportPlayback(sessionId: string, report: PlaybackReport): void {
    this.socket.emit("playback:report", { sessionId, ...report }, () => undefined);
  }

  /** The gateway's clock, Unix milliseconds; undefined when it does not tell within two seconds. */
  async readClock(): Promise<number | undefined> {
    const answer: unknown = await this.socket.timeout(2000).emitWithAck("clock:read", {}).catch(() => undefined);
    return parseClock(answer);
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

  /** Hears an event that has no handler of its own. */
  on(event: string, handler: (value: unknown) => void): void {
    this.socket.on(event, handler);
  }

  /** @throws Refusal; ApiError with status 0 while there is no connection, or when no answer comes. */
  async ask(event: string, payload: JsonObject = {}, within = 5000): Promise<JsonObject> {
    if (!this.socket.connected) throw new ApiError(0, "");
    const answer: unknown = await this.socket.timeout(within).emitWithAck(event, payload).catch(() => undefined);
    return acknowledged(answer);
  }

  /** Tries again at once, after the network came back. */
  wake(): void {
    if (!this.socket.connected) this.socket.connect();
  }

  close(): void {
    this.socket.removeAllListeners();
    this.socket.disconnect();
  }
}

/** What the gateway tells by itself: Socket.IO, namespace `/live`. The pages work without it, only slower. */

import { io, type Socket } from "socket.io-client";
import { parseInstant } from "./auth";
import { isObject } from "./http";

export interface Camera {
  readonly name: string;
  readonly live: boolean;
  /** Unix milliseconds since when it is live. */
  readonly since: number | undefined;
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

export interface LiveEventHandlers {
  readonly onConnection: (up: boolean) => void;
  readonly onStreamState: (state: StreamState) => void;
  readonly onViewers: (count: number) => void;
  readonly onSessionClosed: (closed: SessionClosed) => void;
  /** Seconds after which to come back. */
  readonly onDraining: (retryAfter: number) => void;
}

function parseCamera(value: unknown): Camera | undefined {
  if (!isObject(value) || typeof value.name !== "string") return undefined;
  return { name: value.name, live: value.live === true, since: parseInstant(value.since) };
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

  /** Asks for no picture over this height, in pixels; the gateway sends a smaller layer where it has one. */
  limitHeight(sessionId: string, maxHeight: number): void {
    this.socket.emit("layer:select", { sessionId, rid: "auto", maxHeight }, () => undefined);
  }

  get connected(): boolean {
    return this.socket.connected;
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

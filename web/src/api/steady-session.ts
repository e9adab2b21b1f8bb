/** A session whose path is mended, or that is opened anew, whenever it breaks; until it is stopped. */

import { liveUrls } from "./auth";
import { backoff } from "./backoff";
import type { Caller } from "./http";
import type { MediaSession } from "./media-session";
import { PathKeeper } from "./path-keeper";
import { ApiError } from "./problem";

/** `Up` is the name of the state in which all is well. */
export type SteadyState<Up extends string> = "idle" | "connecting" | "reconnecting" | Up;

/** What every attempt to open a session needs. */
export interface Attempt {
  readonly iceServers: RTCIceServer[];
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly onState: (state: RTCPeerConnectionState) => void;
}

export interface SteadyHost<Session extends MediaSession, End, Up extends string> {
  readonly up: Up;
  readonly orderId: string;
  readonly caller: () => Caller;
  /** @throws ApiError */
  readonly open: (attempt: Attempt) => Promise<Session>;
  /** Seconds of silence that are worth a doubt. */
  readonly silence: number;
  /** Whether silence would be a fault now. */
  readonly expected: () => boolean;
  /** As in `PathHost`. */
  readonly reachable?: () => Promise<boolean>;
  /** Why a refusal with this status is the end; undefined when it is none. */
  readonly endFor: (status: number) => End | undefined;
  /** Why this reason of the gateway's for closing the session is the end. */
  readonly endBecause: (reason: string) => End | undefined;
  readonly onChange: () => void;
  /** The path does not carry; it is being mended. */
  readonly onBroken?: () => void;
  /** What came in the session that there was comes no more. */
  readonly onReleased?: () => void;
  /** It is over although nobody stopped it. */
  readonly onEnd: (end: End, sentence: string) => void;
}

/** Whether what the token opened ends for this reason, and nothing new may be opened with it. */
export function endsAccess(reason: string): boolean {
  return /expire|revoke|kick|token|access/i.test(reason);
}

/** Milliseconds for ICE and DTLS after the answer. */
const connectWithin = 12_000;
/** Milliseconds between two looks at what comes. */
const pathInterval = 250;

export class SteadySession<Session extends MediaSession, End, Up extends string> {
  state: SteadyState<Up> = "idle";
  /** Unix milliseconds since when it is up; kept over reconnections. */
  upSince: number | undefined;

  private current: Session | undefined;
  private path: PathKeeper | undefined;
  private attempt: AbortController | undefined;
  private token: string | undefined;
  private iceServers: RTCIceServer[] | undefined;
  private failures = 0;
  private holdOff = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pathTimer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly host: SteadyHost<Session, End, Up>) {}

  get session(): Session | undefined {
    return this.current;
  }

  get peer(): RTCPeerConnection | undefined {
    return this.current?.peer;
  }

  /** Idempotent. */
  start(): void {
    if (this.state !== "idle") return;
    this.failures = 0;
    this.enter("connecting");
    void this.connect();
  }

  /** Ends the session, also while it is being set up. Idempotent. */
  stop(): void {
    this.upSince = undefined;
    this.release();
    this.enter("idle");
  }

  /** The server closed the session with this id, or with an empty one everything that the token opened. */
  closedByServer(sessionId: string, reason: string): void {
    if (this.state === "idle" || (sessionId !== "" && sessionId !== this.current?.sessionId)) return;
    const end = this.host.endBecause(reason);
    if (end === undefined) this.retry(0);
    else this.end(end, "");
  }

  /** The process will stop; one may come back after so many seconds. */
  draining(retryAfter: number): void {
    this.holdOff = retryAfter;
  }

  /** The device is in another network, or in one again: no need to wait. */
  networkChanged(): void {
    if (this.path) this.path.networkChanged();
    else if (this.state !== "idle" && !this.attempt) void this.connect();
  }

  networkSeemsChanged(): void {
    this.path?.networkSeemsChanged();
  }

  private enter(state: SteadyState<Up>): void {
    if (state === this.state) return;
    this.state = state;
    this.host.onChange();
  }

  private async connect(): Promise<void> {
    this.release();
    const attempt = new AbortController();
    const { signal } = attempt;
    this.attempt = attempt;
    try {
      const session = await this.open(signal);
      if (signal.aborted) {
        session?.close(this.host.caller());
        return;
      }
      this.current = session;
      if (session?.peer.connectionState === "connected") this.connected();
      else this.timer = setTimeout(() => this.retry(0), connectWithin);
    } catch (error) {
      if (!signal.aborted) this.failed(ApiError.from(error));
    }
  }

  private async open(signal: AbortSignal): Promise<Session | undefined> {
    const caller = this.host.caller();
    this.token = caller.token;
    // Without ICE servers of its own the gateway's address in the answer is enough.
    this.iceServers ??= await liveUrls(this.host.orderId, caller).then(
      (urls) => urls.iceServers,
      () => undefined,
    );
    if (signal.aborted) return undefined;
    const onState = (state: RTCPeerConnectionState) => !signal.aborted && this.transportChanged(state);
    return this.host.open({ iceServers: this.iceServers ?? [], caller, signal, onState });
  }

  private failed({ status, sentence, retryAfter }: ApiError): void {
    const end = this.host.endFor(status);
    if (end === undefined) this.retry(retryAfter ?? 0);
    else this.end(end, sentence);
  }

  private end(end: End, sentence: string): void {
    // What a token opened ends with it, but meanwhile there is another one.
    if (this.host.caller().token !== this.token) {
      this.retry(0);
      return;
    }
    this.stop();
    this.host.onEnd(end, sentence);
  }

  private transportChanged(state: RTCPeerConnectionState): void {
    if (state === "connected") this.connected();
    // Where ICE failed, the path is mended; where DTLS did, there is nothing to mend.
    else if (state === "failed" && this.path && this.current?.peer.iceConnectionState === "failed") return;
    else if (state === "failed" || state === "closed") this.retry(0);
  }

  private connected(): void {
    if (!this.current) return;
    clearTimeout(this.timer);
    this.failures = 0;
    this.holdOff = 0;
    this.upSince ??= Date.now();
    if (!this.path) this.keepPath(this.current);
    if (!this.path?.mending) this.enter(this.host.up);
  }

  private keepPath(session: Session): void {
    const { caller, silence, expected, reachable, onBroken } = this.host;
    const path = new PathKeeper(session, {
      caller,
      silence,
      ...(reachable ? { reachable } : {}),
      onBroken: () => {
        onBroken?.();
        this.enter("reconnecting");
      },
      onMended: () => this.enter(this.host.up),
      onLost: () => this.openAnew(),
    });
    this.path = path;
    this.pathTimer = setInterval(() => {
      void session.peer.getStats().then((report) => this.path === path && path.observe(report, expected()));
    }, pathInterval);
  }

  /** The path could not be mended, which took long enough. */
  private openAnew(): void {
    if (this.holdOff > 0) {
      this.retry(0);
      return;
    }
    this.enter("reconnecting");
    void this.connect();
  }

  private retry(atLeast: number): void {
    this.release();
    this.failures += 1;
    this.enter(this.upSince === undefined ? "connecting" : "reconnecting");
    const wait = backoff(this.failures, Math.max(atLeast, this.holdOff));
    this.timer = setTimeout(() => void this.connect(), wait * 1000);
  }

  private release(): void {
    clearTimeout(this.timer);
    clearInterval(this.pathTimer);
    this.path?.close();
    this.path = undefined;
    this.attempt?.abort();
    this.attempt = undefined;
    this.current?.close(this.host.caller());
    this.current = undefined;
    this.host.onReleased?.();
  }
}

/** An open ear: a listening session that is opened anew whenever it breaks, until it is stopped. */

import { liveUrls } from "../api/auth";
import { backoff } from "../api/backoff";
import { type Caller, reachable } from "../api/http";
import { ApiError } from "../api/problem";
import { TalkSession } from "./talk-session";

export type ListenState = "idle" | "connecting" | "listening" | "reconnecting";

export interface ListenHost {
  readonly caller: () => Caller;
  readonly onChange: () => void;
  readonly onTrack: (track: MediaStreamTrack) => void;
  /** What was heard so far comes no more. */
  readonly onSilence: () => void;
  /** The token does not allow to listen any more. */
  readonly onRefused: () => void;
}

/** Milliseconds for ICE and DTLS after the answer, and in which a disconnected transport may recover by itself. */
const connectWithin = 12_000;
const disconnectGrace = 3000;

const accessEnded = /expire|revoke|token|access/i;

export class TalkListener {
  state: ListenState = "idle";

  private session: TalkSession | undefined;
  private attempt: AbortController | undefined;
  private iceServers: RTCIceServer[] | undefined;
  private failures = 0;
  private holdOff = 0;
  private timer: number | undefined;

  constructor(
    private readonly orderId: string,
    private readonly host: ListenHost,
  ) {}

  get peer(): RTCPeerConnection | undefined {
    return this.session?.peer;
  }

  /** Idempotent. */
  start(): void {
    if (this.state !== "idle") return;
    this.failures = 0;
    this.enter("connecting");
    void this.connect();
  }

  /** Idempotent. */
  stop(): void {
    this.release();
    this.enter("idle");
  }

  /** The server closed the session with this id, or with an empty one everything that the token opened. */
  closedByServer(sessionId: string, reason: string): void {
    if (this.state === "idle" || (sessionId !== "" && sessionId !== this.session?.sessionId)) return;
    if (accessEnded.test(reason)) this.refuse();
    else this.retry(0);
  }

  draining(retryAfter: number): void {
    this.holdOff = retryAfter;
  }

  /** The network is back: no need to wait for the next try. */
  wake(): void {
    if (this.state === "reconnecting" && !this.attempt) void this.connect();
  }

  private enter(state: ListenState): void {
    if (state === this.state) return;
    this.state = state;
    this.host.onChange();
  }

  private async connect(): Promise<void> {
    this.release();
    const attempt = new AbortController();
    const superseded = () => attempt.signal.aborted;
    this.attempt = attempt;
    try {
      this.iceServers ??= await liveUrls(this.orderId, this.host.caller()).then(
        (urls) => urls.iceServers,
        () => [],
      );
      if (superseded()) return;
      const session = await TalkSession.open({
        url: reachable(`/whep/${encodeURIComponent(this.orderId)}/talk`, location.href),
        iceServers: this.iceServers,
        caller: this.host.caller(),
        signal: attempt.signal,
        onTrack: (track) => !superseded() && this.host.onTrack(track),
        onState: (state) => !superseded() && this.transportChanged(state),
      });
      if (superseded()) {
        session.close(this.host.caller());
        return;
      }
      this.session = session;
      this.transportChanged(session.peer.connectionState);
    } catch (error) {
      if (!superseded()) this.failed(ApiError.from(error));
    }
  }

  private failed({ status, retryAfter }: ApiError): void {
    if (status === 401 || status === 403) this.refuse();
    else this.retry(retryAfter ?? 0);
  }

  private refuse(): void {
    this.stop();
    this.host.onRefused();
  }

  private transportChanged(state: RTCPeerConnectionState): void {
    window.clearTimeout(this.timer);
    if (state === "connected") {
      [this.failures, this.holdOff] = [0, 0];
      this.enter("listening");
    } else if (state === "failed" || state === "closed") this.retry(0);
    else this.timer = window.setTimeout(() => this.retry(0), state === "disconnected" ? disconnectGrace : connectWithin);
  }

  private retry(atLeast: number): void {
    this.release();
    this.failures += 1;
    this.enter("reconnecting");
    const wait = backoff(this.failures, Math.max(atLeast, this.holdOff));
    this.timer = window.setTimeout(() => void this.connect(), wait * 1000);
  }

  private release(): void {
    window.clearTimeout(this.timer);
    this.attempt?.abort();
    this.attempt = undefined;
    this.session?.close(this.host.caller());
    this.session = undefined;
    this.host.onSilence();
  }
}

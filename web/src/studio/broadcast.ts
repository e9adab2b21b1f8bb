/** One broadcast: a WHIP session whose path is mended, or that is opened anew, whenever it breaks; until it is stopped. */

import { liveUrls } from "../api/auth";
import { backoff } from "../api/backoff";
import { type Caller, reachable } from "../api/http";
import type { CodecChoice } from "../api/offer";
import { PathKeeper } from "../api/path-keeper";
import { ApiError } from "../api/problem";
import { type WhipRequest, WhipSession } from "../api/whip";
import { OutgoingMeter, type OutgoingStats } from "./outgoing-stats";

export type BroadcastState = "idle" | "connecting" | "live" | "reconnecting";

export type BroadcastEnd = "taken" | "busy" | "refused" | "access-ended";

export interface BroadcastTarget {
  readonly orderId: string;
  readonly camera: string;
}

export interface BroadcastPlan {
  readonly stream: MediaStream;
  readonly encodings: RTCRtpEncodingParameters[];
  readonly codec: CodecChoice;
}

export interface BroadcastHost {
  readonly caller: () => Caller;
  readonly onChange: () => void;
  /** Another way to open the session; as it stands in `WhipSession` when left out. */
  readonly open?: (wanted: WhipRequest) => Promise<WhipSession>;
  /** The broadcast ended although nobody stopped it. */
  readonly onEnd: (end: BroadcastEnd, sentence: string) => void;
}

/** Milliseconds for ICE and DTLS after the answer. */
const connectWithin = 12_000;
/** Milliseconds between two looks at what comes back. */
const pathInterval = 250;
/** Seconds without any feedback, which comes ten times a second, after which the path is taken for broken. */
const silence = 0.8;

const takenOver = /taken|take-?over|replace|supersede/i;
const accessEnded = /expire|revoke|token|access/i;

function endFor(status: number): BroadcastEnd | undefined {
  if (status === 401 || status === 403) return "access-ended";
  if (status === 409) return "busy";
  return status >= 400 && status < 500 && status !== 429 && status !== 408 ? "refused" : undefined;
}

export class Broadcast {
  state: BroadcastState = "idle";
  /** Unix milliseconds since when we are on the air; kept over reconnections. */
  liveSince: number | undefined;

  private plan: BroadcastPlan | undefined;
  private session: WhipSession | undefined;
  private path: PathKeeper | undefined;
  private attempt: AbortController | undefined;
  private iceServers: RTCIceServer[] | undefined;
  private failures = 0;
  private holdOff = 0;
  private timer: number | undefined;
  private pathTimer: number | undefined;
  private meter = new OutgoingMeter();

  constructor(
    private readonly target: BroadcastTarget,
    private readonly host: BroadcastHost,
  ) {}

  get peer(): RTCPeerConnection | undefined {
    return this.session?.peer;
  }

  get sessionUrl(): string | undefined {
    return this.session?.resource;
  }

  get sessionId(): string | undefined {
    return this.session?.sessionId;
  }

  start(plan: BroadcastPlan): void {
    this.plan = plan;
    this.failures = 0;
    this.enter("connecting");
    void this.connect();
  }

  /** Ends the broadcast, also while it is being set up. Idempotent. */
  stop(): void {
    this.plan = undefined;
    this.liveSince = undefined;
    this.release();
    this.enter("idle");
  }

  /** Sends another track from now on: device or source was changed. */
  async replace(track: MediaStreamTrack): Promise<void> {
    await this.session?.replace(track);
  }

  async stats(): Promise<OutgoingStats | undefined> {
    const { session } = this;
    if (!session) return undefined;
    return this.meter.read(await session.peer.getStats(), this.plan?.encodings);
  }

  /** The server closed the session with this id, or with an empty one everything that the token opened. */
  closedByServer(sessionId: string, reason: string): void {
    if (sessionId !== "" && sessionId !== this.session?.sessionId) return;
    if (takenOver.test(reason)) this.end("taken", "");
    else if (accessEnded.test(reason)) this.end("access-ended", "");
    else this.lost();
  }

  draining(retryAfter: number): void {
    this.holdOff = retryAfter;
  }

  /** The device is in another network, or in one again: no need to wait. */
  networkChanged(): void {
    if (this.path) this.path.networkChanged();
    else if (this.state === "reconnecting" && !this.attempt) void this.connect();
  }

  networkSeemsChanged(): void {
    this.path?.networkSeemsChanged();
  }

  private enter(state: BroadcastState): void {
    if (state === this.state) return;
    this.state = state;
    this.host.onChange();
  }

  private url(): string {
    const { orderId, camera } = this.target;
    return reachable(`/whip/${encodeURIComponent(orderId)}/${encodeURIComponent(camera)}`, location.href);
  }

  private async connect(): Promise<void> {
    const { plan } = this;
    if (!plan) return;
    this.release();
    const attempt = new AbortController();
    const superseded = () => attempt.signal.aborted;
    this.attempt = attempt;
    try {
      // Without ICE servers of its own the gateway's address in the answer is enough.
      this.iceServers ??= await liveUrls(this.target.orderId, this.host.caller()).then(
        (urls) => urls.iceServers,
        () => [],
      );
      if (superseded()) return;
      const open = this.host.open ?? ((wanted: WhipRequest) => WhipSession.open(wanted));
      const session = await open({
        ...plan,
        url: this.url(),
        iceServers: this.iceServers,
        caller: this.host.caller(),
        signal: attempt.signal,
        onState: (state) => !superseded() && this.transportChanged(state),
      });
      if (superseded()) {
        session.close(this.host.caller());
        return;
      }
      this.session = session;
      this.meter = new OutgoingMeter();
      if (session.peer.connectionState === "connected") this.connected();
      else this.timer = window.setTimeout(() => this.lost(), connectWithin);
    } catch (error) {
      if (!superseded()) this.failed(ApiError.from(error));
    }
  }

  private failed({ status, sentence, retryAfter }: ApiError): void {
    const end = endFor(status);
    if (end) this.end(end, sentence);
    else this.retry(retryAfter ?? 0);
  }

  private end(end: BroadcastEnd, sentence: string): void {
    this.stop();
    this.host.onEnd(end, sentence);
  }

  private transportChanged(state: RTCPeerConnectionState): void {
    if (state === "connected") this.connected();
    // Where ICE failed, the path is mended; where DTLS did, there is nothing to mend.
    else if (state === "failed" && (!this.path || this.peer?.iceConnectionState !== "failed")) this.lost();
  }

  private connected(): void {
    if (!this.session) return;
    window.clearTimeout(this.timer);
    this.failures = 0;
    this.holdOff = 0;
    this.liveSince ??= Date.now();
    if (!this.path) this.keepPath(this.session);
    if (!this.path?.mending) this.enter("live");
  }

  private keepPath(session: WhipSession): void {
    const path = new PathKeeper(session, {
      caller: this.host.caller,
      silence,
      onBroken: () => this.enter("reconnecting"),
      onMended: () => this.enter("live"),
      onLost: () => this.openAnew(),
    });
    this.path = path;
    this.pathTimer = window.setInterval(() => {
      void session.peer.getStats().then((report) => this.path === path && path.observe(report, true));
    }, pathInterval);
  }

  /** The path could not be mended, which took long enough. */
  private openAnew(): void {
    if (this.holdOff > 0) {
      this.lost();
      return;
    }
    this.enter("reconnecting");
    void this.connect();
  }

  private lost(): void {
    if (!this.plan) return;
    this.retry(0);
  }

  private retry(atLeast: number): void {
    this.release();
    this.failures += 1;
    this.enter(this.liveSince === undefined ? "connecting" : "reconnecting");
    const wait = backoff(this.failures, Math.max(atLeast, this.holdOff));
    this.timer = window.setTimeout(() => void this.connect(), wait * 1000);
  }

  private release(): void {
    window.clearTimeout(this.timer);
    window.clearInterval(this.pathTimer);
    this.path?.close();
    this.path = undefined;
    this.attempt?.abort();
    this.attempt = undefined;
    this.session?.close(this.host.caller());
    this.session = undefined;
  }
}

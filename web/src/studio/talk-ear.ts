/** How the studio hears customers: on lines of one of its broadcasts, or else by a session beside them. */

import type { LiveEvents } from "../api/events";
import type { Caller } from "../api/http";
import { type WhipRequest, WhipSession } from "../api/whip";
import type { BroadcastState } from "./broadcast";
import { Ducking } from "./ducking";
import { TalkListener } from "./talk-listener";
import { type Heard, heardIn, TalkPlayer } from "./talk-player";
import { openHearing } from "./talk-whip";

export interface EarHost {
  readonly events: () => Pick<LiveEvents, "connected" | "ask" | "answers"> | undefined;
  readonly caller: () => Caller;
  /** Whether somebody speaks. */
  readonly speaking: () => boolean;
  readonly onChange: () => void;
}

export class TalkEar {
  readonly player: TalkPlayer;

  private readonly listener: TalkListener;
  private readonly ducking = new Ducking();
  private readonly states = new Map<string, BroadcastState>();
  /** The camera on whose connection customers are heard; without a peer while that is being opened. */
  private own: { readonly camera: string; readonly peer?: RTCPeerConnection } | undefined;

  constructor(
    orderId: string,
    private readonly host: EarHost,
  ) {
    this.player = new TalkPlayer(host.onChange);
    this.listener = new TalkListener(orderId, {
      caller: host.caller,
      speaking: host.speaking,
      reachable: () => host.events()?.answers() ?? Promise.resolve(false),
      onChange: host.onChange,
      onTrack: (track) => this.player.add(track),
      onSilence: () => this.player.clear(),
      // The broadcast learns the same by itself and tells the technician.
      onRefused: () => undefined,
    });
  }

  /** Opens a camera's session, with lines for customers where that is possible and nothing else hears them. @throws ApiError */
  readonly open = async (camera: string, wanted: WhipRequest): Promise<WhipSession> => {
    const others = [...this.states].some(([name, state]) => name !== camera && state === "live");
    if (this.own ? this.own.camera !== camera : others) return WhipSession.open(wanted);
    this.listener.stop();
    this.player.clear();
    this.own = { camera };
    const onTrack = (track: MediaStreamTrack) => !wanted.signal.aborted && this.player.add(track);
    try {
      const { session, hears } = await openHearing(wanted, camera, this.host.events(), onTrack);
      this.own = hears ? { camera, peer: session.peer } : undefined;
      return session;
    } catch (error) {
      this.own = undefined;
      throw error;
    } finally {
      this.listen();
    }
  };

  /** The state of a camera's broadcast: nobody listens off the air. */
  follow(camera: string, state: BroadcastState): void {
    if (state !== "idle") this.states.set(camera, state);
    else {
      this.states.delete(camera);
      if (this.own?.camera === camera) this.forgetOwn();
    }
    this.listen();
  }

  /** How loud a camera's microphone is, 0 to 1: whoever speaks hears customers lower. */
  spoken(camera: string, level: number): void {
    this.player.ducked = this.ducking.update(camera, level, performance.now() / 1000);
  }

  /** Whether the customers' sound comes with a broadcast's own connection. */
  get together(): boolean {
    return this.own?.peer !== undefined;
  }

  async heard(): Promise<Heard | undefined> {
    const peer = this.own?.peer ?? this.listener.peer;
    return peer && heardIn(await peer.getStats());
  }

  closedByServer(sessionId: string, reason: string): void {
    this.listener.closedByServer(sessionId, reason);
  }

  draining(retryAfter: number): void {
    this.listener.draining(retryAfter);
  }

  networkChanged(): void {
    this.listener.networkChanged();
  }

  networkSeemsChanged(): void {
    this.listener.networkSeemsChanged();
  }

  close(): void {
    this.states.clear();
    this.forgetOwn();
    this.listener.stop();
  }

  private listen(): void {
    if (this.states.size === 0) this.listener.stop();
    else if (!this.own && [...this.states.values()].includes("live")) this.listener.start();
  }

  private forgetOwn(): void {
    this.own = undefined;
    this.player.clear();
  }
}

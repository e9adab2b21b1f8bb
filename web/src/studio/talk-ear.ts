/** How the studio hears customers: on lines of its own broadcast, or else by a session beside it. */

import type { Caller } from "../api/http";
import type { WhipRequest, WhipSession } from "../api/whip";
import type { BroadcastState } from "./broadcast";
import { TalkListener } from "./talk-listener";
import { type Heard, heardIn, TalkPlayer } from "./talk-player";
import { type Asker, openHearing } from "./talk-whip";

export interface EarTarget {
  readonly orderId: string;
  readonly camera: string;
}

export class TalkEar {
  readonly player: TalkPlayer;

  private readonly listener: TalkListener;
  private own: RTCPeerConnection | undefined;

  constructor(
    private readonly target: EarTarget,
    private readonly asker: () => Asker | undefined,
    caller: () => Caller,
    onChange: () => void,
  ) {
    this.player = new TalkPlayer(onChange);
    this.listener = new TalkListener(target.orderId, {
      caller,
      onChange,
      onTrack: (track) => this.player.add(track),
      onSilence: () => this.player.clear(),
      // The broadcast learns the same by itself and tells the technician.
      onRefused: () => undefined,
    });
  }

  /** Opens the broadcast's session, with lines for customers where that is possible. @throws ApiError */
  readonly open = async (wanted: WhipRequest): Promise<WhipSession> => {
    this.listener.stop();
    this.player.clear();
    this.own = undefined;
    const asker = this.asker() ?? { connected: false, ask: () => Promise.reject(new Error("not connected")) };
    const onTrack = (track: MediaStreamTrack) => !wanted.signal.aborted && this.player.add(track);
    const { session, hears } = await openHearing(wanted, this.target.camera, asker, onTrack);
    if (hears) this.own = session.peer;
    return session;
  };

  /** The broadcast's state: nobody listens off the air. */
  follow(state: BroadcastState): void {
    if (state === "idle") this.close();
    else if (state === "live" && !this.own) this.listener.start();
  }

  /** Whether the customers' sound comes with the broadcast's own connection. */
  get together(): boolean {
    return this.own !== undefined;
  }

  async heard(): Promise<Heard | undefined> {
    const peer = this.own ?? this.listener.peer;
    return peer && heardIn(await peer.getStats());
  }

  closedByServer(sessionId: string, reason: string): void {
    this.listener.closedByServer(sessionId, reason);
  }

  wake(): void {
    this.listener.wake();
  }

  close(): void {
    this.listener.stop();
    this.own = undefined;
    this.player.clear();
  }
}

/** An open ear: a steady session on which customers are heard. */

import { type Caller, reachable } from "../api/http";
import type { MediaSession } from "../api/media-session";
import { endsAccess, SteadySession, type SteadyState } from "../api/steady-session";
import { openTalk } from "./talk-session";

export type ListenState = SteadyState<"listening">;

export interface ListenHost {
  readonly caller: () => Caller;
  /** Whether somebody speaks, so that nothing to hear would be a fault. */
  readonly speaking: () => boolean;
  /** Whether the gateway can be reached over the network as it was. */
  readonly reachable: () => Promise<boolean>;
  readonly onChange: () => void;
  readonly onTrack: (track: MediaStreamTrack) => void;
  /** What was heard so far comes no more. */
  readonly onSilence: () => void;
  /** The path does not carry; it is being mended. */
  readonly onBroken?: () => void;
  /** The token does not allow to listen any more. */
  readonly onRefused: () => void;
}

/** Seconds: a microphone sends fifty packets in one. */
const silence = 1;

export class TalkListener extends SteadySession<MediaSession, "refused", "listening"> {
  constructor(orderId: string, host: ListenHost) {
    const refused = (ended: boolean) => (ended ? "refused" : undefined);
    super({
      ...host,
      up: "listening",
      orderId,
      silence,
      expected: host.speaking,
      onReleased: host.onSilence,
      onEnd: host.onRefused,
      endFor: (status) => refused(status === 401 || status === 403),
      endBecause: (reason) => refused(endsAccess(reason)),
      open: (attempt) =>
        openTalk({
          ...attempt,
          url: reachable(`/whep/${encodeURIComponent(orderId)}/talk`, location.href),
          onTrack: (track) => !attempt.signal.aborted && host.onTrack(track),
        }),
    });
  }
}

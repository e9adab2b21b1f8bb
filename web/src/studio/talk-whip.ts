/** A broadcast that hears as well: its offer goes over Socket.IO, with lines on which customers are heard. */

import type { JsonObject } from "../api/http";
import { iceServersOf } from "../api/link-header";
import { ApiError } from "../api/problem";
import type { SessionAnswer } from "../api/resource";
import { type WhipRequest, WhipSession } from "../api/whip";
import { talkSlots } from "./talk-session";

export interface Asker {
  readonly connected: boolean;
  ask(event: string, payload: JsonObject, within?: number): Promise<JsonObject>;
}

/** Milliseconds for the answer to an offer. */
const answerWithin = 8000;

/** What the gateway answered to an offer, as HTTP would have told it. @throws ApiError for anything else. */
export function sessionAnswer(answer: JsonObject, page: string): SessionAnswer {
  const { sdp, sessionId, iceServers } = answer;
  if (typeof sdp !== "string" || typeof sessionId !== "string") throw new ApiError(0, "");
  const resource = new URL(`/sessions/${encodeURIComponent(sessionId)}`, page).href;
  return { sdp, sessionId, resource, iceServers: iceServersOf(iceServers) };
}

/** Refusals that a second question by HTTP would only hear again. */
const finalStatuses: readonly number[] = [401, 403, 409, 429, 503];

function isFinal(error: unknown): boolean {
  return error instanceof ApiError && finalStatuses.includes(error.status);
}

/**
 * Opens the broadcast with lines for customers where the gateway can be asked for them, else plainly: nobody's
 * broadcast fails because nobody could be heard. `hears` tells which it was.
 * @throws ApiError as `WhipSession.open`
 */
export async function openHearing(
  wanted: WhipRequest,
  camera: string,
  asker: Asker,
  onTrack: (track: MediaStreamTrack) => void,
): Promise<{ readonly session: WhipSession; readonly hears: boolean }> {
  if (asker.connected) {
    const post = async (sdp: string) =>
      sessionAnswer(await asker.ask("session:offer", { sdp, kind: "whip", camera }, answerWithin), location.href);
    try {
      return { session: await WhipSession.open({ ...wanted, hearing: { lines: talkSlots, onTrack, post } }), hears: true };
    } catch (error) {
      if (wanted.signal.aborted || isFinal(error)) throw error;
    }
  }
  return { session: await WhipSession.open(wanted), hears: false };
}

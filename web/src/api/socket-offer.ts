/** An offer that goes over Socket.IO: our own pages' way to more lines than plain WHIP and WHEP have. */

import type { ClientEvents, SessionOffer } from "./event-types";
import { ApiError } from "./problem";
import type { SessionAnswer } from "./resource";

/** The part of the live events that an offer needs. */
export interface OfferEvents {
  readonly connected: boolean;
  ask(event: "session:offer", data: SessionOffer, within: number): Promise<ClientEvents["session:offer"]["answer"]>;
}

/**
 * The answer as HTTP would have told it.
 * @param within milliseconds for the answer
 * @throws Refusal; ApiError with status 0 when none comes
 */
export async function offerSession(events: OfferEvents, offer: SessionOffer, within: number): Promise<SessionAnswer> {
  const { sdp, sessionId, iceServers } = await events.ask("session:offer", offer, within);
  const resource = new URL(`/sessions/${encodeURIComponent(sessionId)}`, location.href).href;
  return { sdp, sessionId, resource, iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })) };
}

/** Whether a second question by HTTP would only hear the same. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && [401, 403, 409, 429, 503].includes(error.status);
}

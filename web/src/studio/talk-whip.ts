/** A broadcast that hears as well: its offer goes over Socket.IO, with lines on which customers are heard. */

import { isFinal, type OfferEvents, offerSession } from "../api/socket-offer";
import { type WhipRequest, WhipSession } from "../api/whip";
import { talkSlots } from "./talk-session";

/** Milliseconds for the answer to an offer. */
const answerWithin = 8000;

/**
 * Opens the broadcast with lines for customers where the gateway can be asked for them, else plainly: nobody's
 * broadcast fails because nobody could be heard. `hears` tells which it was.
 * @throws ApiError as `WhipSession.open`
 */
export async function openHearing(
  wanted: WhipRequest,
  camera: string,
  events: OfferEvents | undefined,
  onTrack: (track: MediaStreamTrack) => void,
): Promise<{ readonly session: WhipSession; readonly hears: boolean }> {
  if (events?.connected) {
    const post = (sdp: string) => offerSession(events, { sdp, kind: "whip", camera }, answerWithin);
    try {
      return { session: await WhipSession.open({ ...wanted, hearing: { lines: talkSlots, onTrack, post } }), hears: true };
    } catch (error) {
      if (wanted.signal.aborted || isFinal(error)) throw error;
    }
  }
  return { session: await WhipSession.open(wanted), hears: false };
}

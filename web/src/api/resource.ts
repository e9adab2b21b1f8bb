/** The HTTP half that WHIP and WHEP share: offer out, answer and resource back, deletion. */

import { type Caller, reachable, request } from "./http";
import { parseIceServers } from "./link-header";
import { ApiError } from "./problem";

export interface SessionAnswer {
  readonly sdp: string;
  /** Absolute URL of the session's resource: a capability, never to be logged. */
  readonly resource: string;
  readonly sessionId: string;
  readonly iceServers: RTCIceServer[];
}

/** @throws ApiError as `request`; status 0 when the answer names no resource. */
export async function postOffer(url: string, sdp: string, caller: Caller, signal: AbortSignal): Promise<SessionAnswer> {
  const response = await request(url, caller, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", Accept: "application/sdp" },
    body: sdp,
    signal,
  });
  const location = response.headers.get("Location");
  const answer = await response.text();
  if (location === null || !answer.startsWith("v=")) throw new ApiError(0, "");
  const resource = reachable(new URL(location, response.url).href, globalThis.location.href);
  return {
    sdp: answer,
    resource,
    sessionId: resource.slice(resource.lastIndexOf("/") + 1),
    iceServers: parseIceServers(response.headers.get("Link")),
  };
}

/** Milliseconds that the transport waits for the answer to its DELETE. */
const goodbye = 1000;

/**
 * Ends a session: DELETE first, then the transport, whose own farewell would otherwise overtake the request.
 * `keepalive` lets it leave while the page is being closed. Never throws.
 */
export function endSession(peer: RTCPeerConnection, resource: string, caller: Caller): void {
  const close = () => peer.close();
  const timer = setTimeout(close, goodbye);
  void request(resource, caller, { method: "DELETE", keepalive: true })
    .catch(() => undefined)
    .finally(() => {
      clearTimeout(timer);
      close();
    });
}

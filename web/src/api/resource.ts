/** The HTTP half that WHIP and WHEP share: offer out, answer and resource back, ICE restart, deletion. */

import { type Caller, reachable, request } from "./http";
import { restartedAnswer, restartFragment } from "./ice-restart";
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

async function patch(resource: string, fragment: string, caller: Caller, signal: AbortSignal): Promise<string> {
  const response = await request(resource, caller, {
    method: "PATCH",
    // Whichever ICE session the gateway is at: the answer to an earlier restart may have been lost on the way.
    headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" },
    body: fragment,
    signal,
  });
  return response.text();
}

/**
 * Gives the session a new way through the network; tracks, codecs and keys stay. When it throws, all is as before.
 * @param shape what was done to the text of the session's first offer
 * @throws ApiError as `request`: 404 when the session is gone. Error when the answer or the browser does not fit.
 */
export async function restartIce(
  peer: RTCPeerConnection,
  resource: string,
  caller: Caller,
  signal: AbortSignal,
  shape: (sdp: string) => string = (sdp) => sdp,
): Promise<void> {
  const offer = await peer.createOffer({ iceRestart: true });
  const sdp = shape(offer.sdp ?? "");
  await peer.setLocalDescription({ type: "offer", sdp });
  try {
    const fragment = await patch(resource, restartFragment(sdp), caller, signal);
    signal.throwIfAborted();
    await peer.setRemoteDescription({ type: "answer", sdp: restartedAnswer(peer.remoteDescription?.sdp ?? "", fragment) });
  } catch (error) {
    if (peer.signalingState === "have-local-offer") await peer.setLocalDescription({ type: "rollback" });
    throw error;
  }
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

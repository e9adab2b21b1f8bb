/** Logging in, and what a token allows. */

import { type Caller, isObject, readObject, request } from "./http";
import { iceServersOf } from "./link-header";
import { ApiError } from "./problem";

export interface Authenticated {
  readonly token: string;
  readonly orderId: string;
}

export interface TokenPayload {
  readonly subject: string;
  readonly orderId: string;
  readonly scopes: readonly string[];
  readonly camera: string | undefined;
  /** Unix milliseconds; undefined when the token does not say. */
  readonly expiresAt: number | undefined;
}

export interface LiveUrls {
  readonly whepUrl: string;
  readonly iceServers: RTCIceServer[];
  readonly live: boolean;
}

export interface RenewedToken {
  readonly token: string;
  readonly expiresAt: number | undefined;
}

/** Unix milliseconds from an ISO text, unix seconds or unix milliseconds; undefined for anything else. */
export function parseInstant(value: unknown): number | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return value < 1e11 ? value * 1000 : value;
  if (typeof value !== "string") return undefined;
  const parsed = Date.parse(value);
  return Number.isNaN(parsed) ? undefined : parsed;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** @throws ApiError 401 wrong data, 403 expired, 429 with `retryAfter`. */
export async function authenticate(login: string, password: string, caller: Caller): Promise<Authenticated> {
  const response = await request("/api/live-stream/authenticate", caller, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ login, password }),
  });
  const body = await readObject(response);
  if (typeof body.token !== "string") throw new ApiError(0, "");
  return { token: body.token, orderId: text(body.orderId) };
}

export function parsePayload(value: unknown): TokenPayload | undefined {
  if (!isObject(value) || typeof value.orderId !== "string") return undefined;
  const scope = Array.isArray(value.scope) ? value.scope.join(" ") : text(value.scope);
  return {
    subject: text(value.sub),
    orderId: value.orderId,
    scopes: scope.split(/\s+/).filter((word) => word !== ""),
    camera: typeof value.camera === "string" && value.camera !== "" ? value.camera : undefined,
    expiresAt: parseInstant(value.exp),
  };
}

/** @throws ApiError 401 for a token that is not valid. */
export async function validateToken(caller: Caller): Promise<TokenPayload> {
  const body = await readObject(await request("/api/live-stream/validate-token", caller));
  const payload = body.valid === true ? parsePayload(body.payload) : undefined;
  if (!payload) throw new ApiError(401, "");
  return payload;
}

/** @throws ApiError 401, 403 for another order, 404. */
export async function liveUrls(orderId: string, caller: Caller): Promise<LiveUrls> {
  const response = await request(`/api/live-stream/url?orderId=${encodeURIComponent(orderId)}`, caller);
  const body = await readObject(response);
  return {
    whepUrl: text(body.whepUrl) || `/whep/${encodeURIComponent(orderId)}`,
    iceServers: iceServersOf(body.iceServers),
    live: body.live === true,
  };
}

/** @throws ApiError 401 or 403 when the access has ended. */
export async function renewToken(caller: Caller): Promise<RenewedToken> {
  const body = await readObject(await request("/api/live-stream/renew", caller, { method: "POST" }));
  if (typeof body.token !== "string") throw new ApiError(0, "");
  return { token: body.token, expiresAt: parseInstant(body.expiresAt) };
}

/** Milliseconds until a token should be renewed: at four fifths of what is left of it, at the latest a minute before. */
export function renewalDelay(expiresAt: number, now: number): number {
  const left = expiresAt - now;
  // Browsers keep timers as 32-bit milliseconds; a longer one would fire at once.
  return Math.min(Math.max(0, Math.min(left * 0.8, left - 60_000)), 2 ** 31 - 1);
}

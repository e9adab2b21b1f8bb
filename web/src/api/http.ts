/** One way to call the gateway: bearer token, caller's language, refusals as ApiError. */

import { ApiError, problemOf } from "./problem";

export interface Caller {
  readonly token?: string | undefined;
  /** Language of the sentences in refusals (Accept-Language). */
  readonly language?: string | undefined;
}

/** @throws ApiError for every status outside 2xx and, with status 0, when no answer came. */
export async function request(url: string, caller: Caller, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (caller.token) headers.set("Authorization", `Bearer ${caller.token}`);
  if (caller.language) headers.set("Accept-Language", caller.language);
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers });
  } catch {
    throw new ApiError(0, "");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws ApiError when the body is no JSON object: then something else than the gateway answered. */
export async function readObject(response: Response): Promise<JsonObject> {
  const body: unknown = await response.json().catch(() => undefined);
  if (!isObject(body)) throw new ApiError(0, "");
  return body;
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * An URL of the gateway as this page can reach it. A gateway whose public URL was left at its default names
 * `localhost`; a page opened by another address of that machine (or by https in front of it) stays on its own origin.
 */
export function reachable(url: string, page: string): string {
  const target = new URL(url, page);
  const own = new URL(page);
  const mixed = own.protocol === "https:" && target.protocol === "http:";
  const elsewhere = target.origin !== own.origin && (loopback.test(target.hostname) || loopback.test(own.hostname));
  return mixed || elsewhere ? own.origin + target.pathname + target.search : target.href;
}

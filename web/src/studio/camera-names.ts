/** The cameras of one studio page by name: the page's own one, and those that the technician added for this tab. */

import { isObject } from "../api/http";

/** What the gateway takes; `talk` is the customers' channel. */
const valid = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const reserved = "talk";

/** More encoders than this no computer has strength for. */
export const mostCameras = 4;

export const suggestedCameras = ["microscope", "bench", "hands"] as const;

const storageKey = "studioCameras";

export type NameProblem = "unfit" | "known";

/** Why a camera cannot be called so; undefined when it can. */
export function nameProblem(name: string, known: readonly string[]): NameProblem | undefined {
  if (!valid.test(name) || name === reserved) return "unfit";
  return known.includes(name) ? "known" : undefined;
}

/** The added cameras of an order from their stored text, without those that cannot be. */
export function parseCameras(text: string | null, orderId: string, own: string): string[] {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? "{}");
  } catch {
    return [];
  }
  const names: unknown = isObject(stored) ? stored[orderId] : undefined;
  if (!Array.isArray(names)) return [];
  const added: string[] = [];
  for (const name of names) {
    if (typeof name === "string" && nameProblem(name, [own, ...added]) === undefined) added.push(name);
  }
  return added.slice(0, mostCameras - 1);
}

export function loadCameras(orderId: string, own: string): string[] {
  try {
    return parseCameras(sessionStorage.getItem(storageKey), orderId, own);
  } catch {
    return [];
  }
}

export function saveCameras(orderId: string, added: readonly string[]): void {
  try {
    sessionStorage.setItem(storageKey, JSON.stringify({ [orderId]: added }));
  } catch {
    // Kept for this page only.
  }
}

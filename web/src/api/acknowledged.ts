/** Answers to what pages ask over Socket.IO: `{ok: true, …}`, or `{error, code}` as the refusal it stands for. */

import { isObject, type JsonObject } from "./http";
import { ApiError } from "./problem";

/** The status that HTTP gives for the same refusal, so that callers need not know which way they asked. */
const statuses: Readonly<Record<string, number>> = {
  malformed: 400,
  invalid_token: 401,
  wrong_credentials: 401,
  forbidden: 403,
  access_expired: 403,
  kicked: 403,
  not_found: 404,
  conflict: 409,
  not_live: 409,
  talk_refused: 409,
  talk_waiting: 409,
  talk_off: 409,
  talk_muted: 409,
  talk_full: 409,
  conversation_full: 409,
  too_large: 413,
  unacceptable: 422,
  rate_limited: 429,
  unavailable: 503,
};

/** The gateway's refusal of something asked over Socket.IO. */
export class Refusal extends ApiError {
  constructor(
    /** As the gateway names it, for example `talk_waiting`. */
    readonly code: string,
    sentence: string,
  ) {
    super(statuses[code] ?? 500, sentence);
  }
}

/** @throws Refusal; ApiError with status 0 for what is no answer of the gateway. */
export function acknowledged(value: unknown): JsonObject {
  if (!isObject(value)) throw new ApiError(0, "");
  if (value.ok === true) return value;
  throw new Refusal(typeof value.code === "string" ? value.code : "", typeof value.error === "string" ? value.error : "");
}

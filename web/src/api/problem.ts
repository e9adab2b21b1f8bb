/** Errors of the gateway's HTTP surface: RFC 9457 problem documents that carry a sentence in the caller's language. */

/** The gateway's refusal, or `status` 0 when no answer came at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** HTTP status; 0 when the network failed before an answer. */
    readonly status: number,
    /** The server's sentence in the caller's language; empty when it sent none. */
    readonly sentence: string,
    /** Seconds the server asks to wait, from Retry-After. */
    readonly retryAfter?: number,
  ) {
    super(`${status} ${sentence}`.trim());
  }

  static from(error: unknown): ApiError {
    return error instanceof ApiError ? error : new ApiError(0, "");
  }
}

/** Seconds to wait from a Retry-After field (RFC 9110, 10.2.3): seconds or an HTTP date. */
export function parseRetryAfter(value: string | null, now: number = Date.now()): number | undefined {
  if (value === null || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

/** The problem document's `error`, else its `detail` or `title`; empty for anything else. */
export function sentenceOf(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const problem = body as Record<string, unknown>;
  for (const field of ["error", "detail", "title"]) {
    const value = problem[field];
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

export async function problemOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  return new ApiError(response.status, sentenceOf(body), parseRetryAfter(response.headers.get("Retry-After")));
}

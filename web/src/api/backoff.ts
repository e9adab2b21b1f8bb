/** Waiting times between tries: exponential with jitter, so that a restarted server is not met by everybody at once. */

export interface BackoffPolicy {
  /** Seconds before the first retry, and the cap. */
  readonly first: number;
  readonly most: number;
}

export const defaultBackoff: BackoffPolicy = { first: 0.4, most: 10 };

/**
 * Seconds to wait after `failures` failures in a row (1 = the first). Half of the step is fixed, half is random.
 * @param atLeast what the server asked for; jitter is added to it, never taken off.
 */
export function backoff(
  failures: number,
  atLeast = 0,
  random: () => number = Math.random,
  policy: BackoffPolicy = defaultBackoff,
): number {
  const step = Math.min(policy.most, policy.first * 2 ** Math.max(0, failures - 1));
  const own = step * (0.5 + 0.5 * random());
  return atLeast > 0 ? Math.max(own, atLeast + 0.5 * random()) : own;
}

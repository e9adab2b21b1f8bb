/** Renews the token before it ends, so that whoever watches goes on watching. */

import { renewalDelay, renewToken } from "../api/auth";
import type { Caller } from "../api/http";
import { ApiError } from "../api/problem";

/** Milliseconds after which a renewal that failed is tried again. */
const pause = 15_000;

export interface RenewalHost {
  readonly caller: () => Caller;
  readonly onToken: (token: string) => void;
  /** The token is over and gives no other; the server's sentence. */
  readonly onRefused: (sentence: string) => void;
}

export class TokenRenewal {
  private timer: number | undefined;

  constructor(private readonly host: RenewalHost) {}

  /** @param expiresAt Unix milliseconds; undefined for a token that does not end */
  plan(expiresAt: number | undefined): void {
    this.close();
    if (expiresAt === undefined) return;
    this.timer = window.setTimeout(() => void this.renew(expiresAt), renewalDelay(expiresAt, Date.now()));
  }

  close(): void {
    window.clearTimeout(this.timer);
  }

  private async renew(expiresAt: number): Promise<void> {
    try {
      const renewed = await renewToken(this.host.caller());
      this.host.onToken(renewed.token);
      // An access that cannot be prolonged gives the same end again: then there is nothing more to ask for.
      if (renewed.expiresAt !== undefined && renewed.expiresAt > expiresAt) this.plan(renewed.expiresAt);
    } catch (error) {
      const { status, sentence } = ApiError.from(error);
      const over = Date.now() >= expiresAt;
      if (over && (status === 401 || status === 403)) this.host.onRefused(sentence);
      else if (!over) this.timer = window.setTimeout(() => void this.renew(expiresAt), pause);
    }
  }
}

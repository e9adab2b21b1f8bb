import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MediaSession } from "../src/api/media-session";
import { ApiError } from "../src/api/problem";
import { type Attempt, endsAccess, SteadySession } from "../src/api/steady-session";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("network")));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A session that was opened, with the hand on its transport. */
class Opened extends EventTarget {
  connectionState: RTCPeerConnectionState = "new";
  iceConnectionState: RTCIceConnectionState = "new";
  bytes = 0;
  readonly closed = vi.fn();
  readonly restarted = vi.fn(() => Promise.resolve());

  constructor(
    readonly sessionId: string,
    readonly attempt: Attempt,
  ) {
    super();
  }

  get session(): MediaSession {
    const { sessionId, closed: close, restarted: restart } = this;
    return { peer: this, sessionId, close, restart } as unknown as MediaSession;
  }

  getStats() {
    const pair = { id: "p", type: "candidate-pair", bytesReceived: this.bytes, responsesReceived: 0 };
    return Promise.resolve(new Map([["p", pair]]));
  }

  enter(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.attempt.onState(state);
  }

  /** The way that the browser went by is gone. */
  loseIce() {
    this.iceConnectionState = "failed";
    this.dispatchEvent(new Event("iceconnectionstatechange"));
  }
}

/** A steady session whose gateway is this test. */
function steady(reachable?: () => Promise<boolean>) {
  const opened: Opened[] = [];
  const ends: unknown[] = [];
  const state = { token: "one", expected: false, refusal: undefined as ApiError | undefined, released: 0 };
  const session = new SteadySession<MediaSession, string, "up">({
    up: "up",
    orderId: "o",
    caller: () => ({ token: state.token }),
    open: (attempt) => {
      if (state.refusal) return Promise.reject(state.refusal);
      const one = new Opened(`s${opened.length + 1}`, attempt);
      opened.push(one);
      return Promise.resolve(one.session);
    },
    silence: 1,
    expected: () => state.expected,
    ...(reachable ? { reachable } : {}),
    endFor: (status) => (status === 403 ? "refused" : undefined),
    endBecause: (reason) => (endsAccess(reason) ? "refused" : undefined),
    onChange: () => undefined,
    onReleased: () => (state.released += 1),
    onEnd: (...end) => ends.push(end),
  });
  const last = () => {
    const one = opened.at(-1);
    if (!one) throw new Error("no session was opened");
    return one;
  };
  const up = async () => {
    await vi.advanceTimersByTimeAsync(0);
    last().enter("connected");
    await vi.advanceTimersByTimeAsync(500);
  };
  return { session, state, opened, ends, last, up };
}

describe("a steady session", () => {
  it("is up once it is connected, and stays the same", async () => {
    const { session, opened, last, up } = steady();
    session.start();
    session.start();
    expect(session.state).toBe("connecting");
    await up();
    expect([session.state, opened.length, session.session?.sessionId]).toEqual(["up", 1, "s1"]);
    session.stop();
    expect([session.state, last().closed.mock.calls.length, session.session]).toEqual(["idle", 1, undefined]);
  });

  it("mends the path in another network, in the session that there is", async () => {
    const { session, opened, last, up } = steady();
    session.start();
    await up();
    session.networkChanged();
    await vi.advanceTimersByTimeAsync(10);
    expect(last().restarted).toHaveBeenCalledTimes(1);
    last().bytes += 1000;
    await vi.advanceTimersByTimeAsync(1000);
    expect([session.state, opened.length]).toEqual(["up", 1]);
  });

  it("says that it reconnects while a lost path is mended", async () => {
    const { session, opened, last, up } = steady();
    session.start();
    await up();
    last().loseIce();
    expect(session.state).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(100);
    last().bytes += 1000;
    await vi.advanceTimersByTimeAsync(200);
    expect([session.state, opened.length]).toEqual(["up", 1]);
  });

  it("minds silence only while there should be something to hear", async () => {
    const { session, state, last, up } = steady();
    session.start();
    await up();
    last().bytes += 1000;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(last().restarted).not.toHaveBeenCalled();
    state.expected = true;
    last().bytes += 1000;
    await vi.advanceTimersByTimeAsync(2000);
    expect(last().restarted).toHaveBeenCalled();
  });

  it("takes silence for none where the gateway can be reached", async () => {
    const { session, state, last, up } = steady(() => Promise.resolve(true));
    session.start();
    state.expected = true;
    await up();
    last().bytes += 1000;
    await vi.advanceTimersByTimeAsync(20_000);
    expect([session.state, last().restarted.mock.calls.length]).toEqual(["up", 0]);
  });

  it("opens a new one at a gateway that has begun anew and knows the old one no more", async () => {
    const { session, opened, last, up } = steady();
    session.start();
    await up();
    last().restarted.mockRejectedValue(new ApiError(404, ""));
    last().loseIce();
    await vi.advanceTimersByTimeAsync(10);
    expect([session.state, opened.length]).toEqual(["reconnecting", 2]);
    expect(opened[0]?.closed).toHaveBeenCalled();
    await up();
    expect([session.state, session.session?.sessionId]).toEqual(["up", "s2"]);
  });

  it("comes back when a draining gateway said", async () => {
    const { session, opened, up } = steady();
    session.start();
    await up();
    session.draining(5);
    session.closedByServer("s1", "shutdown");
    await vi.advanceTimersByTimeAsync(4900);
    expect([session.state, opened.length]).toEqual(["reconnecting", 1]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(opened).toHaveLength(2);
  });

  it("tries again, later each time, but at once when a network came", async () => {
    const { session, state, opened } = steady();
    state.refusal = new ApiError(503, "");
    session.start();
    await vi.advanceTimersByTimeAsync(3000);
    state.refusal = undefined;
    expect([session.state, opened.length]).toEqual(["connecting", 0]);
    session.networkChanged();
    await vi.advanceTimersByTimeAsync(0);
    expect(opened).toHaveLength(1);
  });

  it("gives up a transport that does not connect, and one whose keys fail", async () => {
    const { session, opened, last, up } = steady();
    session.start();
    await vi.advanceTimersByTimeAsync(14_000);
    expect(opened).toHaveLength(2);
    await up();
    last().enter("failed");
    expect(session.state).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(3000);
    expect(opened).toHaveLength(3);
  });

  it("ends with its token, and says why once", async () => {
    const { session, opened, ends, up } = steady();
    session.start();
    await up();
    session.closedByServer("other", "expired");
    expect(session.state).toBe("up");
    session.closedByServer("", "expired");
    session.closedByServer("", "expired");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([session.state, ends, opened.length]).toEqual(["idle", [["refused", ""]], 1]);
  });

  it("goes on with a token that took the place of the one that ended", async () => {
    const { session, state, opened, ends, up, last } = steady();
    session.start();
    await up();
    state.token = "two";
    session.closedByServer("s1", "expired");
    await vi.advanceTimersByTimeAsync(3000);
    expect([opened.length, last().attempt.caller.token, ends]).toEqual([2, "two", []]);
    await up();
    expect(session.state).toBe("up");
  });

  it("ends at a refusal that another try would only hear again", async () => {
    const { session, state, ends } = steady();
    state.refusal = new ApiError(403, "Not yours");
    session.start();
    await vi.advanceTimersByTimeAsync(0);
    expect([session.state, ends]).toEqual(["idle", [["refused", "Not yours"]]]);
  });

  it("hears no more of its transport after it was stopped", async () => {
    const { session, opened, last } = steady();
    session.start();
    await vi.advanceTimersByTimeAsync(0);
    const [first] = opened;
    session.stop();
    first?.enter("connected");
    expect([session.state, last().closed.mock.calls.length]).toEqual(["idle", 1]);
  });
});

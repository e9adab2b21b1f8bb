import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { restartedAnswer, restartFragment, withRankedCandidates } from "../src/api/ice-restart";
import { type MendableSession, Mender } from "../src/api/mender";
import { grown, pathCounts } from "../src/api/path-counts";
import { PathKeeper } from "../src/api/path-keeper";
import { ApiError } from "../src/api/problem";
import { restartIce } from "../src/api/resource";
import { watchNetwork } from "../src/browser/network";

function sdp(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

const audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111";
const video = "m=video 9 UDP/TLS/RTP/SAVPF 96";
const own = ["a=ice-ufrag:mine", "a=ice-pwd:secret-of-mine"];
const theirs = ["a=ice-ufrag:old", "a=ice-pwd:secret-of-old"];
const offer = sdp("v=0", audio, "a=mid:0", ...own, "a=fmtp:111 x=1", video, "a=mid:1", ...own);

function candidate(address: string, priority: number): string {
  return `a=candidate:1 1 udp ${priority} ${address} 8189 typ host`;
}

const host = 2_130_706_431;
const answer = sdp(
  ...["v=0", "a=ice-lite", audio, "a=mid:0", ...theirs, candidate("192.0.2.1", host), candidate("192.0.2.2", host - 256)],
  ...["a=end-of-candidates", "a=fmtp:111 x=1", video, "a=mid:1", ...theirs],
);
const fragment = sdp(
  ...["a=ice-lite", audio, "a=mid:0", "a=ice-ufrag:new", "a=ice-pwd:secret-of-new"],
  ...[candidate("192.0.2.1", host), candidate("192.0.2.3", host - 256), "a=end-of-candidates"],
);

function priorities(text: string): number[] {
  return [...text.matchAll(/candidate:1 1 udp (\d+)/g)].map((match) => Number(match[1]));
}

describe("ICE restart as text", () => {
  it("tells the credentials of the bundle, and nothing else of the offer", () => {
    const lines = ["a=ice-options:trickle", audio, "a=mid:0", ...own];
    expect(restartFragment(offer)).toBe(sdp(...lines));
    expect(() => restartFragment(sdp("v=0", audio, "a=mid:0"))).toThrow();
  });

  it("answers with what was agreed, new credentials everywhere and the new candidates in the first line", () => {
    const restarted = restartedAnswer(answer, fragment);
    expect(restarted.match(/a=ice-ufrag:\S+/g)).toEqual(["a=ice-ufrag:new", "a=ice-ufrag:new"]);
    expect(restarted.match(/a=ice-pwd:\S+/g)).toEqual(["a=ice-pwd:secret-of-new", "a=ice-pwd:secret-of-new"]);
    const [, first = "", second = ""] = restarted.split(/^(?=m=)/m);
    expect(first.match(/192\.0\.2\.\d/g)).toEqual(["192.0.2.1", "192.0.2.3"]);
    expect(first.match(/end-of-candidates/g)).toHaveLength(1);
    expect(second).not.toContain("candidate");
    const others = (text: string) => text.split("\r\n").filter((line) => !/candidate|ice-(ufrag|pwd)/.test(line));
    expect(others(restarted)).toEqual(others(answer));
    expect(() => restartedAnswer(answer, sdp("a=ice-lite"))).toThrow();
  });

  it("keeps the known candidates where the fragment has none", () => {
    const restarted = restartedAnswer(answer, sdp("a=ice-ufrag:new", "a=ice-pwd:secret-of-new"));
    expect(priorities(restarted)).toEqual(priorities(answer));
  });

  it("ranks the gateway's candidates below a browser's own, in their order, and each restart's above the last", () => {
    const browsers = 2_122_063_615; // the fourth network card's, as Chromium counts
    const first = withRankedCandidates(answer);
    const second = restartedAnswer(first, fragment);
    const third = restartedAnswer(second, fragment);
    const ranks = [first, second, third].map(priorities);
    for (const [best = 0, next = 0] of ranks) expect(best).toBeGreaterThan(next);
    expect(ranks.flat().every((rank) => rank < browsers && rank > 1_862_270_975)).toBe(true);
    for (const [at, rank] of ranks.slice(1).entries()) {
      expect(Math.min(...rank)).toBeGreaterThan(Math.max(...(ranks[at] ?? [])));
    }
  });
});

/** As much of a connection as a restart needs. */
class FakePeer extends EventTarget {
  iceConnectionState: RTCIceConnectionState = "connected";
  signalingState: RTCSignalingState = "stable";
  remoteDescription = { sdp: answer };
  readonly steps: string[] = [];
  readonly offers: unknown[] = [];
  local = "";
  entries: Record<string, unknown>[] = [];

  createOffer(options: unknown) {
    this.offers.push(options);
    return Promise.resolve({ type: "offer", sdp: offer });
  }

  setLocalDescription({ type, sdp: text = "" }: { type: string; sdp?: string }) {
    this.steps.push(type);
    this.local = text;
    this.signalingState = type === "rollback" ? "stable" : "have-local-offer";
    return Promise.resolve();
  }

  setRemoteDescription(description: { type: string; sdp: string }) {
    this.steps.push(description.type);
    this.remoteDescription = description;
    this.signalingState = "stable";
    return Promise.resolve();
  }

  getStats() {
    return Promise.resolve(new Map(this.entries.map((entry) => [String(entry.id), entry])));
  }

  /** The pair in use has brought so many octets. */
  received(bytesReceived: number, responsesReceived = 0) {
    this.entries = [
      { id: "t", type: "transport", selectedCandidatePairId: "p" },
      { id: "p", type: "candidate-pair", bytesReceived, responsesReceived },
    ];
  }

  enter(state: RTCIceConnectionState) {
    this.iceConnectionState = state;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
  }

  get real(): RTCPeerConnection {
    return this as unknown as RTCPeerConnection;
  }
}

describe("ICE restart by PATCH", () => {
  const never = new AbortController().signal;
  const url = "https://gw.example/sessions/abc";
  afterEach(() => vi.unstubAllGlobals());

  function answering(response: Response) {
    const fetched = vi.fn().mockResolvedValue(response);
    vi.stubGlobal("fetch", fetched);
    return fetched;
  }

  it("sends the fragment, takes the answer, and keeps what was done to the first offer", async () => {
    const peer = new FakePeer();
    const fetched = answering(new Response(fragment));
    await restartIce(peer.real, url, { token: "t" }, never, (text) => text.replace("x=1", "x=2"));
    expect(peer.offers).toEqual([{ iceRestart: true }]);
    expect(peer.steps).toEqual(["offer", "answer"]);
    expect(peer.local).toContain("a=fmtp:111 x=2");
    expect(peer.remoteDescription.sdp).toContain("a=ice-ufrag:new");
    const [asked, init] = fetched.mock.calls[0] as [string, { method: string; headers: Headers; body: string }];
    expect([asked, init.method, init.body]).toEqual([url, "PATCH", restartFragment(offer)]);
    expect(Object.fromEntries(init.headers)).toMatchObject({
      "content-type": "application/trickle-ice-sdpfrag",
      "if-match": "*",
      authorization: "Bearer t",
    });
  });

  it.each([404, 412, 428])("leaves everything as it was when refused with %i", async (status) => {
    const peer = new FakePeer();
    answering(new Response("{}", { status }));
    await expect(restartIce(peer.real, url, {}, never)).rejects.toMatchObject({ status });
    expect(peer.steps).toEqual(["offer", "rollback"]);
    expect([peer.signalingState, peer.remoteDescription.sdp]).toEqual(["stable", answer]);
  });

  it("takes an offer back that nobody answered usefully", async () => {
    const peer = new FakePeer();
    answering(new Response(null, { status: 204 }));
    await expect(restartIce(peer.real, url, {}, never)).rejects.toThrow();
    expect(peer.steps).toEqual(["offer", "rollback"]);
  });
});

describe("what came over a path", () => {
  const pair = (id: string, bytesReceived: number, more = {}) => ({ id, type: "candidate-pair", bytesReceived, ...more });
  const counts = (...entries: readonly Record<string, unknown>[]) =>
    pathCounts(new Map(entries.map((entry) => [String(entry.id), entry])), "bytesReceived", "responsesReceived");

  it("counts the pair in use, in each browser's way to tell, and all where it does not", () => {
    const chromium = { id: "t", type: "transport", selectedCandidatePairId: "a" };
    expect([...counts(chromium, pair("a", 5, { responsesReceived: 2 }), pair("b", 7))]).toEqual([["a", 7]]);
    expect([...counts(pair("a", 5), pair("b", 7, { selected: true }))]).toEqual([["b", 7]]);
    expect([...counts(pair("a", 5), pair("b", 7))].length).toBe(2);
    expect([...counts({ id: "t", type: "transport" })]).toEqual([]);
  });

  it("has grown when a pair brought more, also a new one, but not when one was forgotten", () => {
    expect(grown(counts(pair("a", 5)), counts(pair("a", 6)))).toBe(true);
    expect(grown(counts(pair("a", 5)), counts(pair("b", 1)))).toBe(true);
    expect(grown(counts(pair("a", 5)), counts(pair("b", 0)))).toBe(false);
    expect(grown(counts(pair("a", 5), pair("b", 7)), counts(pair("b", 7)))).toBe(false);
  });
});

/** A session whose restarts come out as told, one after the other; the last outcome stays. */
function sessionOf(peer: FakePeer, ...outcomes: readonly (() => Promise<void>)[]) {
  const left = [...outcomes];
  const restart = vi.fn((_: unknown, signal: AbortSignal) => {
    const outcome = left.length > 1 ? left.shift() : left[0];
    return Promise.race([
      outcome?.() ?? Promise.resolve(),
      new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new ApiError(0, "")))),
    ]);
  });
  return { peer: peer.real, restart } satisfies MendableSession;
}

const answered = () => Promise.resolve();
const refused = (status: number) => () => Promise.reject(new ApiError(status, ""));
const hanging = () => new Promise<void>(() => undefined);

describe("mending", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function mending(peer: FakePeer, ...outcomes: readonly (() => Promise<void>)[]) {
    const session = sessionOf(peer, ...outcomes);
    const ended = vi.fn();
    const mender = new Mender(session, () => ({}), ended);
    mender.mend();
    return { mender, ended, restart: session.restart };
  }

  it("is done when the path carries", async () => {
    const peer = new FakePeer();
    peer.received(100);
    const { mender, ended, restart } = mending(peer, answered);
    await vi.advanceTimersByTimeAsync(300);
    expect([mender.busy, restart.mock.calls.length]).toEqual([true, 1]);
    peer.received(100, 1);
    await vi.advanceTimersByTimeAsync(100);
    expect(ended.mock.calls).toEqual([[true]]);
    expect(mender.busy).toBe(false);
  });

  it("restarts again where nothing came, and gives up after some seconds", async () => {
    const { ended, restart } = mending(new FakePeer(), answered);
    await vi.advanceTimersByTimeAsync(2100);
    expect([restart.mock.calls.length, ended.mock.calls.length]).toEqual([4, 0]);
    await vi.advanceTimersByTimeAsync(1900);
    expect([restart.mock.calls.length, ended.mock.calls]).toEqual([5, [[false]]]);
  });

  it.each([404, 412, 428, 401])("gives up at once when refused with %i", async (status) => {
    const { ended, restart } = mending(new FakePeer(), refused(status));
    await vi.advanceTimersByTimeAsync(0);
    expect([restart.mock.calls.length, ended.mock.calls]).toEqual([1, [[false]]]);
  });

  it("asks a server again that cannot be reached, for as long as that may keep the session", async () => {
    const { ended, restart } = mending(new FakePeer(), refused(0));
    await vi.advanceTimersByTimeAsync(9000);
    expect(restart.mock.calls.length).toBeGreaterThan(5);
    expect(restart.mock.calls.length).toBeLessThan(12);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(4000);
    expect(ended.mock.calls).toEqual([[false]]);
  });

  it("does not wait for an answer that gets lost", async () => {
    const peer = new FakePeer();
    const { ended, restart } = mending(peer, hanging, answered);
    await vi.advanceTimersByTimeAsync(1800);
    expect(restart).toHaveBeenCalledTimes(2);
    peer.received(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(ended.mock.calls).toEqual([[true]]);
  });

  it("notices a path that healed by itself", async () => {
    const peer = new FakePeer();
    const { ended } = mending(peer, refused(0));
    await vi.advanceTimersByTimeAsync(50);
    peer.received(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(ended.mock.calls).toEqual([[true]]);
  });

  it("begins anew for another network, one restart after the other, and tells the end once", async () => {
    const peer = new FakePeer();
    const { mender, ended, restart } = mending(peer, hanging, answered);
    await vi.advanceTimersByTimeAsync(100);
    mender.mend();
    await vi.advanceTimersByTimeAsync(100);
    expect(restart).toHaveBeenCalledTimes(2);
    expect(restart.mock.calls[0]?.[1].aborted).toBe(true);
    peer.received(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(ended.mock.calls).toEqual([[true]]);
  });

  it("says nothing after it was closed", async () => {
    const { mender, ended } = mending(new FakePeer(), refused(404));
    mender.close();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(ended).not.toHaveBeenCalled();
  });
});

describe("keeping a path", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function keeping(outcome: () => Promise<void>, reachable?: () => Promise<boolean>) {
    const peer = new FakePeer();
    const session = sessionOf(peer, outcome);
    const told: string[] = [];
    const keeper = new PathKeeper(session, {
      caller: () => ({}),
      silence: 0.5,
      ...(reachable ? { reachable } : {}),
      onBroken: () => void told.push("broken"),
      onMended: () => void told.push("mended"),
      onLost: () => void told.push("lost"),
    });
    let bytes = 0;
    /** Reads five times a second; packets come every so many readings, or not at all. */
    const watch = async (seconds: number, every = 1, expected = true) => {
      for (let reading = 1; reading <= seconds * 5; reading += 1) {
        await vi.advanceTimersByTimeAsync(200);
        if (every > 0 && reading % every === 0) peer.received((bytes += 1000));
        keeper.observe(await peer.getStats(), expected);
      }
    };
    return { peer, keeper, told, watch, restart: session.restart };
  }

  it("mends after silence and leaves a path alone that carries", async () => {
    const { told, watch, restart, keeper } = keeping(answered);
    await watch(5);
    expect([told, restart.mock.calls.length]).toEqual([[], 0]);
    await watch(0.4, 0);
    expect(told).toEqual([]);
    await watch(0.4, 0);
    expect([told, keeper.mending]).toEqual([["broken"], true]);
    await watch(1);
    expect([told, keeper.mending]).toEqual([["broken", "mended"], false]);
  });

  it("asks for another session when it cannot mend", async () => {
    const { told, watch } = keeping(refused(404));
    await watch(1);
    await watch(1, 0);
    expect(told).toEqual(["broken", "lost"]);
  });

  it("waits where the gateway can be reached: it has nothing to send", async () => {
    const reachable = vi.fn().mockResolvedValue(true);
    const { told, watch, restart, keeper } = keeping(answered, reachable);
    await watch(1);
    await watch(4, 0);
    expect([told, restart.mock.calls.length]).toEqual([[], 0]);
    expect(reachable.mock.calls.length).toBe(2);
    reachable.mockResolvedValue(false);
    await watch(2, 0);
    expect(told).toEqual(["broken"]);
    keeper.close();
  });

  it("does not act on an answer that packets have overtaken", async () => {
    const { told, watch } = keeping(answered, () => new Promise((resolve) => setTimeout(() => resolve(false), 300)));
    await watch(1);
    await watch(0.6, 0);
    await watch(1);
    expect(told).toEqual([]);
  });

  it("learns how seldom a still picture is sent", async () => {
    const { told, watch } = keeping(answered);
    await watch(0.4);
    await watch(0.4, 2);
    await watch(20, 4);
    expect(told).toEqual([]);
    await watch(2.4, 0);
    expect(told).toEqual(["broken"]);
  });

  it("takes no silence for a fault while the technician is away", async () => {
    const { told, watch } = keeping(answered);
    await watch(1);
    await watch(10, 0, false);
    await watch(1, 0, true);
    expect(told).toEqual([]);
  });

  it("gives a disconnected transport half a second to recover", async () => {
    const { peer, told, keeper } = keeping(hanging);
    peer.enter("disconnected");
    await vi.advanceTimersByTimeAsync(400);
    peer.enter("connected");
    await vi.advanceTimersByTimeAsync(1000);
    expect(told).toEqual([]);
    peer.enter("disconnected");
    await vi.advanceTimersByTimeAsync(500);
    expect([told, keeper.mending]).toEqual([["broken"], true]);
    keeper.close();
  });

  it("mends at once when ICE failed, and never after it was closed", async () => {
    const { peer, told, keeper } = keeping(hanging);
    peer.enter("failed");
    expect([told, keeper.mending]).toEqual([["broken"], true]);
    keeper.close();
    const closed = keeping(hanging);
    closed.keeper.close();
    closed.peer.enter("failed");
    await vi.advanceTimersByTimeAsync(1000);
    expect([closed.told, closed.keeper.mending]).toEqual([[], false]);
  });

  it("restarts in another network though pictures flow, and says nothing of it", async () => {
    const { told, watch, keeper, restart } = keeping(answered);
    await watch(1);
    keeper.networkChanged();
    await watch(1);
    expect([told, restart.mock.calls.length]).toEqual([["mended"], 1]);
  });

  it("believes in another network when packets stop, where the browser does not say", async () => {
    const { told, watch, keeper } = keeping(hanging);
    await watch(1);
    keeper.networkSeemsChanged();
    await watch(1);
    expect(told).toEqual([]);
    keeper.networkSeemsChanged();
    await watch(0.4, 0);
    expect(told).toEqual(["broken"]);
    keeper.close();
  });

  it("tells for how long answers of the gateway keep a path alive", async () => {
    const { peer, keeper } = keeping(answered);
    peer.received(0, 1);
    keeper.observe(await peer.getStats(), false);
    await vi.advanceTimersByTimeAsync(3900);
    keeper.observe(await peer.getStats(), false);
    expect(keeper.alive).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(keeper.alive).toBe(false);
  });
});

describe("changes of the network", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function device(type?: string) {
    const page = Object.assign(new EventTarget(), { setTimeout });
    const connection = Object.assign(new EventTarget(), { type });
    const browser = { connection, onLine: true };
    vi.stubGlobal("window", page);
    vi.stubGlobal("navigator", browser);
    const told: string[] = [];
    const stop = new AbortController();
    const listener = { changed: () => void told.push("changed"), perhapsChanged: () => void told.push("perhaps") };
    watchNetwork(listener, stop.signal);
    const change = (to?: string) => {
      connection.type = to;
      connection.dispatchEvent(new Event("change"));
    };
    return { browser, told, stop, change, online: () => page.dispatchEvent(new Event("online")) };
  }

  it("tells once of a network that came back, whatever browsers say besides", async () => {
    const { told, change, online } = device();
    change();
    online();
    change();
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toEqual(["changed"]);
  });

  it("tells a new kind of network from a new guess of its speed, where the kind is known", async () => {
    const { told, change } = device("wifi");
    change("cellular");
    await vi.advanceTimersByTimeAsync(100);
    change("cellular");
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toEqual(["changed", "perhaps"]);
  });

  it("waits for the next network when there is none", async () => {
    const { told, change, browser } = device("wifi");
    browser.onLine = false;
    change("none");
    await vi.advanceTimersByTimeAsync(100);
    browser.onLine = true;
    change("wifi");
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toEqual(["changed"]);
  });

  it("is quiet when it was told to be", async () => {
    const { told, stop, online } = device();
    online();
    stop.abort();
    online();
    await vi.advanceTimersByTimeAsync(100);
    expect(told).toEqual([]);
  });
});

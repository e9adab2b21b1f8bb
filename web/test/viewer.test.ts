import { describe, expect, it } from "vitest";
import { type KeyValueStore, readAddress, TokenStore } from "../src/browser/token-store";
import { deedOf, type Focus } from "../src/pages/viewer-keys";
import { FrameWatch } from "../src/viewer/frame-watch";
import { noStats, playbackStats } from "../src/viewer/playback-stats";

const limits = { opening: 8, stall: 3 };

function decoded(frames: number, audioPackets = 0, video = frames > 0) {
  return { frames, audioPackets, video, bytes: frames * 1000 + audioPackets * 100 };
}

describe("frame watch", () => {
  it("waits for the first picture, then notices a stall", () => {
    const watch = new FrameWatch(0, limits);
    expect(watch.observe(decoded(0), 1)).toBe("pending");
    expect(watch.observe(decoded(0), 7.9)).toBe("pending");
    expect(watch.observe(decoded(5), 7.95)).toBe("flowing");
    expect(watch.observe(decoded(5), 10)).toBe("pending");
    expect(watch.observe(decoded(5), 11)).toBe("stalled");
    expect(watch.observe(decoded(6), 12)).toBe("flowing");
  });

  it("gives up a session that never brings a picture", () => {
    const watch = new FrameWatch(0, limits);
    expect(watch.observe(decoded(0, 0, true), 8)).toBe("stalled");
  });

  it("counts the first reading with pictures as moving", () => {
    expect(new FrameWatch(0, limits).observe(decoded(1), 0.4)).toBe("flowing");
  });

  it("lets sound alone flow, but not beside a frozen picture", () => {
    const sound = new FrameWatch(0, limits);
    sound.observe(decoded(0, 10), 1);
    expect(sound.observe(decoded(0, 20), 2)).toBe("flowing");
    const frozen = new FrameWatch(0, limits);
    frozen.observe(decoded(9, 10), 1);
    frozen.observe(decoded(9, 100), 2.5);
    expect(frozen.observe(decoded(9, 200), 4)).toBe("stalled");
  });

  it("waits for a keyframe after nothing came at all", () => {
    const watch = new FrameWatch(0, limits);
    watch.observe(decoded(9, 10), 1);
    expect(watch.starved(2.9)).toBe(false);
    expect(watch.observe(decoded(9, 10), 3.9)).toBe("pending");
    expect(watch.starved(3.9)).toBe(true);
    expect(watch.observe(decoded(9, 11), 3.95)).toBe("pending");
    expect([watch.starved(4), watch.standing(4.95)]).toEqual([false, 1]);
    watch.observe(decoded(9, 12), 5.5);
    expect(watch.observe(decoded(9, 13), 6.9)).toBe("pending");
    expect(watch.observe(decoded(9, 14), 7)).toBe("stalled");
  });

  it("grants time anew, and old pictures prove nothing then", () => {
    const watch = new FrameWatch(0, limits);
    watch.observe(decoded(9), 1);
    watch.grant(3.9, 1.5);
    expect(watch.observe(decoded(9), 4.5)).toBe("pending");
    expect(watch.observe(decoded(9), 5.4)).toBe("stalled");
    watch.grant(6, 1.5);
    watch.observe(decoded(10), 6.5);
    expect(watch.observe(decoded(11), 6.9)).toBe("flowing");
  });
});

describe("playback statistics", () => {
  it("is empty without a stream", () => {
    expect(playbackStats(new Map() as unknown as RTCStatsReport)).toEqual(noStats);
  });

  it("reads picture, sound and transport", () => {
    const entries = [
      { id: "v", type: "inbound-rtp", kind: "video", framesDecoded: 5, packetsReceived: 9, codecId: "c", bytesReceived: 100 },
      { id: "a", type: "inbound-rtp", kind: "audio", packetsReceived: 7, totalAudioEnergy: 0.5, bytesReceived: 20 },
      { id: "c", type: "codec", mimeType: "video/VP8" },
      { id: "p", type: "candidate-pair", nominated: true, currentRoundTripTime: 0.01 },
    ];
    const report = new Map(entries.map((entry) => [entry.id, entry])) as unknown as RTCStatsReport;
    expect(playbackStats(report)).toMatchObject({
      frames: 5,
      video: true,
      audioPackets: 7,
      audioEnergy: 0.5,
      bytes: 120,
      codec: "VP8",
      roundTripTime: 0.01,
    });
  });
});

describe("keys of the viewer page", () => {
  const deed = (code: string, focus: Focus = "elsewhere", more: Readonly<Record<string, unknown>> = {}) =>
    deedOf({ code, key: "", ctrlKey: false, metaKey: false, altKey: false, ...more }, focus);

  it("mean the same in every layout", () => {
    expect(["KeyM", "KeyF", "KeyP", "KeyI", "KeyS", "KeyC"].map((code) => deed(code))).toEqual([
      "mute",
      "fullscreen",
      "pip",
      "figures",
      "figures",
      "chat",
    ]);
    expect([deed("ArrowUp"), deed("ArrowDown"), deed("KeyQ")]).toEqual(["louder", "quieter", undefined]);
    expect([deed("Slash", "elsewhere", { key: "?" }), deed("Digit7", "elsewhere", { key: "?" })]).toEqual(["help", "help"]);
  });

  it("mean nothing to who writes, nor with a modifier", () => {
    expect([deed("KeyM", "field"), deed("Space", "field"), deed("Slash", "field", { key: "?" })]).toEqual([undefined, undefined, undefined]);
    expect(["ctrlKey", "metaKey", "altKey"].map((key) => deed("KeyC", "elsewhere", { [key]: true }))).toEqual([undefined, undefined, undefined]);
  });

  it("leave the space bar to the button that has the focus", () => {
    expect([deed("Space"), deed("Space", "button"), deed("KeyM", "button")]).toEqual(["talk", undefined, "mute"]);
  });
});

describe("addresses with a token", () => {
  it.each([
    ["https://x/live-stream?token=abc", "abc", "/live-stream"],
    ["https://x/live-stream#token=abc", "abc", "/live-stream"],
    ["https://x/studio?lang=ru&token=q#token=abc&camera=main", "abc", "/studio?lang=ru#camera=main"],
    ["https://x/#login=repair_1", null, "/#login=repair_1"],
    ["https://x/#live-stream", null, "/#live-stream"],
  ])("%s", (href, token, clean) => {
    const address = readAddress(href);
    expect([address.parameters.get("token"), address.clean]).toEqual([token, clean]);
  });
});

class MapStore implements KeyValueStore {
  readonly items = new Map<string, string>();
  getItem(key: string) {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    this.items.set(key, value);
  }
  removeItem(key: string) {
    this.items.delete(key);
  }
}

const refusing: KeyValueStore = {
  getItem: () => {
    throw new Error("blocked");
  },
  setItem: () => {
    throw new Error("blocked");
  },
  removeItem: () => {
    throw new Error("blocked");
  },
};

describe("token store", () => {
  it("writes to every store and reads from the first that has it", () => {
    const [session, local] = [new MapStore(), new MapStore()];
    local.setItem("k", "old");
    expect(new TokenStore("k", [session, local]).read()).toBe("old");
    new TokenStore("k", [session, local]).write("new");
    expect([session.getItem("k"), local.getItem("k")]).toEqual(["new", "new"]);
    new TokenStore("k", [session, local]).clear();
    expect(new TokenStore("k", [session, local]).read()).toBeUndefined();
  });

  it("works where storage is refused", () => {
    const store = new TokenStore("k", [refusing]);
    expect(store.read()).toBeUndefined();
    store.write("t");
    expect(store.read()).toBe("t");
    store.clear();
    expect(store.read()).toBeUndefined();
  });
});

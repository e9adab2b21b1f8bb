import { describe, expect, it, vi } from "vitest";
import type { Camera, LayerState, Line } from "../src/api/event-types";
import type { LiveEvents } from "../src/api/events";
import type { WatchingSession } from "../src/api/live-session";
import { Cameras } from "../src/viewer/cameras";
import { Participation } from "../src/viewer/participation";

function camera(name: string, live = true): Camera {
  return { name, live, since: null, codec: null, layers: [] };
}

type Lines = Readonly<Record<string, string | { readonly pinned: string; readonly camera?: string | null } | null>>;

function line(mid: string, what: Lines[string] = null): Line {
  if (what === null || typeof what === "string") return { mid, camera: what, pinned: null };
  return { mid, camera: what.pinned, ...what };
}

function playing(shown: string, lines: Lines = {}, wantedCamera = shown): LayerState {
  const played = { rid: "h", width: 1280, height: 720, fps: 30, bitrate: 1_000_000, wanted: "auto", maxHeight: null };
  const further = Object.entries(lines).map(([mid, what]) => line(mid, what));
  return { sessionId: "s", camera: shown, wantedCamera, lines: further, ...played };
}

/** An order with these live cameras, and a session that plays so. */
function order(names: readonly string[], state?: LayerState): Cameras {
  const cameras = new Cameras("main");
  cameras.know(names.map((name) => camera(name)));
  cameras.play(state);
  return cameras;
}

const tile = { mid: undefined, shown: false, pinned: false };

describe("cameras", () => {
  it("offers no choice where there is only one", () => {
    const cameras = new Cameras("main");
    cameras.know([camera("main"), camera("microscope", false)]);
    expect([cameras.view.tiles, cameras.several]).toEqual([[], false]);
  });

  it("finds each live camera's line, by name; who has none is there all the same", () => {
    const cameras = order(["microscope", "main", "desk"], playing("main", { "3": null, "4": "microscope" }));
    expect(cameras.view).toEqual({
      shown: "main",
      away: undefined,
      pinned: undefined,
      pinnable: true,
      tiles: [
        { ...tile, name: "desk" },
        { ...tile, name: "main", shown: true },
        { ...tile, name: "microscope", mid: "4" },
      ],
    });
  });

  it("says who is away while another one stands in", () => {
    const cameras = new Cameras("microscope");
    cameras.know([camera("main"), camera("microscope", false)]);
    cameras.play(playing("microscope"));
    expect(cameras.view.away).toBeUndefined();
    expect(cameras.main?.name).toBe("main");
    cameras.play(playing("main", {}, "microscope"));
    expect(cameras.view).toMatchObject({ away: "microscope", shown: "main" });
    expect(cameras.main?.name).toBe("main");
    expect(cameras.wishes).toEqual([]);
  });

  it("begins with one that is live", () => {
    const cameras = new Cameras("main");
    cameras.know([camera("main", false), camera("microscope")]);
    expect(cameras.first).toBe("microscope");
    cameras.know([camera("main"), camera("microscope")]);
    expect(cameras.first).toBeUndefined();
    cameras.know([]);
    expect([cameras.main, cameras.first]).toEqual([undefined, undefined]);
    expect(new Cameras("microscope").first).toBe("microscope");
  });
});

describe("a pinned camera", () => {
  const both = ["main", "microscope"];

  it("stays on the line where it plays already", () => {
    const cameras = order(both, playing("main", { "3": null, "4": "microscope" }));
    cameras.togglePin("microscope");
    expect(cameras.wishes).toEqual([{ camera: "microscope", mid: "4" }]);
    expect(cameras.view.pinned).toEqual({ name: "microscope", mid: "4", live: true });
    cameras.play(playing("main", { "3": null, "4": { pinned: "microscope" } }));
    expect([cameras.wishes, cameras.pinnedLine]).toEqual([[], "4"]);
    expect(cameras.view.tiles[1]).toEqual({ name: "microscope", mid: "4", shown: false, pinned: true });
  });

  it("takes a free line, else the last, and the place of another pinned one before", () => {
    const three = ["desk", "main", "microscope"];
    const wishes = (lines: Lines) => {
      const cameras = order(three, playing("main", lines));
      cameras.togglePin("desk");
      return cameras.wishes;
    };
    expect(wishes({ "3": "microscope", "4": null, "5": null })).toEqual([{ camera: "desk", mid: "4" }]);
    expect(wishes({ "3": "microscope", "4": "other" })).toEqual([{ camera: "desk", mid: "4" }]);
    expect(wishes({ "3": { pinned: "microscope" }, "4": null })).toEqual([{ camera: "desk", mid: "3" }]);
    expect(wishes({ "3": { pinned: "microscope" }, "4": "desk" })).toEqual([
      { camera: null, mid: "3" },
      { camera: "desk", mid: "4" },
    ]);
    expect(wishes({})).toEqual([]);
  });

  it("is there until it is taken off, also while it is away", () => {
    const cameras = order(both, playing("main", { "3": "microscope" }));
    cameras.togglePin("microscope");
    cameras.know([camera("main")]);
    cameras.play(playing("main", { "3": { pinned: "microscope", camera: null } }));
    expect(cameras.view.pinned).toEqual({ name: "microscope", mid: "3", live: false });
    expect(cameras.wishes).toEqual([]);
    cameras.togglePin("microscope");
    expect(cameras.view.pinned).toBeUndefined();
    expect(cameras.wishes).toEqual([{ camera: null, mid: "3" }]);
  });

  it("is asked for again in the next session, once it is live", () => {
    const cameras = order(both, playing("main", { "3": "microscope" }));
    cameras.togglePin("microscope");
    cameras.play(undefined);
    expect([cameras.wishes, cameras.view.pinned?.mid]).toEqual([[], undefined]);
    cameras.know([camera("main")]);
    cameras.play(playing("main", { "3": null }));
    expect(cameras.wishes).toEqual([]);
    cameras.know(both.map((name) => camera(name)));
    expect(cameras.wishes).toEqual([{ camera: "microscope", mid: "3" }]);
  });

  it("changes places with the main one", () => {
    const cameras = order(both, playing("main", { "3": { pinned: "microscope" } }));
    cameras.togglePin("microscope");
    cameras.select("microscope");
    expect(cameras.wishes).toEqual([{ camera: "microscope" }, { camera: "main", mid: "3" }]);
    cameras.play(playing("microscope", { "3": { pinned: "main" } }));
    expect(cameras.wishes).toEqual([]);
  });

  it("is never the main one at the same time by choice", () => {
    const cameras = order(both, playing("main", { "3": "microscope" }));
    cameras.togglePin("main");
    expect(cameras.view.pinned).toBeUndefined();
    // Shown in the place of one that is away, and chosen then.
    cameras.togglePin("microscope");
    cameras.know([camera("microscope")]);
    cameras.play(playing("microscope", { "3": { pinned: "microscope" } }, "main"));
    cameras.select("microscope");
    expect([cameras.view.pinned, cameras.view.away]).toEqual([undefined, undefined]);
  });

  it("that is not to be had is given up, as is a main one", () => {
    const cameras = order(both, playing("main", { "3": "microscope" }));
    cameras.togglePin("microscope");
    cameras.select("desk");
    cameras.giveUp();
    expect([cameras.wanted, cameras.view.pinned]).toEqual(["main", undefined]);
    cameras.play(playing("main", { "3": { pinned: "microscope" } }));
    cameras.giveUp();
    expect(cameras.view.pinned?.name).toBe("microscope");
  });
});

/** A page that takes part, and what the gateway was asked; `refuse` makes it refuse. */
function page(scopes: readonly string[] = []) {
  const heard = new Map<string, (state: never) => void>();
  const asked: [string, unknown][] = [];
  const gateway = { refuse: false };
  const events = {
    connected: true,
    on: (event: string, handler: (state: never) => void) => heard.set(event, handler),
    ask: (event: string, data: unknown) => {
      asked.push([event, data]);
      return gateway.refuse ? Promise.reject(new Error("no")) : Promise.resolve({});
    },
  };
  const part = new Participation("main", vi.fn(), vi.fn());
  part.allow(scopes);
  part.listen(events as unknown as LiveEvents);
  part.cameras.know([camera("main"), camera("microscope")]);
  const hear = (state: LayerState) => heard.get("layer:state")?.(state as never);
  const open = (more: Partial<WatchingSession> = {}) => part.opened({ sessionId: "s", ...more } as WatchingSession);
  return { part, asked, gateway, hear, open };
}

const none = new Map() as RTCStatsReport;

describe("taking part", () => {
  it("asks for a pin once, then for a layer that fits, and again when the picture's size changes", () => {
    const { part, asked, hear, open } = page();
    open();
    hear(playing("main", { "3": "microscope" }));
    part.pin("microscope");
    part.pursue();
    part.observe(none, 300);
    expect(asked).toEqual([["camera:select", { sessionId: "s", camera: "microscope", mid: "3" }]]);
    hear(playing("main", { "3": { pinned: "microscope" } }));
    part.observe(none, 300);
    part.observe(none, 305);
    part.observe(none, 600);
    expect(asked.slice(1)).toEqual([
      ["layer:select", { sessionId: "s", mid: "3", rid: "auto", maxHeight: 450 }],
      ["layer:select", { sessionId: "s", mid: "3", rid: "auto", maxHeight: 900 }],
    ]);
  });

  it("says the size anew for another camera on the same line", () => {
    const { part, asked, hear, open } = page();
    open();
    hear(playing("main", { "3": { pinned: "microscope" } }));
    part.pin("microscope");
    part.observe(none, 300);
    part.select("microscope");
    hear(playing("microscope", { "3": { pinned: "main" } }));
    part.observe(none, 300);
    expect(asked.filter(([event]) => event === "layer:select")).toHaveLength(2);
  });

  it("gives up what the gateway refuses, in the session in which it was asked", async () => {
    const { part, asked, gateway, hear, open } = page();
    open();
    hear(playing("main", { "3": "microscope" }));
    gateway.refuse = true;
    part.pin("microscope");
    await vi.waitFor(() => expect(part.cameras.view.pinned).toBeUndefined());
    part.pin("microscope");
    part.closed();
    await Promise.resolve();
    expect(part.cameras.view.pinned?.name).toBe("microscope");
    expect(asked).toHaveLength(2);
  });

  it("wants another session only for lines that could not be asked for", () => {
    const { part, open } = page();
    open();
    expect(part.lacking).toBe(true);
    open({ thumbnails: 3 });
    expect(part.lacking).toBe(false);
    part.opening();
    open();
    expect(part.lacking).toBe(false);
    const silent = page(["talk"]);
    silent.open({ thumbnails: 3 });
    expect(silent.part.lacking).toBe(true);
    silent.part.cameras.know([camera("main")]);
    silent.open({ talkSender: {} as RTCRtpSender });
    expect(silent.part.lacking).toBe(false);
  });
});

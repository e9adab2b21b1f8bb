import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Layer, LayerState } from "../src/api/event-types";
import type { LayerWish, LiveEvents, PlaybackReport } from "../src/api/events";
import { ClockOffset, GlassToGlass, readOffset } from "../src/viewer/glass-to-glass";
import { PlaybackQuality } from "../src/viewer/playback-quality";
import { PlaybackReporter } from "../src/viewer/playback-report";
import { noStats } from "../src/viewer/playback-stats";
import { Quality, qualityOptions } from "../src/viewer/quality";

function layer(rid: string, height: number, more: Partial<Layer> = {}): Layer {
  return { rid, width: (height * 16) / 9, height, fps: 25, bitrate: height * 2000, live: true, ...more };
}

const [low, middle, high] = [layer("l", 180), layer("m", 360), layer("h", 720)];
const ladder = [low, middle, high];

describe("what can be chosen", () => {
  it("is named by its height, best first", () => {
    expect(qualityOptions(ladder)).toEqual([
      { rid: "h", name: { lines: 720 } },
      { rid: "m", name: { lines: 360 } },
      { rid: "l", name: { lines: 180 } },
    ]);
  });

  it("is named by the short side of an upright picture", () => {
    expect(qualityOptions([layer("h", 1280, { width: 720 })])[0]?.name).toEqual({ lines: 720 });
  });

  it("leaves out what is not sent or has no size yet", () => {
    expect(qualityOptions([layer("h", 720, { live: false }), layer("m", 0), low]).map(({ rid }) => rid)).toEqual(["l"]);
  });

  it("tells layers of one height apart by frames, where they differ clearly", () => {
    const names = qualityOptions([layer("a", 720, { fps: 14.9 }), layer("b", 720, { fps: 30.1 }), low]).map(({ name }) => name);
    expect(names).toContainEqual({ lines: 720, fps: 15 });
    expect(names).toContainEqual({ lines: 720, fps: 30 });
    expect(names).toContainEqual({ lines: 180 });
  });

  it("tells layers of one height apart by bitrate otherwise, the richer first", () => {
    const same = [layer("a", 720, { fps: 29, bitrate: 800_000 }), layer("b", 720, { fps: 30, bitrate: 2_000_000 })];
    expect(qualityOptions(same)).toEqual([
      { rid: "b", name: { lines: 720, bitrate: 2_000_000 } },
      { rid: "a", name: { lines: 720, bitrate: 800_000 } },
    ]);
  });
});

describe("a choice", () => {
  function chosen(rid: string): Quality {
    const quality = new Quality();
    quality.offer(ladder);
    quality.choose(rid);
    return quality;
  }

  it("is none where there is one layer", () => {
    const quality = new Quality();
    expect(quality.view(0)).toBeUndefined();
    quality.offer([high]);
    expect(quality.view(0)).toBeUndefined();
  });

  it("begins with auto and shows what plays", () => {
    const quality = new Quality();
    quality.offer(ladder);
    expect(quality.view(0)).toMatchObject({ chosen: "auto", playing: undefined, held: false });
    quality.plays(middle);
    expect(quality.view(0)).toMatchObject({ chosen: "auto", playing: { lines: 360 }, held: false });
  });

  it("falls back to auto when its layer does not exist, and holds again when that returns", () => {
    const quality = chosen("m");
    quality.offer([layer("0", 720), layer("1", 360)]);
    expect([quality.wish, quality.view(0)?.chosen]).toEqual(["auto", "auto"]);
    quality.offer(ladder);
    expect([quality.wish, quality.view(0)?.chosen]).toEqual(["m", "m"]);
  });

  it("outlives a technician who is away for a while", () => {
    const quality = chosen("m");
    quality.offer([]);
    expect(quality.wish).toBe("m");
  });

  it("says that a smaller layer plays, but not while the change is on its way", () => {
    const quality = chosen("h");
    quality.plays(low);
    expect(quality.view(10)?.held).toBe(false);
    expect(quality.view(13.9)?.held).toBe(false);
    expect(quality.view(14)).toMatchObject({ chosen: "h", playing: { lines: 180 }, held: true });
    quality.plays(high);
    expect(quality.view(14.1)?.held).toBe(false);
    quality.plays(low);
    expect(quality.view(15)?.held).toBe(false);
  });

  it("does not call a larger layer a lack", () => {
    const quality = chosen("l");
    quality.plays(high);
    quality.view(0);
    expect(quality.view(60)?.held).toBe(false);
  });
});

describe("glass to glass", () => {
  /** NTP milliseconds of a Unix time. */
  const ntp = (unix: number) => unix + 2_208_988_800_000;

  it("is the median of shown frames", () => {
    const glass = new GlassToGlass();
    for (const [at, delay] of [[1000, 80], [1040, 500], [1080, 60], [1120, 90]] as const) glass.frame(at - delay, at);
    expect(glass.delay(1120)).toBeCloseTo(0.085);
  });

  it("forgets after five seconds", () => {
    const glass = new GlassToGlass();
    glass.frame(900, 1000);
    glass.frame(5300, 5500);
    expect(glass.delay(5500)).toBeCloseTo(0.15);
    expect(glass.delay(6000)).toBeCloseTo(0.2);
    expect(glass.delay(10_500)).toBeUndefined();
  });

  it("comes from statistics and both clocks where frames do not tell", () => {
    const glass = new GlassToGlass();
    glass.frame(undefined, 1000);
    glass.playout(1000, ntp(1_700_000_000_000), 1_700_000_000_120);
    expect(glass.delay(1000)).toBeCloseTo(0.12);
  });

  it("is unknown without the gateway's clock or a playout time", () => {
    const glass = new GlassToGlass();
    glass.playout(1000, ntp(1_700_000_000_000), undefined);
    glass.playout(1000, undefined, 1_700_000_000_120);
    expect(glass.delay(1000)).toBeUndefined();
  });

  it("prefers what frames tell", () => {
    const glass = new GlassToGlass();
    glass.playout(1000, ntp(1_700_000_000_000), 1_700_000_000_120);
    glass.frame(950, 1000);
    expect(glass.delay(1000)).toBeCloseTo(0.05);
  });

  it("leaves out what cannot be, and knows no negative delay", () => {
    const glass = new GlassToGlass();
    for (const capture of [-70_000, 1500, Number.NaN]) glass.frame(capture, 1000);
    expect(glass.delay(1000)).toBeUndefined();
    glass.frame(1003, 1000);
    expect(glass.delay(1000)).toBe(0);
  });
});

describe("the gateway's clock", () => {
  it("is taken from the quickest answer", () => {
    const clock = new ClockOffset();
    expect(clock.offset).toBeUndefined();
    clock.add(0, 5100, 200);
    clock.add(1000, 6004, 1010);
    clock.add(2000, 7300, 2400);
    expect(clock.offset).toBe(4999);
  });

  it("does not cling to an old lucky answer", () => {
    const clock = new ClockOffset();
    clock.add(0, 5001, 2);
    for (let round = 1; round <= 10; round += 1) clock.add(round * 1000, round * 1000 + 5010, round * 1000 + 4);
    expect(clock.offset).toBe(5008);
  });

  it("is asked for a few times, and no more where nobody answers", async () => {
    let now = 0;
    const ask = vi.fn(() => Promise.resolve((now += 10) + 700));
    const clock = new ClockOffset();
    await readOffset(clock, ask, () => now);
    expect([ask.mock.calls.length, clock.offset]).toEqual([5, 705]);
    const silent = vi.fn(() => Promise.resolve(undefined));
    await readOffset(clock, silent, () => now);
    expect(silent).toHaveBeenCalledTimes(1);
  });
});

describe("reports of playback", () => {
  it("begin with the first picture and come every five seconds", () => {
    const reporter = new PlaybackReporter(100);
    expect(reporter.due(100.4, noStats, false, undefined)).toBeUndefined();
    reporter.shown(100.7);
    reporter.shown(100.8);
    const first = reporter.due(100.9, { ...noStats, freezes: 0, frozen: 0 }, false, undefined);
    expect(first).toEqual({ firstFrame: expect.closeTo(0.7) as number, freezes: 0, frozen: 0, stalled: false });
    expect(reporter.due(105.8, noStats, false, 0.2)).toBeUndefined();
    expect(reporter.due(105.9, { ...noStats, freezes: 2, frozen: 1.5 }, false, 0.2)).toEqual({
      glassToGlass: 0.2,
      freezes: 2,
      frozen: 1.5,
      stalled: false,
    });
  });

  it("leave out what the browser does not count", () => {
    const reporter = new PlaybackReporter(0);
    reporter.shown(1);
    expect(reporter.due(1, noStats, false, undefined)).toEqual({ firstFrame: 1, stalled: false });
  });

  it("tell a stall at once, also before the first picture", () => {
    expect(new PlaybackReporter(0).due(8, noStats, true, undefined)).toEqual({ stalled: true });
    const reporter = new PlaybackReporter(0);
    reporter.shown(1);
    reporter.due(1, noStats, false, undefined);
    expect(reporter.due(3, noStats, true, undefined)).toEqual({ stalled: true });
  });

  it("count the first picture from the tap that the browser wanted", () => {
    const reporter = new PlaybackReporter(0);
    reporter.tapped(20);
    reporter.shown(20.3);
    reporter.tapped(30);
    expect(reporter.due(20.4, noStats, false, undefined)?.firstFrame).toBeCloseTo(0.3);
  });
});

describe("a page that plays", () => {
  let now = 0;
  beforeEach(() => {
    now = 0;
    vi.stubGlobal("performance", { now: () => now });
    vi.stubGlobal("HTMLVideoElement", class {
      requestVideoFrameCallback() {
        return 0;
      }
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  /** A gateway whose clock shows 50 seconds more than the page's. */
  function gateway() {
    const wishes: (LayerWish & { readonly session: string })[] = [];
    const reports: PlaybackReport[] = [];
    const events = {
      connected: true,
      selectLayer: (session: string, wish: LayerWish) => void wishes.push({ session, ...wish }),
      reportPlayback: (_: string, report: PlaybackReport) => void reports.push(report),
      readClock: vi.fn(() => Promise.resolve(now + 50_000)),
    };
    return { clock: events.readClock, events: events as unknown as LiveEvents & { connected: boolean }, wishes, reports };
  }

  function playing(events: LiveEvents, onChange = () => undefined): PlaybackQuality {
    const quality = new PlaybackQuality(() => events, () => 400, onChange);
    quality.connected();
    quality.offer(ladder);
    quality.opening();
    quality.opened("s1");
    return quality;
  }

  it("asks for a chosen layer, also in the next session and of a gateway that came back", () => {
    const { events, wishes } = gateway();
    const quality = playing(events);
    quality.choose("m");
    quality.closed();
    quality.opening();
    quality.opened("s2");
    quality.connected();
    quality.observe(noStats, "pending");
    quality.choose("auto");
    expect(wishes).toEqual([
      { session: "s1", rid: "auto", maxHeight: 600 },
      { session: "s1", rid: "m" },
      { session: "s2", rid: "m" },
      { session: "s2", rid: "m" },
      { session: "s2", rid: "auto", maxHeight: 600 },
    ]);
  });

  function told(sessionId: string, { rid, width, height, fps, bitrate }: Layer): LayerState {
    const camera = { camera: "main", wantedCamera: "main", lines: [] };
    return { sessionId, ...camera, rid, width, height, fps, bitrate, wanted: "auto", maxHeight: null };
  }

  it("shows the layer of its own session, also when that is told early", () => {
    const { events } = gateway();
    const quality = playing(events);
    quality.layerChanged(told("s2", middle));
    expect(quality.view?.playing).toBeUndefined();
    quality.closed();
    quality.opened("s2");
    expect(quality.view?.playing).toEqual({ lines: 360 });
    quality.closed();
    expect(quality.view?.playing).toBeUndefined();
  });

  it("reports the delay by the gateway's clock", async () => {
    const { events, reports, clock } = gateway();
    const quality = playing(events);
    quality.observe(noStats, "pending");
    await vi.waitFor(() => expect(clock).toHaveBeenCalledTimes(5));
    quality.shown({ expectedDisplayTime: 0 });
    // Captured 130 ms ago on the gateway's clock.
    now = 1000;
    quality.observe({ ...noStats, playout: 2_208_988_800_000 + 51_000 - 130 }, "flowing");
    expect(reports[0]?.glassToGlass).toBeCloseTo(0.13);
    expect(quality.delay).toBeCloseTo(0.13);
  });

  it("says nothing while nobody listens", () => {
    const { events, wishes, reports } = gateway();
    events.connected = false;
    const quality = playing(events);
    quality.choose("m");
    quality.shown({ expectedDisplayTime: 0 });
    quality.observe(noStats, "flowing");
    expect([wishes, reports]).toEqual([[], []]);
  });
});

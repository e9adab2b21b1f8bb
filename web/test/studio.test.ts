import { describe, expect, it } from "vitest";
import { nameProblem, parseCameras } from "../src/studio/camera-names";
import { captureProblem, freeCamera } from "../src/studio/capture";
import { Ducking } from "../src/studio/ducking";
import { encodingsFor } from "../src/studio/encodings";
import { FrameMeter } from "../src/studio/frame-meter";
import { OutgoingMeter, type OutgoingStats } from "../src/studio/outgoing-stats";
import { defaultSettings, parseSettings, silentSettings } from "../src/studio/settings";
import { UplinkWatch } from "../src/studio/uplink";

const quality = { frameRate: 30, bitrate: 3_000_000, simulcast: true };

describe("layers", () => {
  it.each([
    [1920, 1080, ["l", "m", "h"]],
    [1280, 720, ["l", "m", "h"]],
    [720, 1280, ["l", "m", "h"]],
    [640, 480, ["m", "h"]],
    [320, 240, [undefined]],
  ])("%i×%i gives %j, lowest first", (width, height, rids) => {
    const encodings = encodingsFor({ width, height }, quality);
    expect(encodings.map(({ rid }) => rid)).toEqual(rids);
    const scales = encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy ?? 0);
    expect(scales).toEqual([...scales].sort((a, b) => b - a));
    expect(scales.at(-1)).toBe(1);
  });

  it("shares the whole bitrate, more to the larger", () => {
    const shares = encodingsFor({ width: 1280, height: 720 }, quality).map(({ maxBitrate }) => maxBitrate ?? 0);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(quality.bitrate);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
  });

  it("sends one layer without a rid when simulcast is off", () => {
    const [only, ...others] = encodingsFor({ width: 1920, height: 1080 }, { ...quality, simulcast: false });
    expect(others).toEqual([]);
    expect(only).toMatchObject({ maxBitrate: 3_000_000, maxFramerate: 30, scaleResolutionDownBy: 1 });
    expect(only && "rid" in only).toBe(false);
  });
});

function report(...entries: readonly Record<string, unknown>[]): RTCStatsReport {
  return new Map(entries.map((entry) => [String(entry.id), entry]));
}

function layer(rid: string, frameHeight: number, bytesSent: number, timestamp: number, reason = "none") {
  return {
    id: `out-${rid}`,
    type: "outbound-rtp",
    kind: "video",
    rid,
    frameHeight,
    frameWidth: (frameHeight * 16) / 9,
    framesPerSecond: 30,
    bytesSent,
    timestamp,
    qualityLimitationReason: reason,
    codecId: "codec",
  };
}

describe("outgoing statistics", () => {
  it("measures each layer between two readings, smallest first", () => {
    const meter = new OutgoingMeter();
    const codec = { id: "codec", type: "codec", mimeType: "video/H264" };
    const first = meter.read(report(codec, layer("h", 720, 1000, 0), layer("l", 180, 0, 0)));
    expect(first.layers.map(({ bitrate }) => bitrate)).toEqual([0, 0]);
    const second = meter.read(report(codec, layer("h", 720, 251_000, 1000), layer("l", 180, 12_500, 1000)));
    expect(second.layers.map(({ rid, bitrate }) => [rid, bitrate])).toEqual([
      ["l", 100_000],
      ["h", 2_000_000],
    ]);
    expect(second.codec).toBe("H264");
  });

  it("shows no rate for a counter that began anew", () => {
    const meter = new OutgoingMeter();
    meter.read(report(layer("h", 720, 5000, 0)));
    expect(meter.read(report(layer("h", 720, 100, 1000))).layers[0]?.bitrate).toBe(0);
  });

  it("tells what the video is set to and what the browser makes of it now", () => {
    const encodings = [{ rid: "l", maxBitrate: 200 }, { rid: "m", active: false, maxBitrate: 70 }, { rid: "h", active: true, maxBitrate: 2000 }];
    const low = { ...layer("l", 180, 0, 0), targetBitrate: 150 };
    const high = { ...layer("h", 720, 0, 0), targetBitrate: 1000 };
    expect(new OutgoingMeter().read(report(low, high), encodings)).toMatchObject({ target: 1150, wanted: 2200 });
    expect(new OutgoingMeter().read(report(layer("h", 720, 0, 0)))).toMatchObject({ target: undefined, wanted: 0 });
  });

  it("reports the worst of round trip, loss and limitation", () => {
    const stats = new OutgoingMeter().read(
      report(
        layer("l", 180, 0, 0, "bandwidth"),
        layer("h", 720, 0, 0, "cpu"),
        { id: "r1", type: "remote-inbound-rtp", kind: "video", roundTripTime: 0.02, fractionLost: 0.1 },
        { id: "r2", type: "remote-inbound-rtp", kind: "audio", roundTripTime: 0.03, fractionLost: 0.5 },
      ),
    );
    expect(stats).toMatchObject({ limitation: "cpu", roundTripTime: 0.03, fractionLost: 0.1 });
  });

  it("takes the round trip of the candidate pair until a report comes", () => {
    const pair = { id: "p", type: "candidate-pair", nominated: true, currentRoundTripTime: 0.005 };
    expect(new OutgoingMeter().read(report(pair))).toMatchObject({ roundTripTime: 0.005, fractionLost: undefined });
    expect(new OutgoingMeter().read(report()).roundTripTime).toBeUndefined();
  });
});

describe("uplink", () => {
  const sending = {
    layers: [{ rid: "h", width: 1280, height: 720, framesPerSecond: 30, bitrate: 1_000_000 }],
    audioBitrate: 0,
    codec: "H264",
    roundTripTime: undefined,
    fractionLost: undefined,
    limitation: "none",
    target: 2_800_000,
    wanted: 3_000_000,
  } as const;
  const heldBack = { ...sending, target: 1_200_000, limitation: "bandwidth" } as const;

  /** Reads once a second after the gateway told the same each two; returns the last reading. */
  function watched(stats: OutgoingStats, arriving: { bitrate: number; loss: number }, until: number, settings = defaultSettings) {
    const watch = new UplinkWatch();
    let view = watch.read("s", stats, settings, 0);
    for (let now = 0; now <= until; now += 1) {
      if (now % 2 === 0) watch.told(arriving, now);
      view = watch.read("s", stats, settings, now);
    }
    return view;
  }

  it("sees no lack in a picture that needs little", () => {
    const view = watched(sending, { bitrate: 1_000_000, loss: 0 }, 60);
    expect(view).toEqual({ carried: 1_000_000, wanted: 3_000_000, loss: 0, told: true, trouble: "none", advice: undefined });
  });

  it("warns when the network holds the browser back for long, and names the bitrate that fits", () => {
    const arriving = { bitrate: 1_800_000, loss: 0 };
    expect(watched(heldBack, arriving, 7)).toMatchObject({ trouble: "settling", advice: undefined });
    expect(watched(heldBack, arriving, 8)).toMatchObject({ trouble: "short", advice: { bitrate: 1500 } });
  });

  it("does not blame the network for a slow computer", () => {
    expect(watched({ ...heldBack, limitation: "cpu" }, { bitrate: 1_000_000, loss: 0 }, 60).trouble).toBe("none");
  });

  it("goes by the browser's limitation where it tells no target", () => {
    expect(watched({ ...heldBack, target: undefined }, { bitrate: 1_000_000, loss: 0 }, 10).trouble).toBe("short");
  });

  it("warns of losses that last", () => {
    const arriving = { bitrate: 2_500_000, loss: 0.08 };
    expect(watched(sending, arriving, 3).trouble).toBe("none");
    expect(watched(sending, arriving, 4)).toMatchObject({ trouble: "loss", loss: 0.08, advice: { bitrate: 1500 } });
  });

  it.each([
    [800_000, defaultSettings, { bitrate: 800 }],
    [100_000, { ...defaultSettings, bitrate: 800 }, "one-size"],
    [100_000, { ...defaultSettings, bitrate: 800, simulcast: false }, "network"],
  ])("carrying %i bit/s advises what is left to change", (bitrate, settings, advice) => {
    expect(watched(heldBack, { bitrate, loss: 0 }, 10, settings).advice).toEqual(advice);
  });

  it("takes a warning back when it was good for a while", () => {
    const watch = new UplinkWatch();
    for (let now = 0; now <= 10; now += 1) watch.read("s", heldBack, defaultSettings, now);
    expect(watch.read("s", sending, defaultSettings, 11).trouble).toBe("short");
    expect(watch.read("s", sending, defaultSettings, 15.9).trouble).toBe("short");
    expect(watch.read("s", sending, defaultSettings, 16).trouble).toBe("none");
  });

  it("begins anew with another session", () => {
    const watch = new UplinkWatch();
    for (let now = 0; now <= 10; now += 1) watch.read("s", heldBack, defaultSettings, now);
    watch.told({ bitrate: 5_000_000, loss: 0 }, 11);
    expect(watch.read("t", heldBack, defaultSettings, 11)).toMatchObject({ trouble: "settling", told: false });
  });

  it("averages what the gateway told last", () => {
    const watch = new UplinkWatch();
    watch.read("s", sending, defaultSettings, 0);
    for (const [at, bitrate] of [[2, 9_000_000], [4, 1_000_000], [6, 2_000_000], [8, 3_000_000]] as const) {
      watch.told({ bitrate, loss: 0 }, at);
    }
    expect(watch.read("s", sending, defaultSettings, 8).carried).toBe(2_000_000);
  });

  it("goes by the browser's own figures while the gateway does not tell", () => {
    const watch = new UplinkWatch();
    const losing = { ...sending, audioBitrate: 100_000, fractionLost: 0.5 };
    expect(watch.read("s", losing, defaultSettings, 0)).toMatchObject({ carried: 550_000, loss: 0.5, told: false });
    watch.told({ bitrate: 900_000, loss: 0 }, 1);
    expect(watch.read("s", losing, defaultSettings, 7)).toMatchObject({ carried: 900_000, told: true });
    expect(watch.read("s", losing, defaultSettings, 7.1)).toMatchObject({ carried: 550_000, told: false });
  });

  it("has no verdict before anything was measured", () => {
    const silent = { ...sending, layers: [] };
    expect(new UplinkWatch().read("s", silent, defaultSettings, 0)).toMatchObject({ carried: 0, trouble: "settling" });
  });
});

describe("choices", () => {
  it("keeps what fits and forgets what does not", () => {
    const settings = parseSettings('{"height":1080,"codec":7,"simulcast":false,"unknown":1,"source":"screen"}');
    expect(settings).toEqual({ ...defaultSettings, height: 1080, simulcast: false, source: "camera" });
  });

  it.each([null, "", "{", "null", "[]", "5"])("starts with the defaults from %j", (text) => {
    expect(parseSettings(text)).toEqual(defaultSettings);
  });
});

describe("several cameras", () => {
  it.each([
    ["microscope", undefined],
    ["Top_2-b", undefined],
    ["main", "known"],
    ["talk", "unfit"],
    ["", "unfit"],
    ["-x", "unfit"],
    ["kamera č. 2", "unfit"],
    ["a".repeat(65), "unfit"],
  ])("may a camera be called %j: %s", (name, problem) => {
    expect(nameProblem(name, ["main"])).toBe(problem);
  });

  it("keeps an order's cameras for the tab, each once", () => {
    const stored = JSON.stringify({ o: ["microscope", "main", "microscope", 7, "talk", "bench", "hands", "more"], other: ["x"] });
    expect(parseCameras(stored, "o", "main")).toEqual(["microscope", "bench", "hands"]);
    for (const text of [null, "", "{", "[]", '{"o":5}', '{"other":["x"]}']) expect(parseCameras(text, "o", "main")).toEqual([]);
  });

  it("begins without sound on a device that no other one uses", () => {
    expect(parseSettings(null, silentSettings)).toMatchObject({ microphoneId: "none", height: defaultSettings.height });
    expect(parseSettings('{"microphoneId":"m"}', silentSettings).microphoneId).toBe("m");
    const cameras = ["a", "b"].map((deviceId) => ({ deviceId }) as MediaDeviceInfo);
    expect(freeCamera({ cameras, microphones: [] }, ["a"])).toBe("b");
    expect(freeCamera({ cameras, microphones: [] }, ["a", "b"])).toBe("");
  });
});

describe("what the camera delivers", () => {
  it("counts pictures a second between two readings", () => {
    const meter = new FrameMeter();
    expect(meter.read(100, 10)).toBeUndefined();
    expect(meter.read(160, 12)).toBe(30);
    expect(meter.read(160, 13)).toBe(0);
    expect(meter.read(5, 14)).toBeUndefined();
  });
});

describe("a loudspeaker beside an open microphone", () => {
  it("is low while somebody speaks, and a moment longer", () => {
    const ducking = new Ducking();
    expect(ducking.update("main", 0.4, 0)).toBe(false);
    expect(ducking.update("main", 0.7, 1)).toBe(true);
    expect(ducking.update("microscope", 0, 1.5)).toBe(true);
    expect(ducking.update("main", 0.1, 1.69)).toBe(true);
    expect(ducking.update("main", 0.1, 1.7)).toBe(false);
  });
});

describe("capture", () => {
  it.each([
    ["NotAllowedError", "mediaDenied"],
    ["NotFoundError", "mediaMissing"],
    ["NotReadableError", "mediaBusy"],
    ["OverconstrainedError", "mediaUnfit"],
    ["Whatever", "mediaFailed"],
  ])("%s is told as %s", (name, key) => {
    expect(captureProblem(new DOMException("", name))).toBe(key);
  });
});

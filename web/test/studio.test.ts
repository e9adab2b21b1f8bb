import { describe, expect, it } from "vitest";
import { captureProblem } from "../src/studio/capture";
import { encodingsFor } from "../src/studio/encodings";
import { OutgoingMeter } from "../src/studio/outgoing-stats";
import { defaultSettings, parseSettings } from "../src/studio/settings";

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

describe("choices", () => {
  it("keeps what fits and forgets what does not", () => {
    const settings = parseSettings('{"height":1080,"codec":7,"simulcast":false,"unknown":1,"source":"screen"}');
    expect(settings).toEqual({ ...defaultSettings, height: 1080, simulcast: false, source: "camera" });
  });

  it.each([null, "", "{", "null", "[]", "5"])("starts with the defaults from %j", (text) => {
    expect(parseSettings(text)).toEqual(defaultSettings);
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

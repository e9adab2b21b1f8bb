import { describe, expect, it } from "vitest";
import { translate } from "../src/i18n/format";
import { rows } from "../src/ui/stats-panel-rows";
import { FigureWatch } from "../src/viewer/connection-figures";
import { SilenceWatch } from "../src/viewer/silence-watch";

type Entry = Readonly<Record<string, unknown>> & { readonly id: string };

function report(...entries: Entry[]): RTCStatsReport {
  return new Map(entries.map((entry) => [entry.id, entry]));
}

const codec = { id: "c", type: "codec", mimeType: "video/H264" };
const small = { id: "s", type: "inbound-rtp", kind: "video", mid: "3", bytesReceived: 1000, packetsLost: 999, frameWidth: 160 };
const sound = { id: "a", type: "inbound-rtp", kind: "audio", mid: "1", bytesReceived: 500 };

function picture(more: Readonly<Record<string, unknown>>): Entry {
  return { id: "v", type: "inbound-rtp", kind: "video", mid: "0", codecId: "c", frameWidth: 1280, frameHeight: 720, ...more };
}

describe("figures of a connection", () => {
  it("tells what plays on the main line, and counts all that arrives", () => {
    const watch = new FigureWatch();
    const first = picture({ bytesReceived: 10_000, packetsReceived: 100, packetsLost: 5, jitterBufferDelay: 1, jitterBufferEmittedCount: 20 });
    expect(watch.observe(report(small, first, sound, codec), 10)).toMatchObject({
      codec: "H264",
      width: 1280,
      height: 720,
      bitrate: undefined,
      loss: undefined,
      buffer: undefined,
    });
    const later = picture({
      bytesReceived: 260_000,
      packetsReceived: 290,
      packetsLost: 15,
      jitterBufferDelay: 3,
      jitterBufferEmittedCount: 60,
      framesPerSecond: 25,
      freezeCount: 2,
      totalFreezesDuration: 0.7,
    });
    expect(watch.observe(report(small, later, sound, codec), 12)).toMatchObject({
      bitrate: 1_000_000,
      loss: 0.05,
      buffer: 0.05,
      framesPerSecond: 25,
      freezes: 2,
      frozen: 0.7,
    });
  });

  it("takes rates over the last seconds, and anew for another session", () => {
    const watch = new FigureWatch();
    const at = (bytesReceived: number, now: number) => watch.observe(report(picture({ bytesReceived })), now).bitrate;
    at(0, 0);
    expect(at(1000, 1)).toBeUndefined();
    expect(at(2000, 2)).toBe(8000);
    expect(at(9000, 4)).toBe((8 * 8000) / 3);
    expect(at(10, 5)).toBeUndefined();
    expect(at(1010, 7)).toBe(4000);
  });

  it("counts packets that come late after all as no loss below none", () => {
    const watch = new FigureWatch();
    watch.observe(report(picture({ bytesReceived: 1, packetsReceived: 10, packetsLost: 4 })), 0);
    expect(watch.observe(report(picture({ bytesReceived: 2, packetsReceived: 20, packetsLost: 2 })), 2).loss).toBe(0);
  });

  it.each([
    ["the pair that the transport names", { id: "t", type: "transport", selectedCandidatePairId: "p" }, {}],
    ["the pair that is nominated", { id: "t", type: "transport" }, { nominated: true, state: "succeeded" }],
  ])("knows the way: %s", (_, transport, more) => {
    const pair = { id: "p", type: "candidate-pair", localCandidateId: "l", remoteCandidateId: "r", currentRoundTripTime: 0.02, ...more };
    const other = { id: "o", type: "candidate-pair", nominated: false, state: "succeeded", currentRoundTripTime: 9 };
    const relay = { id: "l", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tls" };
    const host = { id: "r", type: "remote-candidate", candidateType: "host", protocol: "udp" };
    const { way, roundTrip } = new FigureWatch().observe(report(other, transport, pair, relay, host), 0);
    expect([way, roundTrip]).toEqual([{ local: "relay", remote: "host", protocol: "tls" }, 0.02]);
  });

  it("is written in lines, and leaves out most of what would open the session", () => {
    const watch = new FigureWatch();
    const figures = watch.observe(report(picture({ framesPerSecond: 24.6, freezeCount: 1, totalFreezesDuration: 0.44 }), codec), 0);
    const lines = rows((key, values) => translate("en", key, values), figures, { layer: "h", delay: 0.1234, id: "abcdefghijklmnop" });
    expect(lines.map((line) => line.join(": "))).toEqual([
      "Video codec: H264",
      "Resolution: 1280×720, 25/s",
      "Layer: h",
      "Bitrate: –",
      "Loss: –",
      "Round trip: –",
      "Jitter buffer: –",
      "Freezes: 1, 0.4\u00a0s",
      "Camera to screen: 123\u00a0ms",
      "Way: –",
      "Session: abcdef",
    ]);
  });
});

describe("a microphone that gives nothing", () => {
  const source = (totalAudioEnergy: unknown, totalSamplesDuration: number) =>
    report({ id: "m", type: "media-source", kind: "audio", totalAudioEnergy, totalSamplesDuration }, sound);

  it("is noticed after a while, and heard again at once", () => {
    const watch = new SilenceWatch();
    expect([0, 1, 2, 2.9].map((time) => watch.observe(source(0.5, time)))).toEqual([false, false, false, false]);
    expect(watch.observe(source(0.5, 3))).toBe(true);
    expect(watch.observe(source(0.500_001, 3.2))).toBe(false);
    expect(watch.observe(source(0.500_001, 6.3))).toBe(true);
    watch.reset();
    expect(watch.observe(source(0.500_001, 6.5))).toBe(false);
  });

  it("does not count time that was not measured", () => {
    const watch = new SilenceWatch();
    watch.observe(source(0.5, 10));
    expect(watch.observe(source(0.5, 1))).toBe(false);
    expect(watch.observe(source(undefined, 20))).toBe(false);
    expect(watch.observe(report(sound))).toBe(false);
  });
});

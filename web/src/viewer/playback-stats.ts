/** What a viewer's RTCPeerConnection tells about the picture and the sound, as plain numbers. */

import type { Decoded } from "./frame-watch";

export interface PlaybackStats extends Decoded {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly bytes: number;
  readonly packetsLost: number;
  /** Seconds of jitter buffer per emitted frame. */
  readonly bufferDelay: number;
  /** Seconds. */
  readonly roundTripTime: number;
  /** Grows only while the sound is on. */
  readonly audioEnergy: number;
  readonly codec: string;
  /** How often the picture froze; undefined where the browser does not count. */
  readonly freezes: number | undefined;
  /** Seconds that it was frozen, all in all. */
  readonly frozen: number | undefined;
  /** The picture that plays, by the sender's clock: NTP milliseconds. */
  readonly playout: number | undefined;
}

export const noStats: PlaybackStats = {
  frames: 0,
  video: false,
  audioPackets: 0,
  width: 0,
  height: 0,
  framesPerSecond: 0,
  bytes: 0,
  packetsLost: 0,
  bufferDelay: 0,
  roundTripTime: 0,
  audioEnergy: 0,
  codec: "",
  freezes: undefined,
  frozen: undefined,
  playout: undefined,
};

/** Viewers offer the main picture first, and browsers number lines from zero. */
const mainLine = "0";

type Entry = Readonly<Record<string, unknown>>;

function measured(entry: Entry | undefined, name: string): number | undefined {
  const value = entry?.[name];
  return typeof value === "number" ? value : undefined;
}

function number(entry: Entry | undefined, name: string): number {
  return measured(entry, name) ?? 0;
}

function find(report: RTCStatsReport, test: (entry: Entry) => boolean): Entry | undefined {
  for (const entry of report.values() as Iterable<Entry>) if (test(entry)) return entry;
  return undefined;
}

export function playbackStats(report: RTCStatsReport): PlaybackStats {
  const main = (entry: Entry) => entry.mid === undefined || entry.mid === mainLine;
  const video = find(report, (entry) => entry.type === "inbound-rtp" && entry.kind === "video" && main(entry));
  const audio = find(report, (entry) => entry.type === "inbound-rtp" && entry.kind === "audio");
  const pair = find(report, (entry) => entry.type === "candidate-pair" && entry.nominated === true);
  const codec = find(report, (entry) => entry.type === "codec" && entry.id === video?.codecId);
  const emitted = number(video, "jitterBufferEmittedCount");
  return {
    frames: number(video, "framesDecoded"),
    video: number(video, "packetsReceived") > 0,
    audioPackets: number(audio, "packetsReceived"),
    width: number(video, "frameWidth"),
    height: number(video, "frameHeight"),
    framesPerSecond: number(video, "framesPerSecond"),
    bytes: number(video, "bytesReceived") + number(audio, "bytesReceived"),
    packetsLost: number(video, "packetsLost"),
    bufferDelay: emitted > 0 ? number(video, "jitterBufferDelay") / emitted : 0,
    roundTripTime: number(pair, "currentRoundTripTime"),
    audioEnergy: number(audio, "totalAudioEnergy"),
    codec: typeof codec?.mimeType === "string" ? codec.mimeType.replace("video/", "") : "",
    freezes: measured(video, "freezeCount"),
    frozen: measured(video, "totalFreezesDuration"),
    playout: measured(video, "estimatedPlayoutTimestamp"),
  };
}

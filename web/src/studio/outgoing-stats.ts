/** What really leaves the browser, per layer, from getStats. */

export interface LayerStats {
  /** Empty when there is only one layer. */
  readonly rid: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** Bits per second since the last reading. */
  readonly bitrate: number;
}

export type Limitation = "none" | "cpu" | "bandwidth";

export interface OutgoingStats {
  /** Smallest layer first. */
  readonly layers: readonly LayerStats[];
  readonly audioBitrate: number;
  readonly codec: string;
  /** Seconds; undefined until the first receiver report. */
  readonly roundTripTime: number | undefined;
  /** 0 to 1; undefined until the first receiver report. */
  readonly fractionLost: number | undefined;
  readonly limitation: Limitation;
  /** Bits per second of video that the browser lets its encoders make now; undefined where it does not tell. */
  readonly target: number | undefined;
  /** Bits per second of video that they are set to make at most. */
  readonly wanted: number;
}

/** The rids of `encodings.ts`. */
const layerOrder = ["l", "m", "h"];

type Entry = Readonly<Record<string, unknown>>;

function number(entry: Entry, name: string): number {
  const value = entry[name];
  return typeof value === "number" ? value : 0;
}

function greatest(values: readonly unknown[]): number | undefined {
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length > 0 ? Math.max(...numbers) : undefined;
}

function sum(values: readonly unknown[]): number | undefined {
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length > 0 ? numbers.reduce((total, value) => total + value, 0) : undefined;
}

function limitationOf(videos: readonly Entry[]): Limitation {
  const reasons = videos.map((entry) => entry.qualityLimitationReason);
  if (reasons.includes("cpu")) return "cpu";
  return reasons.includes("bandwidth") ? "bandwidth" : "none";
}

/** Keeps the last reading's byte counts, from which rates come. */
export class OutgoingMeter {
  private readonly last = new Map<string, { readonly bytes: number; readonly at: number }>();

  /** @param encodings what the video is set to */
  read(report: RTCStatsReport, encodings: readonly RTCRtpEncodingParameters[] = []): OutgoingStats {
    const entries = [...(report.values() as Iterable<Entry>)];
    const outgoing = entries.filter((entry) => entry.type === "outbound-rtp");
    const videos = outgoing.filter((entry) => entry.kind === "video");
    const remote = entries.filter((entry) => entry.type === "remote-inbound-rtp");
    const pairs = entries.filter((entry) => entry.type === "candidate-pair" && entry.nominated === true);
    const codec = entries.find((entry) => entry.type === "codec" && entry.id === videos[0]?.codecId)?.mimeType;
    const layers = videos.map((entry) => this.layer(entry));
    layers.sort((a, b) => layerOrder.indexOf(a.rid) - layerOrder.indexOf(b.rid));
    return {
      layers,
      audioBitrate: outgoing.filter((entry) => entry.kind === "audio").reduce((sum, entry) => sum + this.bitrate(entry), 0),
      codec: typeof codec === "string" ? codec.replace("video/", "") : "",
      roundTripTime:
        greatest(remote.map((entry) => entry.roundTripTime)) ?? greatest(pairs.map((entry) => entry.currentRoundTripTime)),
      fractionLost: greatest(remote.filter((entry) => entry.kind === "video").map((entry) => entry.fractionLost)),
      limitation: limitationOf(videos),
      target: sum(videos.map((entry) => entry.targetBitrate)),
      wanted: sum(encodings.filter(({ active }) => active !== false).map(({ maxBitrate }) => maxBitrate)) ?? 0,
    };
  }

  private layer(entry: Entry): LayerStats {
    return {
      rid: typeof entry.rid === "string" ? entry.rid : "",
      width: number(entry, "frameWidth"),
      height: number(entry, "frameHeight"),
      framesPerSecond: number(entry, "framesPerSecond"),
      bitrate: this.bitrate(entry),
    };
  }

  private bitrate(entry: Entry): number {
    const id = String(entry.id);
    const reading = { bytes: number(entry, "bytesSent"), at: number(entry, "timestamp") };
    const before = this.last.get(id);
    this.last.set(id, reading);
    if (!before || reading.at <= before.at || reading.bytes < before.bytes) return 0;
    return ((reading.bytes - before.bytes) * 8000) / (reading.at - before.at);
  }
}

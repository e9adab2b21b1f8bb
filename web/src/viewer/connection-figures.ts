/** How a session's connection is, for people who help: read from `getStats`, with rates over the last seconds. Pure. */

type Entry = Readonly<Record<string, unknown>>;

/** How the packets go. */
export interface Way {
  /** Types of candidates: host, srflx, prflx, relay. */
  readonly local: string;
  readonly remote: string;
  /** udp or tcp; with a relay, what the relay is spoken to over. */
  readonly protocol: string;
}

/** What is not known is undefined; rates are so until two readings stand far enough apart. */
export interface Figures {
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number | undefined;
  /** Bits per second of all that arrives. */
  readonly bitrate: number | undefined;
  /** Seconds. */
  readonly roundTrip: number | undefined;
  /** Share of the main picture's packets, 0 to 1. */
  readonly loss: number | undefined;
  /** Seconds that a picture waits before it is decoded. */
  readonly buffer: number | undefined;
  readonly freezes: number | undefined;
  /** Seconds. */
  readonly frozen: number | undefined;
  readonly way: Way | undefined;
}

interface Counters {
  readonly at: number;
  readonly bytes: number;
  readonly packets: number;
  readonly lost: number;
  readonly buffered: number;
  readonly emitted: number;
}

/** Seconds over which rates are taken, at least... */
const span = 1.5;
/** ...and at most. */
const longest = 3;
/** Viewers offer the main picture first, and browsers number lines from zero. */
const mainLine = "0";

function measured(entry: Entry | undefined, name: string): number | undefined {
  const value = entry?.[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function named(entry: Entry | undefined, name: string): string {
  const value = entry?.[name];
  return typeof value === "string" ? value : "";
}

function entriesOf(report: RTCStatsReport): Map<string, Entry> {
  return new Map<string, Entry>(report);
}

function wayOf(entries: Map<string, Entry>, pair: Entry | undefined): Way | undefined {
  const [local, remote] = ["localCandidateId", "remoteCandidateId"].map((end) => entries.get(named(pair, end)));
  if (!local || !remote) return undefined;
  const protocol = named(local, "relayProtocol") || named(local, "protocol");
  return { local: named(local, "candidateType"), remote: named(remote, "candidateType"), protocol };
}

/** The pair that carries media: browsers name it in the transport, or mark it. */
function pairOf(entries: Map<string, Entry>): Entry | undefined {
  const all = [...entries.values()];
  const chosen = named(all.find(({ type }) => type === "transport"), "selectedCandidatePairId");
  return entries.get(chosen) ?? all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated === true && state === "succeeded");
}

export class FigureWatch {
  private readings: Counters[] = [];

  /** A reading of the session's statistics; `now` in seconds. Another session's counters begin anew. */
  observe(report: RTCStatsReport, now: number): Figures {
    const entries = entriesOf(report);
    const inbound = [...entries.values()].filter(({ type }) => type === "inbound-rtp");
    const video = inbound.find(({ kind, mid }) => kind === "video" && (mid === undefined || mid === mainLine));
    const pair = pairOf(entries);
    const before = this.keep({
      at: now,
      bytes: inbound.reduce((sum, entry) => sum + (measured(entry, "bytesReceived") ?? 0), 0),
      packets: measured(video, "packetsReceived") ?? 0,
      lost: measured(video, "packetsLost") ?? 0,
      buffered: measured(video, "jitterBufferDelay") ?? 0,
      emitted: measured(video, "jitterBufferEmittedCount") ?? 0,
    });
    return {
      codec: named(entries.get(named(video, "codecId")), "mimeType").replace(/^video\//, ""),
      width: measured(video, "frameWidth") ?? 0,
      height: measured(video, "frameHeight") ?? 0,
      framesPerSecond: measured(video, "framesPerSecond"),
      roundTrip: measured(pair, "currentRoundTripTime"),
      freezes: measured(video, "freezeCount"),
      frozen: measured(video, "totalFreezesDuration"),
      way: wayOf(entries, pair),
      ...before,
    };
  }

  /** Keeps the counters, and tells the rates since the oldest kept. */
  private keep(now: Counters): Pick<Figures, "bitrate" | "loss" | "buffer"> {
    if (now.bytes < (this.readings.at(-1)?.bytes ?? 0)) this.readings = [];
    this.readings = [...this.readings.filter(({ at }) => now.at - at <= longest), now];
    const [old] = this.readings;
    if (!old || now.at - old.at < span) return { bitrate: undefined, loss: undefined, buffer: undefined };
    const [packets, lost, emitted] = [now.packets - old.packets, now.lost - old.lost, now.emitted - old.emitted];
    return {
      bitrate: (8 * (now.bytes - old.bytes)) / (now.at - old.at),
      // A packet that comes late after all is taken off again.
      loss: packets + lost > 0 ? Math.max(0, lost) / (packets + Math.max(0, lost)) : undefined,
      buffer: emitted > 0 ? (now.buffered - old.buffered) / emitted : undefined,
    };
  }
}

/** What came over the pair of addresses in use, from getStats: the proof that a path carries. Pure. */

/** Counter by the pair's id. */
export type PathCounts = ReadonlyMap<string, number>;

type Entry = Readonly<Record<string, unknown>>;

/** The pairs in use: `selected` is Firefox's way to tell. All of them where a browser does not tell. */
function pairsInUse(report: RTCStatsReport): Entry[] {
  const entries = [...(report.values() as Iterable<Entry>)];
  const selected = new Set(entries.map((entry) => entry.type === "transport" && entry.selectedCandidatePairId));
  const pairs = entries.filter((entry) => entry.type === "candidate-pair");
  const used = pairs.filter((pair) => pair.selected === true || selected.has(String(pair.id)));
  return used.length > 0 ? used : pairs;
}

/** @param counters names of `RTCIceCandidatePairStats` that are added up; what a browser lacks counts as 0 */
export function pathCounts(report: RTCStatsReport, ...counters: readonly string[]): PathCounts {
  const counts = new Map<string, number>();
  for (const entry of pairsInUse(report)) {
    const values = counters.map((name) => entry[name]).filter((value) => typeof value === "number");
    counts.set(
      String(entry.id),
      values.reduce((sum, value) => sum + value, 0),
    );
  }
  return counts;
}

/** Whether anything came between two readings. A pair that is new has counted from 0. */
export function grown(before: PathCounts, after: PathCounts): boolean {
  return [...after].some(([pair, count]) => count > (before.get(pair) ?? 0));
}

/** What came over each pair of addresses, from getStats: the proof that a path carries. Pure. */

/** Counter by the pair's id. */
export type PathCounts = ReadonlyMap<string, number>;

type Entry = Readonly<Record<string, unknown>>;

/** @param counters names of `RTCIceCandidatePairStats` that are added up; what a browser lacks counts as 0 */
export function pathCounts(report: RTCStatsReport, ...counters: readonly string[]): PathCounts {
  const counts = new Map<string, number>();
  for (const entry of report.values() as Iterable<Entry>) {
    if (entry.type !== "candidate-pair") continue;
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

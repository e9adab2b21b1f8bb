/** ICE restarts of a WHIP or WHEP session (RFC 9725, section 4.3.3): fragments of SDP out and back. Pure text work. */

function field(sdp: string, name: string): string | undefined {
  return new RegExp(`^a=${name}:(\\S+)`, "m").exec(sdp)?.[1];
}

function written(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

/**
 * The credentials of an offer. Without candidates: the gateway is ICE-lite and learns our addresses from our checks.
 * @throws Error when the offer has none.
 */
export function restartFragment(offer: string): string {
  // Everything is bundled, so the first m-line's are everybody's.
  const [media] = /^m=.*$/m.exec(offer) ?? [];
  const [mid, ufrag, pwd] = [field(offer, "mid"), field(offer, "ice-ufrag"), field(offer, "ice-pwd")];
  if (!media || !mid || !ufrag || !pwd) throw new Error("an offer without ICE credentials");
  return written(["a=ice-options:trickle", media, `a=mid:${mid}`, `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`]);
}

/** A priority just below those of our own addresses (RFC 8445, section 5.1.2.1), which are `host` as the gateway's are. */
const lowest = 126 * 2 ** 24;

const candidate = /^(a=candidate:\S+ \d+ \S+ )(\d+)( .*)$/;

function priorityOf(line: string): number {
  return Number(candidate.exec(line)?.[2] ?? 0);
}

function candidatesOf(sdp: string): string[] {
  return sdp.match(/^a=candidate:.*$/gm) ?? [];
}

/** The candidates in their own order of priority, all of it above `floor`. */
function rankedAbove(floor: number, candidates: readonly string[]): string[] {
  const ascending = [...new Set(candidates.map(priorityOf))].sort((a, b) => a - b);
  return candidates.map((line) =>
    line.replace(candidate, (_, head: string, own: string, tail: string) => {
      return `${head}${floor + 1 + ascending.indexOf(Number(own))}${tail}`;
    }),
  );
}

/**
 * The answer with the gateway's candidates ranked below the browser's own, so that theirs decide which pair is best.
 * A restart ranks them higher: else Chromium stays with a pair of a better network card for 3.5 s after it fell silent.
 */
export function withRankedCandidates(answer: string): string {
  const known = candidatesOf(answer);
  const ranked = rankedAbove(lowest, known);
  return answer.replace(/^a=candidate:.*$/gm, (line) => ranked[known.indexOf(line)] ?? line);
}

/**
 * The answer to the offer of a restart: what was negotiated before, with the fragment's credentials and candidates.
 * @param answer as it is in force, its candidates ranked
 * @throws Error when the fragment has no credentials.
 */
export function restartedAnswer(answer: string, fragment: string): string {
  const [ufrag, pwd] = [field(fragment, "ice-ufrag"), field(fragment, "ice-pwd")];
  if (!ufrag || !pwd) throw new Error("a restart without ICE credentials");
  const renewed = answer
    .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${ufrag}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${pwd}`);
  const offered = candidatesOf(fragment);
  if (offered.length === 0) return renewed;
  const candidates = rankedAbove(Math.max(...candidatesOf(answer).map(priorityOf), lowest), offered);
  const [session = "", first = "", ...others] = renewed
    .replace(/^a=(?:candidate:.*|end-of-candidates)\r?\n/gm, "")
    .split(/^(?=m=)/m);
  return [session, first, written([...candidates, "a=end-of-candidates"]), ...others].join("");
}

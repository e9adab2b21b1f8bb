/** ICE restarts of a WHIP or WHEP session (RFC 9725, section 4.3.3): fragments of SDP out and back. Pure text work. */

function field(sdp: string, name: string): string | undefined {
  return new RegExp(`^a=${name}:(.*?)\\s*$`, "m").exec(sdp)?.[1];
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
  return written(["a=ice-options:trickle", media.trimEnd(), `a=mid:${mid}`, `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`]);
}

/**
 * The answer to the offer of a restart: what was negotiated before, with the fragment's credentials and candidates.
 * @throws Error when the fragment has no credentials.
 */
export function restartedAnswer(answer: string, fragment: string): string {
  const [ufrag, pwd] = [field(fragment, "ice-ufrag"), field(fragment, "ice-pwd")];
  if (!ufrag || !pwd) throw new Error("a restart without ICE credentials");
  const renewed = answer
    .replace(/^a=ice-ufrag:.*?(\r?)$/gm, `a=ice-ufrag:${ufrag}$1`)
    .replace(/^a=ice-pwd:.*?(\r?)$/gm, `a=ice-pwd:${pwd}$1`);
  const candidates = (fragment.match(/^a=candidate:.*$/gm) ?? []).map((line) => line.trimEnd());
  if (candidates.length === 0) return renewed;
  const [session = "", first = "", ...others] = renewed
    .replace(/^a=(candidate:.*|end-of-candidates\s*)\n/gm, "")
    .split(/^(?=m=)/m);
  return [session, first, written([...candidates, "a=end-of-candidates"]), ...others].join("");
}

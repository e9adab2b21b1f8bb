/** The few places where an offer has to say more than a browser's API lets us ask for. Pure text work. */

/** Asks for stereo Opus: browsers decode to mono unless their own fmtp says `stereo=1` (RFC 7587, section 7). */
export function withStereoOpus(sdp: string): string {
  const types = new Set(Array.from(sdp.matchAll(/^a=rtpmap:(\d+) opus\//gim), (match) => match[1]));
  return sdp.replace(/^a=fmtp:(\d+) (.*)$/gim, (line, type: string, parameters: string) => {
    if (!types.has(type) || /(^|;)\s*stereo=/.test(parameters)) return line;
    return `a=fmtp:${type} ${parameters.trimEnd()};stereo=1`;
  });
}

export type CodecChoice = "auto" | "H264" | "VP8";

/** What `setCodecPreferences` needs to know of a codec. */
export interface CodecCapability {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string;
}

function rank(codec: CodecCapability, choice: CodecChoice): number {
  const name = codec.mimeType.toLowerCase();
  const wanted = choice === "VP8" ? "video/vp8" : "video/h264";
  if (name !== wanted) return 3;
  if (choice === "VP8") return 0;
  // Constrained baseline in packetization mode 1 is what every viewer decodes.
  const fmtp = codec.sdpFmtpLine ?? "";
  const wholeMode = fmtp.includes("packetization-mode=1");
  return wholeMode && fmtp.includes("profile-level-id=42e0") ? 0 : wholeMode ? 1 : 2;
}

/** The browser's codecs with the wanted one first; nothing is removed, so a server without it still finds another. */
export function orderCodecs<Codec extends CodecCapability>(codecs: readonly Codec[], choice: CodecChoice): Codec[] {
  return [...codecs].sort((a, b) => rank(a, choice) - rank(b, choice));
}

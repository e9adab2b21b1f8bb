/** Which layers a broadcast sends, lowest first, and how they share its bitrate. Pure. */

export interface Picture {
  readonly width: number;
  readonly height: number;
}

export interface Quality {
  readonly frameRate: number;
  /** Bits per second of all layers together. */
  readonly bitrate: number;
  readonly simulcast: boolean;
}

export const resolutions = [
  { name: "720p", width: 1280, height: 720, bitrate: 3_000_000 },
  { name: "1080p", width: 1920, height: 1080, bitrate: 5_000_000 },
] as const;

/** Kilobits per second that the studio offers. */
export const bitrates = [800, 1500, 3000, 5000, 8000] as const;

export const frameRates = [15, 25, 30] as const;

interface Layer {
  readonly rid: string;
  readonly scale: number;
  readonly share: number;
}

/** By number of layers. A quarter of the pixels needs about 30 % of the bits for the same look. */
const ladders: readonly (readonly Layer[])[] = [
  [{ rid: "h", scale: 1, share: 1 }],
  [
    { rid: "m", scale: 2, share: 0.23 },
    { rid: "h", scale: 1, share: 0.77 },
  ],
  [
    { rid: "l", scale: 4, share: 0.07 },
    { rid: "m", scale: 2, share: 0.21 },
    { rid: "h", scale: 1, share: 0.72 },
  ],
];

/** Browsers drop layers of small pictures by themselves: two below 960×540, one below 480×270. */
function layerCount({ width, height }: Picture): number {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  if (long >= 960 && short >= 540) return 3;
  return long >= 480 && short >= 270 ? 2 : 1;
}

/** Rids order low to high, since browsers under pressure give up the last ones first. */
export function encodingsFor(picture: Picture, quality: Quality): RTCRtpEncodingParameters[] {
  const count = quality.simulcast ? layerCount(picture) : 1;
  return (ladders[count - 1] ?? []).map(({ rid, scale, share }) => ({
    ...(count > 1 ? { rid } : {}),
    active: true,
    scaleResolutionDownBy: scale,
    maxBitrate: Math.round(quality.bitrate * share),
    maxFramerate: quality.frameRate,
  }));
}

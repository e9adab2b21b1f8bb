/** Decides when the gateway is told how large the picture is shown: a small window needs no large layer. */

/** A layer may be this much lower or higher than the picture on the screen before the eye minds. */
const headroom = 1.5;
/** Sizes that differ by less than this share are the same. */
const tolerance = 0.1;

export class SizeTeller {
  private session = "";
  private told = 0;

  /**
   * @param session the playing session's id
   * @param height of the picture on the screen, in device pixels
   * @returns the height to ask for, or undefined when there is nothing new to say
   */
  update(session: string, height: number): number | undefined {
    if (session === "" || !(height > 0)) return undefined;
    if (session === this.session && Math.abs(height - this.told) <= this.told * tolerance) return undefined;
    this.session = session;
    this.told = height;
    return Math.min(10_000, Math.ceil(height * headroom));
  }
}

/** The last part of a session's URL. */
export function sessionId(url: string | undefined): string {
  return url?.split("/").pop() ?? "";
}

/** Height of the picture inside an element that shows it whole, in CSS pixels. */
export function shownHeight(width: number, height: number, videoWidth: number, videoHeight: number): number {
  return videoWidth > 0 ? Math.min(height, (width * videoHeight) / videoWidth) : height;
}

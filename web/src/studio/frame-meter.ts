/** How many pictures a second the camera delivers, so that the technician sees that it works. Pure. */

export class FrameMeter {
  private last: { readonly frames: number; readonly at: number } | undefined;

  /**
   * @param frames shown so far
   * @param now seconds
   * @returns frames a second since the last reading; undefined at the first, and when counting began anew
   */
  read(frames: number, now: number): number | undefined {
    const { last } = this;
    this.last = { frames, at: now };
    if (!last || frames < last.frames || now <= last.at) return undefined;
    return (frames - last.frames) / (now - last.at);
  }
}

/** Full screen and keeping the screen awake, over the differences of browsers. */

/** iPhones give full screen to the video element only. */
type AppleVideo = HTMLVideoElement & { webkitEnterFullscreen?: () => void };

export function canFullscreen(video: HTMLVideoElement): boolean {
  return document.fullscreenEnabled || "webkitEnterFullscreen" in (video as AppleVideo);
}

export async function toggleFullscreen(stage: HTMLElement, video: HTMLVideoElement): Promise<void> {
  if (document.fullscreenElement) return document.exitFullscreen();
  if (document.fullscreenEnabled) return stage.requestFullscreen({ navigationUI: "hide" });
  (video as AppleVideo).webkitEnterFullscreen?.();
}

/** Keeps the screen on while wanted; browsers take the lock away whenever the page is hidden. */
export class WakeLock {
  private wanted = false;
  private lock: WakeLockSentinel | undefined;

  constructor() {
    document.addEventListener("visibilitychange", () => void this.hold());
  }

  want(wanted: boolean): void {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    if (wanted) void this.hold();
    else {
      void this.lock?.release();
      this.lock = undefined;
    }
  }

  private async hold(): Promise<void> {
    if (!this.wanted || document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
    // Refused on low battery: then the screen may sleep.
    this.lock = await navigator.wakeLock.request("screen").catch(() => undefined);
  }
}

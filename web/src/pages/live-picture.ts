/** The viewer page's video element: plays a stream, keeps the last picture while the next is on its way. */

import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { ShownFrame } from "../viewer/playback-quality";
import { shownHeight } from "../viewer/wish-teller";

export interface PictureHost extends ReactiveControllerHost {
  readonly video: HTMLVideoElement;
  readonly canvas: HTMLCanvasElement;
}

/** Height of the picture inside a video element, in device pixels. */
export function pictureHeight({ clientWidth, clientHeight, videoWidth, videoHeight }: HTMLVideoElement): number {
  return shownHeight(clientWidth, clientHeight, videoWidth, videoHeight) * window.devicePixelRatio;
}

export class LivePicture implements ReactiveController {
  /** The canvas with the last picture lies over the video. */
  frozen = false;
  /** The browser plays only after a tap. */
  needsTap = false;
  stream: MediaStream | undefined;
  private watching = false;

  constructor(
    private readonly host: PictureHost,
    private readonly onFrame: (frame: ShownFrame) => void,
  ) {
    host.addController(this);
  }

  get height(): number {
    return pictureHeight(this.host.video);
  }

  hostUpdated(): void {
    if (this.watching) return;
    this.watching = true;
    this.watchFrames();
  }

  show(stream: MediaStream): void {
    this.stream = stream;
    const { video } = this.host;
    if (video.srcObject !== stream) video.srcObject = stream;
    void this.play();
  }

  async play(): Promise<void> {
    try {
      await this.host.video.play();
      this.set({ needsTap: false });
    } catch (error) {
      // AbortError only says that a newer stream took its place.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.set({ needsTap: true });
    }
  }

  /** Keeps what is on the screen; the stream behind it is about to end. */
  freeze(): void {
    const { video, canvas } = this.host;
    if (video.videoWidth === 0) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    this.set({ frozen: true });
  }

  /** New pictures arrive. */
  thaw(): void {
    if (!this.frozen) return;
    const uncover = () => this.set({ frozen: false });
    const { video } = this.host;
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(uncover);
    // A page that shows no frames, such as one in the background, uncovers as well.
    window.setTimeout(uncover, 300);
  }

  private set(change: Partial<Pick<LivePicture, "frozen" | "needsTap">>): void {
    Object.assign(this, change);
    this.host.requestUpdate();
  }

  /** Tells of each picture that goes to the screen. */
  private watchFrames(): void {
    const { video } = this.host;
    if (!("requestVideoFrameCallback" in video)) return;
    video.requestVideoFrameCallback((_, frame) => {
      this.onFrame(frame);
      this.watchFrames();
    });
  }
}

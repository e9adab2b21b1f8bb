/** The studio's picture and sound before and while they are sent: opens, swaps and closes the devices. */

import type { MessageKey } from "../i18n/format";
import {
  canCapture,
  captureProblem,
  type CaptureRequest,
  type Devices,
  listDevices,
  openCameraAndMicrophone,
  openMicrophone,
  openPicture,
} from "./capture";
import { resolutions } from "./encodings";
import type { StudioSettings } from "./settings";

export interface PreviewHost {
  readonly onChange: () => void;
  /** A track took the place of another one of its kind. */
  readonly onTrack: (track: MediaStreamTrack) => void;
  /** The technician ended the sharing of the screen in the browser's own bar. */
  readonly onScreenEnded: () => void;
}

export function captureRequest(settings: StudioSettings): CaptureRequest {
  const { width, height } = resolutions.find(({ height }) => height === settings.height) ?? resolutions[0];
  return { ...settings, width, height };
}

export class Preview {
  readonly stream = new MediaStream();
  devices: Devices = { cameras: [], microphones: [] };
  problem: MessageKey | undefined;
  starting = false;
  muted = false;

  constructor(private readonly host: PreviewHost) {}

  get video(): MediaStreamTrack | undefined {
    return this.stream.getVideoTracks()[0];
  }

  get audio(): MediaStreamTrack | undefined {
    return this.stream.getAudioTracks()[0];
  }

  async start(settings: StudioSettings): Promise<void> {
    if (!canCapture()) {
      this.problem = "mediaInsecure";
      this.host.onChange();
      return;
    }
    navigator.mediaDevices.addEventListener("devicechange", this.devicesChanged);
    await this.guard(async () => {
      const opened = await this.openWithFallback(captureRequest(settings));
      for (const track of opened.getTracks()) this.put(track);
    });
    await this.devicesChanged();
  }

  /** Opens what differs between the two choices. */
  async change(before: StudioSettings, after: StudioSettings): Promise<void> {
    const picture = (["source", "cameraId", "height", "frameRate"] as const).some((name) => before[name] !== after[name]);
    if (picture || (this.video === undefined && after.source === "camera")) await this.reopenPicture(before, after);
    if (before.microphoneId !== after.microphoneId) await this.reopenMicrophone(after);
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    for (const track of this.stream.getAudioTracks()) track.enabled = !muted;
    this.host.onChange();
  }

  close(): void {
    if (canCapture()) navigator.mediaDevices.removeEventListener("devicechange", this.devicesChanged);
    for (const track of this.stream.getTracks()) {
      track.stop();
      this.stream.removeTrack(track);
    }
  }

  private async reopenPicture(before: StudioSettings, after: StudioSettings): Promise<void> {
    // Many cameras open only once; the screen's dialog, though, may be cancelled, and then the camera goes on.
    if (after.source === "camera" && before.source === "camera") this.video?.stop();
    await this.guard(async () => {
      const track = await openPicture(captureRequest(after));
      if (track) this.put(track);
    });
  }

  private async reopenMicrophone(after: StudioSettings): Promise<void> {
    await this.guard(async () => {
      const track = await openMicrophone(after.microphoneId);
      if (track) this.put(track);
      else this.drop(this.audio);
    });
  }

  /** A stored device that is not connected today must not keep the others from starting. */
  private async openWithFallback(wanted: CaptureRequest): Promise<MediaStream> {
    try {
      return await openCameraAndMicrophone(wanted);
    } catch (error) {
      const problem = captureProblem(error);
      if (problem === "mediaUnfit") {
        const microphoneId = wanted.microphoneId === "none" ? "none" : "";
        return openCameraAndMicrophone({ ...wanted, cameraId: "", microphoneId });
      }
      // A bench without a microphone is still worth watching.
      if (problem === "mediaMissing" && wanted.microphoneId !== "none") {
        return openCameraAndMicrophone({ ...wanted, microphoneId: "none" });
      }
      throw error;
    }
  }

  private async guard(action: () => Promise<void>): Promise<void> {
    this.starting = true;
    this.problem = undefined;
    this.host.onChange();
    try {
      await action();
    } catch (error) {
      this.problem = captureProblem(error);
    } finally {
      this.starting = false;
      this.host.onChange();
    }
  }

  private drop(track: MediaStreamTrack | undefined): void {
    if (!track) return;
    track.stop();
    this.stream.removeTrack(track);
  }

  private put(track: MediaStreamTrack): void {
    this.drop(track.kind === "video" ? this.video : this.audio);
    if (track.kind === "audio") track.enabled = !this.muted;
    this.stream.addTrack(track);
    track.addEventListener("ended", () => this.ended(track));
    this.host.onTrack(track);
  }

  private ended(track: MediaStreamTrack): void {
    if (!this.stream.getTracks().includes(track)) return;
    if (track.contentHint === "detail") {
      this.host.onScreenEnded();
      return;
    }
    this.problem = "mediaMissing";
    this.host.onChange();
  }

  private readonly devicesChanged = async (): Promise<void> => {
    this.devices = await listDevices().catch(() => this.devices);
    this.host.onChange();
  };
}

/** Camera, microphone and screen of this computer, and why they could not be had. */

import type { MessageKey } from "../i18n/format";
import type { Picture } from "./encodings";

export interface Devices {
  readonly cameras: readonly MediaDeviceInfo[];
  readonly microphones: readonly MediaDeviceInfo[];
}

export interface CaptureRequest extends Picture {
  readonly source: "camera" | "screen";
  /** Device ids; empty for the browser's default. */
  readonly cameraId: string;
  /** `none` leaves the sound out. */
  readonly microphoneId: string;
  readonly frameRate: number;
}

/** Browsers give out devices on secure pages only. */
export function canCapture(): boolean {
  return window.isSecureContext && "mediaDevices" in navigator;
}

const problems: Readonly<Record<string, MessageKey>> = {
  NotAllowedError: "mediaDenied",
  SecurityError: "mediaDenied",
  NotFoundError: "mediaMissing",
  NotReadableError: "mediaBusy",
  AbortError: "mediaBusy",
  OverconstrainedError: "mediaUnfit",
};

/** The sentence for what getUserMedia or getDisplayMedia threw. */
export function captureProblem(error: unknown): MessageKey {
  const name = error instanceof Error ? error.name : "";
  return problems[name] ?? "mediaFailed";
}

export async function listDevices(): Promise<Devices> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const named = all.filter(({ deviceId }) => deviceId !== "");
  return {
    cameras: named.filter(({ kind }) => kind === "videoinput"),
    microphones: named.filter(({ kind }) => kind === "audioinput"),
  };
}

/** The first camera that is not in use already, else the browser's default. */
export function freeCamera({ cameras }: Devices, taken: readonly string[]): string {
  return cameras.find(({ deviceId }) => !taken.includes(deviceId))?.deviceId ?? "";
}

function chosen(deviceId: string): MediaTrackConstraints {
  return deviceId === "" ? {} : { deviceId: { exact: deviceId } };
}

function pictureConstraints(wanted: CaptureRequest): MediaTrackConstraints {
  const { width, height, frameRate } = wanted;
  return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: frameRate, max: frameRate } };
}

/** Customers who come out of this computer's loudspeaker should not hear themselves. */
function soundConstraints(microphoneId: string): MediaTrackConstraints {
  return { echoCancellation: true, ...chosen(microphoneId) };
}

export async function openMicrophone(microphoneId: string): Promise<MediaStreamTrack | undefined> {
  if (microphoneId === "none") return undefined;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: soundConstraints(microphoneId) });
  return stream.getAudioTracks()[0];
}

export async function openPicture(wanted: CaptureRequest): Promise<MediaStreamTrack | undefined> {
  const video = pictureConstraints(wanted);
  if (wanted.source === "screen") {
    const screen = await navigator.mediaDevices.getDisplayMedia({ video, audio: false });
    const [track] = screen.getVideoTracks();
    if (track) track.contentHint = "detail";
    return track;
  }
  const camera = await navigator.mediaDevices.getUserMedia({ video: { ...video, ...chosen(wanted.cameraId) } });
  return camera.getVideoTracks()[0];
}

/** Both at once, so that the browser asks only once. */
export async function openCameraAndMicrophone(wanted: CaptureRequest): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({
    video: { ...pictureConstraints(wanted), ...chosen(wanted.cameraId) },
    audio: wanted.microphoneId === "none" ? false : soundConstraints(wanted.microphoneId),
  });
}

/** Size of what the track really delivers. */
export function pictureOf(track: MediaStreamTrack | undefined, fallback: Picture): Picture {
  const { width, height } = track?.getSettings() ?? {};
  return { width: width ?? fallback.width, height: height ?? fallback.height };
}

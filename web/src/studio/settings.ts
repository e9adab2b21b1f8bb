/** What the technician chose, kept for the next time. */

import { isObject } from "../api/http";
import type { CodecChoice } from "../api/offer";

export interface StudioSettings {
  readonly source: "camera" | "screen";
  readonly cameraId: string;
  readonly microphoneId: string;
  /** Height of the picture. */
  readonly height: number;
  readonly frameRate: number;
  /** Kilobits per second of all layers together. */
  readonly bitrate: number;
  readonly codec: CodecChoice;
  readonly simulcast: boolean;
}

export const defaultSettings: StudioSettings = {
  source: "camera",
  cameraId: "",
  microphoneId: "",
  height: 720,
  frameRate: 30,
  bitrate: 3000,
  codec: "auto",
  simulcast: true,
};

/** A further camera of a page: the first one has the sound. */
export const silentSettings: StudioSettings = { ...defaultSettings, microphoneId: "none" };

function storageKey(camera: string): string {
  return camera === "main" ? "studioSettings" : `studioSettings:${camera}`;
}

/** Settings from their stored text; what does not fit falls back to the default. A screen is never shared unasked. */
export function parseSettings(text: string | null, fallback: StudioSettings = defaultSettings): StudioSettings {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? "{}");
  } catch {
    return fallback;
  }
  if (!isObject(stored)) return fallback;
  const known = Object.entries(stored).filter(
    ([name, value]) => name in defaultSettings && typeof value === typeof defaultSettings[name as keyof StudioSettings],
  );
  return { ...fallback, ...Object.fromEntries(known), source: "camera" };
}

export function loadSettings(camera: string, fallback: StudioSettings): StudioSettings {
  try {
    return parseSettings(localStorage.getItem(storageKey(camera)), fallback);
  } catch {
    return fallback;
  }
}

export function saveSettings(camera: string, settings: StudioSettings): void {
  try {
    localStorage.setItem(storageKey(camera), JSON.stringify(settings));
  } catch {
    // Kept for this page only.
  }
}

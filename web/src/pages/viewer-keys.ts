/** What the keys of the viewer page mean. */

export type Deed = "mute" | "fullscreen" | "pip" | "figures" | "chat" | "talk" | "louder" | "quieter" | "help";

const deeds: Readonly<Record<string, Deed>> = {
  KeyM: "mute",
  KeyF: "fullscreen",
  KeyP: "pip",
  KeyI: "figures",
  KeyS: "figures",
  KeyC: "chat",
  ArrowUp: "louder",
  ArrowDown: "quieter",
};

/** What of a keyboard event counts. */
export interface Pressed {
  /** The key's place, whatever the layout makes of it. */
  readonly code: string;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** Where the focus is. */
export type Focus = "field" | "button" | "elsewhere";

export function focusOf(target: EventTarget | undefined): Focus {
  if (!(target instanceof HTMLElement)) return "elsewhere";
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return "field";
  if (target instanceof HTMLTextAreaElement || target.isContentEditable) return "field";
  return target.closest("button, a, summary") ? "button" : "elsewhere";
}

/** Undefined for a key that means nothing here: who writes writes, and the space bar presses the button that has the focus. */
export function deedOf({ code, key, ctrlKey, metaKey, altKey }: Pressed, focus: Focus): Deed | undefined {
  if (focus === "field" || ctrlKey || metaKey || altKey) return undefined;
  if (key === "?") return "help";
  if (code === "Space") return focus === "button" ? undefined : "talk";
  return deeds[code];
}

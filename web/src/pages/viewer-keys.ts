/** What the keys of the viewer page mean. */

export type Deed = "mute" | "fullscreen" | "pip" | "figures" | "chat" | "talk" | "louder" | "quieter" | "help";

const deedByCode: Readonly<Record<string, Deed>> = {
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

/** Keys by which one goes from button to button. */
const travels: ReadonlySet<string> = new Set(["Tab", "ArrowLeft", "ArrowRight", "Home", "End"]);

/** @param clicked the focus went where a pointer was: who clicked a button does not mean it any more */
function focusOf(target: EventTarget | undefined, clicked: boolean): Focus {
  if (!(target instanceof HTMLElement)) return "elsewhere";
  if (target instanceof HTMLInputElement) return target.type === "range" ? "elsewhere" : "field";
  if (target instanceof HTMLSelectElement) return "field";
  if (target instanceof HTMLTextAreaElement || target.isContentEditable) return "field";
  return !clicked && target.closest("button, a, summary") ? "button" : "elsewhere";
}

/** Undefined for a key that means nothing here: who writes writes, and the space bar presses the button that has the focus. */
export function deedOf({ code, key, ctrlKey, metaKey, altKey }: Pressed, focus: Focus): Deed | undefined {
  if (focus === "field" || ctrlKey || metaKey || altKey) return undefined;
  if (key === "?") return "help";
  if (code === "Space") return focus === "button" ? undefined : "talk";
  return deedByCode[code];
}

export interface KeyHost {
  readonly deeds: Readonly<Record<Deed, () => unknown>>;
  /** The space bar is let go. */
  readonly letGo: () => void;
  /** Whether keys mean nothing now. */
  readonly deaf: () => boolean;
}

export function listenToKeys({ deeds, letGo, deaf }: KeyHost, signal: AbortSignal): void {
  let clicked = false;
  const meant = (event: KeyboardEvent) => (deaf() ? undefined : deedOf(event, focusOf(event.composedPath()[0], clicked)));
  document.addEventListener("pointerdown", () => (clicked = true), { signal, capture: true });
  document.addEventListener(
    "keydown",
    (event) => {
      if (travels.has(event.key)) clicked = false;
      const deed = meant(event);
      if (deed === undefined) return;
      event.preventDefault();
      // Keys that are held change the volume only.
      if (!event.repeat || deed === "louder" || deed === "quieter") deeds[deed]();
    },
    { signal },
  );
  document.addEventListener(
    "keyup",
    (event) => {
      if (event.code !== "Space") return;
      // A button that was clicked before is not pressed by it.
      if (meant(event) === "talk") event.preventDefault();
      letGo();
    },
    { signal },
  );
}

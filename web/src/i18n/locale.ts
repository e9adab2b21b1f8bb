/** The page's language: where it comes from, where it is kept, and how components hear of a change. */

import type { ReactiveController, ReactiveControllerHost } from "lit";
import { chooseLanguage, type Language, type MessageKey, translate, type Values } from "./format";

const storageKey = "language";
const changes = new EventTarget();

function stored(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

function detect(): Language {
  const asked = new URLSearchParams(location.search).get("lang");
  return chooseLanguage([asked, stored(), ...navigator.languages]);
}

let current: Language = detect();
document.documentElement.lang = current;

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  if (next === current) return;
  current = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(storageKey, next);
  } catch {
    // Kept for this page only.
  }
  changes.dispatchEvent(new Event("change"));
}

/** Gives a component its texts and draws it anew when the language changes. */
export class Locale implements ReactiveController {
  private readonly heard = new Map<string, Language>();

  constructor(private readonly host: ReactiveControllerHost) {
    host.addController(this);
  }

  private readonly redraw = () => this.host.requestUpdate();

  hostConnected(): void {
    changes.addEventListener("change", this.redraw);
  }

  hostDisconnected(): void {
    changes.removeEventListener("change", this.redraw);
  }

  readonly text = (key: MessageKey, values?: Values): string => translate(current, key, values);

  /** The gateway's sentence as long as the page speaks the language in which it came; else the page's own. */
  readonly told = (sentence: string, key: MessageKey): string => {
    if (sentence === "") return translate(current, key);
    const spoken = this.heard.get(sentence) ?? current;
    this.heard.set(sentence, spoken);
    return spoken === current ? sentence : translate(current, key);
  };
}

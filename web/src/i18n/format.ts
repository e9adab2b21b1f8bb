/** Texts in a language: choosing one, plural forms, filled-in values. No page needed. */

import { cs } from "./cs";
import { en } from "./en";
import type { Message, MessageKey, Messages } from "./messages";
import { ru } from "./ru";

export type { MessageKey } from "./messages";

export const languages = ["ru", "en", "cs"] as const;
export type Language = (typeof languages)[number];

/** Each language's name in itself. */
export const languageNames: Readonly<Record<Language, string>> = { ru: "Русский", en: "English", cs: "Čeština" };

export const catalogue: Readonly<Record<Language, Messages>> = { ru, en, cs };

export type Values = Readonly<Record<string, string | number>>;

function form(message: Message, language: Language, values: Values): string {
  if (typeof message === "string") return message;
  const category = new Intl.PluralRules(language).select(Number(values.count ?? 0));
  return message[category] ?? message.other;
}

export function translate(language: Language, key: MessageKey, values: Values = {}): string {
  const numbers = new Intl.NumberFormat(language);
  return form(catalogue[language][key], language, values).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? numbers.format(value) : value;
  });
}

/** The first of the wished languages (BCP 47 tags, best first) that there is; English otherwise. `cz` means Czech. */
export function chooseLanguage(wished: readonly (string | null | undefined)[]): Language {
  for (const tag of wished) {
    const primary = tag?.toLowerCase().split(/[-_]/)[0];
    const known = primary === "cz" ? "cs" : languages.find((language) => language === primary);
    if (known) return known;
  }
  return "en";
}

/** The time of day of an instant in Unix milliseconds. */
export function formatClock(at: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(at);
}

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function formatDuration(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

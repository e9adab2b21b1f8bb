/** The shape of a language: every key that English has, plural forms by the rules of that language. */

import type { en } from "./en";

/** One text a plural category of `Intl.PluralRules`; `other` is always there. */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

export type Message = string | Plural;

export type MessageKey = keyof typeof en;

export type Messages = Readonly<Record<MessageKey, Message>>;

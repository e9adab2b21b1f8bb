/** The shape of a language's desk texts: every key that English has. */

import type { Message } from "../messages";
import type { en } from "./en";

export type DeskMessages = Readonly<Record<keyof typeof en, Message>>;

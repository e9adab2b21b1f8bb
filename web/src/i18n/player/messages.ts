/** The shape of a language's player texts: every key that English has. */

import type { Message } from "../messages";
import type { en } from "./en";

export type PlayerMessages = Readonly<Record<keyof typeof en, Message>>;

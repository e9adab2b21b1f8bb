/**
 * The talk button's states as a pure function: facts and an event go in, facts and commands come out. No clock, no
 * microphone, no network: `talk.ts` carries out the commands, the button draws what `talkView` says.
 *
 * The microphone is let through only while the button is held (or latched) and it is one's turn. Whatever ends a turn,
 * the connection or the microphone also lets the button go: it must be pressed again.
 */

import type { TalkWelcome as TalkState } from "../api/event-types";

/** Why there is no microphone: who uses the page forbids it, or the device's settings do. */
export type MicrophoneProblem = "denied" | "system" | "missing" | "taken" | "insecure" | "failed";

export type Microphone = "closed" | "asking" | "open" | MicrophoneProblem;

export interface TalkFacts {
  /** The session has a line for the microphone, and the gateway listens to the page. */
  readonly ready: boolean;
  readonly floor: TalkState | undefined;
  readonly microphone: Microphone;
  /** The open microphone gives nothing but zeros. */
  readonly silent: boolean;
  /** The button is held down or the microphone switched on, and nothing has ended that. */
  readonly held: boolean;
  /** The gateway was told that one speaks, and has not refused. */
  readonly started: boolean;
  /** The last request was turned down. */
  readonly refused: boolean;
  /** As the gateway said, before its next `talk:state` does. */
  readonly told: "waiting" | "off" | "muted" | undefined;
}

export type TalkEvent =
  | { readonly type: "ready"; readonly ready: boolean }
  | { readonly type: "press" }
  | { readonly type: "release" }
  | { readonly type: "withdraw" }
  | { readonly type: "microphone"; readonly microphone: Microphone }
  | { readonly type: "silent"; readonly silent: boolean }
  | { readonly type: "floor"; readonly floor: TalkState }
  /** The gateway's answer to `start` or `request`: an error's code, or empty when it agreed. */
  | { readonly type: "answer"; readonly code: string };

/** In the order in which they are to be carried out. */
export type TalkCommand =
  /** Open the microphone: the browser may ask. */
  | "open"
  /** Let the microphone's sound through, or not. */
  | "unmute"
  | "mute"
  /** Tell the gateway. */
  | "start"
  | "stop"
  | "request"
  | "withdraw";

export interface TalkStep {
  readonly facts: TalkFacts;
  readonly commands: readonly TalkCommand[];
}

export type TalkView =
  | { readonly state: "unavailable" | "idle" | "asking" | "turn" | "speaking" | "silent" | "off" | "muted" | "refused" }
  /** The first in the queue has place 1; 0 while unknown. */
  | { readonly state: "waiting"; readonly place: number }
  | { readonly state: MicrophoneProblem };

export const silentTalk: TalkFacts = {
  ready: false,
  floor: undefined,
  microphone: "closed",
  silent: false,
  held: false,
  started: false,
  refused: false,
  told: undefined,
};

function granted({ floor }: TalkFacts): boolean {
  return floor?.granted.includes(floor.you) ?? false;
}

function place({ floor }: TalkFacts): number {
  return (floor?.queue.findIndex(({ viewerId }) => viewerId === floor.you) ?? -1) + 1;
}

function muted({ floor, told }: TalkFacts): boolean {
  return told === "muted" || (floor?.muted.includes(floor.you) ?? false);
}

function off({ floor, told }: TalkFacts): boolean {
  return told === "off" || floor?.mode === "off";
}

function waiting(facts: TalkFacts): boolean {
  return facts.told === "waiting" || place(facts) > 0;
}

/** Whether the microphone's sound leaves the page. */
export function isHot({ ready, held, started, microphone }: TalkFacts): boolean {
  return ready && held && started && microphone === "open";
}

export function talkView(facts: TalkFacts): TalkView {
  const { microphone } = facts;
  if (!facts.ready) return { state: "unavailable" };
  if (muted(facts)) return { state: "muted" };
  if (off(facts)) return { state: "off" };
  if (microphone === "asking") return { state: "asking" };
  if (microphone !== "closed" && microphone !== "open") return { state: microphone };
  if (isHot(facts)) return { state: facts.silent ? "silent" : "speaking" };
  if (waiting(facts)) return { state: "waiting", place: place(facts) };
  if (facts.refused) return { state: "refused" };
  // With an open floor it is everybody's turn, so there is nothing to say about one's own.
  if (facts.floor?.mode === "request" && granted(facts)) return { state: "turn" };
  return { state: "idle" };
}

function stay(facts: TalkFacts): TalkStep {
  return { facts, commands: [] };
}

/** The button counts as let go; the gateway is told unless it knows. */
function letGo(facts: TalkFacts, tell = true): TalkStep {
  const next = { ...facts, held: false, started: false };
  if (!facts.held && !facts.started) return stay(next);
  return { facts: next, commands: facts.started ? (tell ? ["mute", "stop"] : ["mute"]) : [] };
}

/** One's turn, or the wish for one, with an open microphone. */
function begin(facts: TalkFacts): TalkStep {
  const may = facts.floor?.mode !== "request" || granted(facts);
  if (!may) return { facts, commands: waiting(facts) ? [] : ["request"] };
  return { facts: { ...facts, started: true }, commands: ["unmute", "start"] };
}

function press(facts: TalkFacts): TalkStep {
  if (!facts.ready || facts.held || muted(facts) || off(facts)) return stay(facts);
  const next = { ...facts, held: true, refused: false, silent: false };
  if (facts.microphone === "open") return begin(next);
  if (facts.microphone === "asking") return stay(next);
  return { facts: { ...next, microphone: "asking" }, commands: ["open"] };
}

function microphoneChanged(facts: TalkFacts, microphone: Microphone): TalkStep {
  const asked = facts.microphone === "asking";
  const next = { ...facts, microphone };
  if (microphone !== "open") return letGo(next);
  if (!asked || !facts.ready) return stay(next);
  if (facts.held) return begin(next);
  // The browser's question takes the pointer away, so the button was let go; the wish to be heard still stands.
  return facts.floor?.mode === "request" && !granted(next) ? begin(next) : stay(next);
}

function floorChanged(facts: TalkFacts, told: TalkState): TalkStep {
  // Only the greeting says who one is.
  const floor = { ...told, you: told.you || (facts.floor?.you ?? "") };
  const next: TalkFacts = { ...facts, floor, told: undefined };
  const had = granted(facts);
  const has = granted(next);
  const left = facts.ready && place(facts) > 0 && place(next) === 0;
  if (muted(next) || off(next)) return letGo({ ...next, refused: false }, false);
  // Turns also end by themselves; one that is taken away while it is used is a refusal.
  if (had && !has) return letGo({ ...next, refused: facts.started }, false);
  if (left && !has) return letGo({ ...next, refused: true }, false);
  // The turn has come while the button is still held.
  if (has && facts.held && !facts.started && facts.microphone === "open") return begin({ ...next, refused: false });
  return stay(has ? { ...next, refused: false } : next);
}

function answered(facts: TalkFacts, code: string): TalkStep {
  if (code === "") return stay(facts);
  const quiet: readonly TalkCommand[] = facts.started ? ["mute"] : [];
  // Still held: the turn may come.
  if (code === "talk_waiting") return { facts: { ...facts, started: false, told: "waiting" }, commands: quiet };
  const told = code === "talk_muted" ? "muted" : code === "talk_off" ? "off" : undefined;
  return { facts: { ...facts, held: false, started: false, told, refused: told === undefined }, commands: quiet };
}

export function talkStep(facts: TalkFacts, event: TalkEvent): TalkStep {
  switch (event.type) {
    case "ready":
      if (event.ready === facts.ready) return stay(facts);
      return letGo({ ...facts, ready: event.ready, told: undefined }, false);
    case "press":
      return press(facts);
    case "release":
      return letGo(facts);
    case "withdraw": {
      const { facts: next, commands } = letGo({ ...facts, told: undefined }, false);
      const { floor } = next;
      const queue = floor?.queue.filter(({ viewerId }) => viewerId !== floor.you) ?? [];
      return { facts: { ...next, floor: floor && { ...floor, queue } }, commands: [...commands, "withdraw"] };
    }
    case "microphone":
      return microphoneChanged(facts, event.microphone);
    case "silent":
      return event.silent === facts.silent ? stay(facts) : stay({ ...facts, silent: event.silent });
    case "floor":
      return floorChanged(facts, event.floor);
    case "answer":
      return answered(facts, event.code);
  }
}

/** The people of an order as the technician sees them: who may speak, who watches; and what can be done about it. */

import type { ClientEvents, People, TalkWelcome as TalkState } from "../api/event-types";
import type { LiveEvents } from "../api/events";
import { ApiError } from "../api/problem";

/** What a component wants the gateway to do. */
export interface Command<Event extends keyof ClientEvents = keyof ClientEvents> {
  readonly event: Event;
  readonly payload: ClientEvents[Event]["data"];
}

/** Asks the page for something to be done; whoever holds the room does it. */
export function command<Event extends keyof ClientEvents>(from: EventTarget, event: Event, payload: ClientEvents[Event]["data"]): void {
  const detail: Command<Event> = { event, payload };
  from.dispatchEvent(new CustomEvent("command", { detail, bubbles: true, composed: true }));
}

/** Those who wait now and did not before. */
export function newlyWaiting(before: TalkState | undefined, after: TalkState): string[] {
  const known = new Set(before?.queue.map(({ viewerId }) => viewerId));
  return after.queue.map(({ viewerId }) => viewerId).filter((viewerId) => !known.has(viewerId));
}

export interface DeskRow {
  readonly viewerId: string;
  readonly standing: "waiting" | "granted" | "speaking" | "muted";
}

/** Everybody whom the floor is about: those who wait first, then whose turn it is, then who was silenced. */
export function deskRows({ queue, granted, speakers, muted }: TalkState): DeskRow[] {
  const silenced = new Set(muted);
  const speaking = new Set(speakers.map(({ viewerId }) => viewerId));
  const turns = granted.filter((viewerId) => !silenced.has(viewerId));
  return [
    ...queue.map(({ viewerId }) => ({ viewerId, standing: "waiting" as const })),
    ...turns.map((viewerId) => ({ viewerId, standing: speaking.has(viewerId) ? ("speaking" as const) : ("granted" as const) })),
    ...muted.map((viewerId) => ({ viewerId, standing: "muted" as const })),
  ];
}

/** A page's title that tells, also of a hidden tab, how many wait. */
export function titled(title: string, waiting: number): string {
  return waiting > 0 ? `(${waiting}) ${title}` : title;
}

/** Fires `change`, and `asked` when somebody begins to wait for permission to speak. */
export class TalkRoom extends EventTarget {
  /** Undefined until the gateway has told. */
  talk: TalkState | undefined;
  people: People | undefined;
  /** By viewer id, also of those who neither watch nor wait any more. */
  names: ReadonlyMap<string, string> = new Map();
  /** The last refusal; undefined once something worked. */
  problem: ApiError | undefined;

  constructor(private readonly events: Pick<LiveEvents, "on" | "ask">) {
    super();
    // One's own id is told once.
    events.on("talk:state", (talk) => this.talkChanged({ you: this.talk?.you ?? "", ...talk }));
    events.on("people", (people) => this.change({ people, names: this.withNames(people.viewers) }));
  }

  get waiting(): number {
    return this.talk?.queue.length ?? 0;
  }

  /** Whether it was done; what was refused stands in `problem`. Never throws. */
  async carryOut({ event, payload }: Command): Promise<boolean> {
    try {
      await this.events.ask(event, payload);
    } catch (error) {
      this.change({ problem: ApiError.from(error) });
      return false;
    }
    if (this.problem) this.change({ problem: undefined });
    return true;
  }

  private talkChanged(talk: TalkState): void {
    const asked = newlyWaiting(this.talk, talk).length > 0;
    this.change({ talk, names: this.withNames([...talk.queue, ...talk.speakers]) });
    if (asked) this.dispatchEvent(new Event("asked"));
  }

  private withNames(people: readonly { readonly viewerId: string; readonly name: string }[]): ReadonlyMap<string, string> {
    const told = people.filter(({ name }) => name !== "").map(({ viewerId, name }) => [viewerId, name] as const);
    return new Map([...this.names, ...told]);
  }

  private change(change: Partial<Pick<TalkRoom, "talk" | "people" | "names" | "problem">>): void {
    Object.assign(this, change);
    this.dispatchEvent(new Event("change"));
  }
}

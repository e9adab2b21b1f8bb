/** Chat and markers of an order, as the gateway tells them, and how much of it has not been seen yet. */

import type { ChatMessage, Marker } from "../api/event-types";
import type { LiveEvents } from "../api/events";

/** Messages kept on the page. */
const most = 500;

/** Those of both lists, each id once, in the order of time. */
function merged<Item extends { readonly id: string; readonly at: number }>(known: readonly Item[], news: readonly Item[]): Item[] {
  const byId = new Map([...known, ...news].map((item) => [item.id, item]));
  return [...byId.values()].sort((a, b) => a.at - b.at).slice(-most);
}

export class Conversation {
  private events: LiveEvents | undefined;
  private seen = new Set<string>();
  private watched = false;

  messages: readonly ChatMessage[] = [];
  markers: readonly Marker[] = [];

  /** @param you one's own viewer id, whose messages are no news */
  constructor(
    private readonly you: () => string,
    private readonly onChange: () => void,
  ) {}

  /** How many messages of others came while nobody looked. */
  get unread(): number {
    return this.messages.filter(({ id, from }) => !this.seen.has(id) && from.viewerId !== this.you()).length;
  }

  listen(events: LiveEvents): void {
    this.events = events;
    events.on("chat:history", ({ messages }) => this.history(messages));
    events.on("chat:message", (message) => this.said([message]));
    events.on("markers", ({ markers }) => this.marked(markers));
    events.on("marker", (marker) => this.marked([marker]));
  }

  /** Somebody looks at the messages, or not any more. */
  look(watched: boolean): void {
    this.watched = watched;
    if (watched) this.see(this.messages);
    this.onChange();
  }

  /** @throws Refusal, ApiError as `LiveEvents.ask` */
  async send(text: string): Promise<void> {
    if (!this.events) throw new Error("nobody listens yet");
    await this.events.ask("chat:send", { text });
  }

  /** What was said before this page was opened is no news; what was said while it was away is. */
  history(messages: readonly ChatMessage[]): void {
    if (this.messages.length === 0) this.see(messages);
    this.said(messages);
  }

  said(messages: readonly ChatMessage[]): void {
    if (this.watched) this.see(messages);
    this.messages = merged(this.messages, messages);
    this.onChange();
  }

  marked(markers: readonly Marker[]): void {
    this.markers = merged(this.markers, markers);
    this.onChange();
  }

  private see(messages: readonly ChatMessage[]): void {
    for (const { id } of messages) this.seen.add(id);
  }
}

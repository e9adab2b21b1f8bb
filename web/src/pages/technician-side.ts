/** `<technician-side>`: everything about the customers of an order: who speaks, chat, who watches, markers, cameras. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Camera } from "../api/event-types";
import type { LiveEvents } from "../api/events";
import { ApiError } from "../api/problem";
import { Locale } from "../i18n/locale";
import { TalkChime } from "../studio/talk-chime";
import { type Command, TalkRoom } from "../studio/talk-room";
import "../ui/camera-list";
import "../ui/chat-panel";
import type { ChatPanel } from "../ui/chat-panel";
import "../ui/marker-bar";
import "../ui/people-list";
import { base, fields } from "../ui/styles";
import "../ui/talk-desk";
import { Conversation } from "../viewer/conversation";

const noNames: ReadonlyMap<string, string> = new Map();

/** Fires `waiting` with how many customers wait to speak, whenever that changes. */
@customElement("technician-side")
export class TechnicianSide extends LitElement {
  static override styles = [
    base,
    fields,
    css`
      :host {
        display: grid;
        align-items: start;
        gap: 16px;
        grid-template-columns: minmax(0, 1fr);
      }
      .panel {
        padding: 16px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        --surface: #1b242b;
      }
      chat-panel {
        overflow: hidden;
        height: 20rem;
        border-width: 1px;
        border-radius: var(--radius);
      }
      :host([wide]) {
        grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr));
      }
      :host([wide]) .problem {
        grid-column: 1 / -1;
      }
      :host([small]) {
        gap: 10px;
      }
      :host([small]) .panel {
        padding: 12px;
      }
      :host([small]) chat-panel {
        height: 15rem;
      }
    `,
  ];

  /** Undefined until the page has them; the same ones from then on. */
  @property({ attribute: false }) events: LiveEvents | undefined;
  /** The names of the page's own cameras. */
  @property({ attribute: false }) own: readonly string[] = [];
  /** In a dock or on a phone: without what OBS or another page shows. */
  @property({ type: Boolean, reflect: true }) small = false;

  @state() private room: TalkRoom | undefined;
  @state() private cameras: readonly Camera[] = [];
  @state() private chatProblem = "";

  @query("chat-panel") private panel!: ChatPanel;

  private readonly locale = new Locale(this);
  private readonly chime = new TalkChime();
  private readonly conversation = new Conversation(
    () => this.room?.talk?.you ?? "",
    () => this.requestUpdate(),
  );
  private readonly listening = new AbortController();
  private told = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.listening.abort();
    this.chime.close();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("events") && this.events) this.listen(this.events);
  }

  override render() {
    const { told } = this.locale;
    const { room, conversation } = this;
    const problem = room?.problem ? told(room.problem.sentence, room.problem.status === 0 ? "offline" : "loginFailed") : "";
    return html`<p class="problem" role="alert">${problem}</p>
      <talk-desk class="panel" .talk=${room?.talk} .names=${room?.names ?? noNames} @command=${this.carryOut}></talk-desk>
      <chat-panel
        beside
        can-write
        .messages=${conversation.messages}
        .you=${room?.talk?.you ?? ""}
        .problem=${this.chatProblem}
        @send=${this.send}
      ></chat-panel>
      <people-list class="panel" .people=${room?.people} @command=${this.carryOut}></people-list>
      <marker-bar class="panel" .markers=${conversation.markers} @command=${this.carryOut}></marker-bar>
      ${this.small ? nothing : html`<camera-list class="panel" .cameras=${this.cameras} .own=${this.own}></camera-list>`}`;
  }

  private listen(events: LiveEvents): void {
    const { signal } = this.listening;
    const room = new TalkRoom(events);
    this.room = room;
    this.conversation.listen(events);
    events.on("stream:state", ({ cameras }) => (this.cameras = cameras));
    room.addEventListener("change", () => this.changed(room.waiting), { signal });
    room.addEventListener("asked", () => void this.chime.ring(), { signal });
    for (const gesture of ["pointerup", "keydown"]) {
      window.addEventListener(gesture, () => void this.chime.allow(), { signal, once: true });
    }
  }

  private changed(waiting: number): void {
    this.requestUpdate();
    if (waiting === this.told) return;
    this.told = waiting;
    this.dispatchEvent(new CustomEvent("waiting", { detail: waiting, bubbles: true, composed: true }));
  }

  private readonly carryOut = (event: CustomEvent<Command>): void => {
    void this.room?.carryOut(event.detail);
  };

  private readonly send = async (event: CustomEvent<string>): Promise<void> => {
    const { text } = this.locale;
    try {
      await this.conversation.send(event.detail);
      this.panel.sent();
      this.chatProblem = "";
    } catch (error) {
      const { status, sentence } = ApiError.from(error);
      this.chatProblem = status === 429 ? text("chatTooFast") : sentence || text("chatFailed");
    }
  };
}

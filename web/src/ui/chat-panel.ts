/** `<chat-panel>`: what the technician noted and what people write. Fires `send` with a text, and `close`. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { type Author, type ChatMessage, longest, type Marker } from "../api/event-types";
import { formatClock } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { closeIcon, flagIcon, sendIcon } from "./icons";
import { base, buttons, fields } from "./styles";

/** Where the markers do not push the messages away. */
const roomy = matchMedia("(min-width: 721px) and (min-height: 600px)");

/** Pixels from the end at which somebody still reads the end. */
const nearEnd = 40;

@customElement("chat-panel")
export class ChatPanel extends LitElement {
  static override styles = [
    base,
    buttons,
    fields,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        border: 0 solid var(--line);
        background: var(--surface);
        color: var(--ink);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        min-height: 52px;
        padding: 4px 4px 4px 16px;
        border-bottom: 1px solid var(--line);
      }
      h2 {
        font-size: 1.0625rem;
      }
      details {
        flex: none;
        padding: 0 16px;
        border-bottom: 1px solid var(--line);
      }
      summary {
        min-height: 44px;
        padding-block: 10px;
        font-weight: 600;
        cursor: pointer;
      }
      summary span {
        color: var(--muted);
        font-weight: 400;
      }
      ol {
        overflow-y: auto;
        max-height: min(30vh, 220px);
        margin: 0;
        padding: 0 0 12px;
        list-style: none;
      }
      ol li {
        display: grid;
        grid-template-columns: auto auto 1fr;
        gap: 8px;
        padding-block: 3px;
      }
      ol svg {
        margin-top: 2px;
        color: var(--accent);
      }
      time {
        color: var(--muted);
        font-size: 0.8125rem;
        font-variant-numeric: tabular-nums;
        line-height: 1.9;
      }
      .log {
        display: flex;
        flex: 1;
        flex-direction: column;
        gap: 10px;
        overflow-y: auto;
        min-height: 72px;
        padding: 12px 16px;
        overscroll-behavior: contain;
      }
      .message {
        align-self: flex-start;
        max-width: 88%;
        padding: 6px 12px 8px;
        border-radius: 4px 14px 14px;
        background: var(--sunken);
        overflow-wrap: anywhere;
      }
      .said {
        white-space: pre-line;
      }
      .own time {
        color: inherit;
      }
      ::placeholder {
        color: var(--muted);
        opacity: 1;
      }
      .technician,
      .staff {
        box-shadow: inset 3px 0 0 var(--accent);
      }
      .own {
        align-self: flex-end;
        border-radius: 14px 4px 14px 14px;
        background: color-mix(in srgb, var(--accent) 22%, var(--surface));
      }
      .from {
        display: flex;
        gap: 8px;
        align-items: baseline;
        font-size: 0.8125rem;
        font-weight: 600;
      }
      .empty {
        padding-bottom: 12px;
        color: var(--muted);
      }
      form {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 8px;
        padding: 8px 12px max(8px, env(safe-area-inset-bottom));
        border-top: 1px solid var(--line);
      }
      form .icon {
        color: var(--accent);
      }
      .problem {
        grid-column: 1 / -1;
      }
    `,
  ];

  @property({ attribute: false }) messages: readonly ChatMessage[] = [];
  @property({ attribute: false }) markers: readonly Marker[] = [];
  /** One's own viewer id. */
  @property() you = "";
  /** Whether one may write. */
  @property({ type: Boolean, attribute: "can-write" }) canWrite = false;
  /** Beside what a technician has there anyway: nothing to close, and no markers. */
  @property({ type: Boolean }) beside = false;
  /** Why the last message was not sent; empty when it was. */
  @property() problem = "";

  @state() private draft = "";

  @query(".log") private log!: HTMLElement;
  @query("input") private input!: HTMLInputElement | null;

  private readonly locale = new Locale(this);
  private atEnd = true;
  /** For which size of the messages' box `atEnd` was said. */
  private size = "";
  /** The keyboard of a phone takes room from the messages. */
  private readonly resizing = new ResizeObserver(() => {
    this.size = this.measured();
    this.follow();
  });

  /** Puts the cursor where one writes. */
  override focus(): void {
    const first = this.input ?? this.renderRoot.querySelector<HTMLElement>("#close-chat");
    first?.focus();
  }

  /** The last message is on its way. */
  sent(): void {
    this.draft = "";
  }

  protected override firstUpdated(): void {
    this.resizing.observe(this.log);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resizing.disconnect();
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("messages")) this.follow();
  }

  override render() {
    const { text } = this.locale;
    return html`<header>
        <h2>${text("chat")}</h2>
        <button class="icon" id="close-chat" ?hidden=${this.beside} aria-label=${text("chatClose")} @click=${() => this.dispatchEvent(new Event("close"))}>
          ${closeIcon()}
        </button>
      </header>
      <details ?open=${this.markers.length > 0 && roomy.matches} ?hidden=${this.beside}>
        <summary>${text("markers")} <span>${this.markers.length > 0 ? this.markers.length : nothing}</span></summary>
        ${this.markers.length > 0
          ? html`<ol tabindex="0" aria-label=${text("markers")}>${this.markers.map((marker) => this.marker(marker))}</ol>`
          : html`<p class="empty">${text("markersNone")}</p>`}
      </details>
      <div class="log" role="log" aria-label=${text("chat")} tabindex="0" @scroll=${this.scrolled}>
        ${this.messages.length > 0
          ? this.messages.map((message) => this.message(message))
          : html`<p class="empty">${text("chatEmpty")}</p>`}
      </div>
      ${this.canWrite ? this.form() : nothing}`;
  }

  /** Whoever reads the end stays there. */
  private follow(): void {
    if (this.atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  private measured(): string {
    return `${this.log.clientWidth} ${this.log.clientHeight}`;
  }

  private readonly scrolled = (): void => {
    // Browsers tell of a scroll a frame later, before they tell of a size that has changed meanwhile.
    if (this.measured() !== this.size) return;
    this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < nearEnd;
  };

  private marker({ at, label }: Marker) {
    return html`<li>${flagIcon()} ${this.clock(at)} <span>${label}</span></li>`;
  }

  private message(message: ChatMessage) {
    const own = message.from.viewerId === this.you;
    return html`<div class="message ${message.from.role} ${own ? "own" : ""}">
      <div class="from"><span>${this.author(message.from, own)}</span> ${this.clock(message.at)}</div>
      <div class="said">${message.text}</div>
    </div>`;
  }

  private author({ name, role }: Author, own: boolean): string {
    const { text } = this.locale;
    if (own) return text("chatYou");
    if (name !== "") return name;
    return text(role === "technician" ? "chatTechnician" : role === "staff" ? "chatStaff" : "chatViewer");
  }

  private clock(at: number) {
    return html`<time datetime=${new Date(at).toISOString()}>${formatClock(at, language())}</time>`;
  }

  private form() {
    const { text } = this.locale;
    return html`<form @submit=${this.submit}>
      <p class="problem" role="alert">${this.problem}</p>
      <input
        id="message"
        autocomplete="off"
        enterkeyhint="send"
        maxlength=${longest.chat.text}
        aria-label=${text(this.beside ? "deskChatInput" : "chatInput")}
        placeholder=${text("chatPlaceholder")}
        .value=${this.draft}
        @input=${(event: Event) => (this.draft = (event.target as HTMLInputElement).value)}
      />
      <button class="icon" id="send" aria-label=${text("chatSend")} ?disabled=${this.draft.trim() === ""}>${sendIcon()}</button>
    </form>`;
  }

  private readonly submit = (event: Event): void => {
    event.preventDefault();
    const detail = this.draft.trim();
    if (detail !== "") this.dispatchEvent(new CustomEvent("send", { detail }));
  };
}

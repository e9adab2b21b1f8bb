/**
 * `<player-controls>`: sound, quality, chat, what helps, full screen. It only asks; the page acts on `mute`, `volume`,
 * `quality`, `chat`, `pip`, `stats`, `keys` and `fullscreen`.
 */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import type { QualityView } from "../viewer/quality";
import { chartIcon, chatIcon, fullscreenExitIcon, fullscreenIcon, keyboardIcon, mutedIcon, pipIcon, soundIcon } from "./icons";
import "./more-menu";
import { delayText } from "./quality-menu";
import { base, buttons } from "./styles";

@customElement("player-controls")
export class PlayerControls extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 4px;
        color: var(--ink);
      }
      button,
      quality-menu {
        flex: none;
      }
      input {
        width: 7.5rem;
        min-width: 0;
        height: 2.75rem;
        accent-color: var(--accent);
      }
      #chat {
        position: relative;
      }
      .unread {
        position: absolute;
        top: 2px;
        right: 0;
        min-width: 1.25rem;
        padding: 0 5px;
        border-radius: 999px;
        background: color-mix(in srgb, var(--live) 82%, #000);
        color: #fff;
        font-size: 0.75rem;
        line-height: 1.25rem;
        text-align: center;
      }
      .between {
        flex: 1;
        min-width: 0;
        overflow: hidden;
        padding-inline: 8px;
        color: var(--muted);
        font-size: 0.875rem;
        font-variant-numeric: tabular-nums;
        text-align: right;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .icon[aria-pressed="true"] {
        color: var(--accent);
      }
      more-menu {
        display: none;
      }
      /* Here a menu has the room for them. */
      @media (max-width: 720px), (max-height: 480px) and (orientation: landscape) {
        more-menu {
          display: block;
        }
        #pip,
        #stats,
        #keys {
          display: none;
        }
      }
      @media not ((hover: hover) and (pointer: fine)) {
        #keys {
          display: none;
        }
      }
      /* On a phone the quality menu has the room for it. */
      @media (max-width: 600px) {
        .between {
          padding: 0;
        }
        .between span {
          display: none;
        }
      }
      /* Here it shares its row with the talk button. */
      @media (max-height: 480px) and (orientation: landscape) {
        input,
        .between span {
          display: none;
        }
      }
      /* A phone has keys for the volume. */
      @media (max-width: 480px) {
        input {
          display: none;
        }
      }
    `,
  ];

  @property({ type: Boolean }) muted = true;
  /** 0 to 1. */
  @property({ type: Number }) volume = 1;
  /** Whether the page may set the volume at all: on iOS only the keys of the device do. */
  @property({ type: Boolean }) adjustable = true;
  @property({ type: Boolean }) fullscreen = false;
  @property({ type: Boolean, attribute: "can-fullscreen" }) canFullscreen = true;
  /** What there is to choose from; undefined when there is no choice. */
  @property({ attribute: false }) quality: QualityView | undefined;
  /** Seconds that the picture is behind the camera; undefined while unknown. */
  @property({ attribute: false }) delay: number | undefined;
  @property({ type: Boolean, attribute: "chat-open" }) chatOpen = false;
  @property({ type: Boolean, attribute: "can-pip" }) canPip = false;
  @property({ type: Boolean }) pip = false;
  @property({ type: Boolean }) stats = false;
  /** Messages that nobody has looked at. */
  @property({ type: Number }) unread = 0;

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    return html`<button class="icon" id="mute" aria-label=${text(this.muted ? "unmute" : "mute")} @click=${() => this.ask("mute")}>
        ${this.muted ? mutedIcon() : soundIcon()}
      </button>
      ${this.adjustable
        ? html`<input
            type="range"
            min="0"
            max="1"
            step="0.05"
            aria-label=${text("volume")}
            .value=${String(this.muted ? 0 : this.volume)}
            @input=${this.slid}
          />`
        : nothing}
      <span class="between">${this.delay === undefined ? nothing : html`<span>${delayText(text, this.delay)}</span>`}</span>
      ${this.quality
        ? html`<quality-menu
            .quality=${this.quality}
            .delay=${this.delay}
            @choose=${(event: CustomEvent<string>) => this.dispatchEvent(new CustomEvent("quality", { detail: event.detail }))}
          ></quality-menu>`
        : nothing}
      <button
        class="icon"
        id="chat"
        aria-expanded=${this.chatOpen}
        aria-label=${this.unread > 0 ? text("chatUnread", { count: this.unread }) : text(this.chatOpen ? "chatClose" : "chatOpen")}
        @click=${() => this.ask("chat")}
      >
        ${chatIcon()} ${this.unread > 0 ? html`<span class="unread">${this.unread > 99 ? "99+" : this.unread}</span>` : nothing}
      </button>
      ${this.canPip ? this.toggle("pip", this.pip, text("pip"), pipIcon()) : nothing}
      ${this.toggle("stats", this.stats, text("figures"), chartIcon())}
      <button class="icon" id="keys" aria-haspopup="dialog" aria-label=${text("keys")} title=${text("keys")} @click=${() => this.ask("keys")}>
        ${keyboardIcon()}
      </button>
      <more-menu
        ?can-pip=${this.canPip}
        ?pip=${this.pip}
        ?stats=${this.stats}
        @pip=${() => this.ask("pip")}
        @stats=${() => this.ask("stats")}
        @keys=${() => this.ask("keys")}
      ></more-menu>
      ${this.canFullscreen
        ? html`<button
            class="icon"
            id="fullscreen"
            aria-label=${text(this.fullscreen ? "exitFullscreen" : "fullscreen")}
            @click=${() => this.ask("fullscreen")}
          >
            ${this.fullscreen ? fullscreenExitIcon() : fullscreenIcon()}
          </button>`
        : nothing}`;
  }

  /** Where the focus goes when the chat is closed. */
  focusChat(): void {
    this.renderRoot.querySelector<HTMLElement>("#chat")?.focus();
  }

  private toggle(name: "pip" | "stats", on: boolean, label: string, icon: TemplateResult) {
    return html`<button class="icon" id=${name} aria-pressed=${on} aria-label=${label} title=${label} @click=${() => this.ask(name)}>
      ${icon}
    </button>`;
  }

  private ask(name: "mute" | "chat" | "pip" | "stats" | "keys" | "fullscreen"): void {
    this.dispatchEvent(new Event(name));
  }

  private slid(event: Event): void {
    const detail = Number((event.target as HTMLInputElement).value);
    this.dispatchEvent(new CustomEvent("volume", { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "player-controls": PlayerControls;
  }
}

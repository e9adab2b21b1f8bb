/** `<player-controls>`: sound and full screen. It only asks; the page acts on `mute`, `volume` and `fullscreen`. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import { fullscreenExitIcon, fullscreenIcon, mutedIcon, soundIcon } from "./icons";
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
      input {
        width: 120px;
        height: 44px;
        accent-color: var(--accent);
      }
      .between {
        flex: 1;
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
      <span class="between"></span>
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

  private ask(name: "mute" | "fullscreen"): void {
    this.dispatchEvent(new Event(name));
  }

  private slid(event: Event): void {
    const detail = Number((event.target as HTMLInputElement).value);
    this.dispatchEvent(new CustomEvent("volume", { detail }));
  }
}

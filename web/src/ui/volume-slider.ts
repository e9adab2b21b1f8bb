/** `<volume-slider>`: how loud the customers are. */

import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import type { TalkPlayer } from "../studio/talk-player";
import { mutedIcon, soundIcon } from "./icons";
import { base, buttons } from "./styles";

@customElement("volume-slider")
export class VolumeSlider extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 8px;
        min-width: 0;
      }
      input {
        flex: 1;
        min-width: 4rem;
        height: 44px;
        margin: 0;
        accent-color: var(--accent);
      }
    `,
  ];

  @property({ attribute: false }) player!: TalkPlayer;

  private readonly locale = new Locale(this);
  /** Before it was silenced by the button. */
  private earlier = 1;

  override render() {
    const { text } = this.locale;
    const { volume } = this.player;
    const silent = volume === 0;
    return html`<button class="icon" id="silence" aria-pressed=${silent} aria-label=${text(silent ? "unmute" : "mute")} @click=${this.toggle}>
        ${silent ? mutedIcon() : soundIcon()}
      </button>
      <input
        type="range"
        id="talk-volume"
        min="0"
        max="1"
        step="0.05"
        aria-label=${text("talkbackVolume")}
        .value=${String(volume)}
        @input=${(event: Event) => this.set(Number((event.target as HTMLInputElement).value))}
      />`;
  }

  private set(volume: number): void {
    this.player.volume = volume;
    this.requestUpdate();
  }

  private readonly toggle = (): void => {
    const { volume } = this.player;
    if (volume > 0) this.earlier = volume;
    this.set(volume > 0 ? 0 : this.earlier);
  };
}

/** `<live-badges>`: LIVE, for how long, how many watch. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { formatDuration } from "../i18n/format";
import { Locale } from "../i18n/locale";
import { micIcon, peopleIcon } from "./icons";
import { base } from "./styles";

@customElement("live-badges")
export class LiveBadges extends LitElement {
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        font-size: 0.875rem;
        font-weight: 600;
        line-height: 1;
      }
      span.badge {
        display: inline-flex;
        align-items: center;
        gap: 7px;
        min-height: 2rem;
        padding: 0 12px;
        border-radius: 999px;
        border: 1px solid rgb(255 255 255 / 12%);
        background: rgb(11 16 19 / 72%);
        color: #fff;
        font-variant-numeric: tabular-nums;
        backdrop-filter: blur(6px);
      }
      #speaking svg {
        width: 1.125rem;
        height: 1.125rem;
      }
      span.live {
        background: var(--live);
        letter-spacing: 0.06em;
      }
      .live::before {
        content: "";
        width: 0.5rem;
        height: 0.5rem;
        border-radius: 50%;
        background: #fff;
        animation: breathe 2s ease-in-out infinite;
      }
      @keyframes breathe {
        50% {
          opacity: 0.35;
        }
      }
    `,
  ];

  @property({ type: Boolean }) live = false;
  /** Unix milliseconds. */
  @property({ type: Number }) since: number | undefined;
  @property({ type: Number }) viewers: number | undefined;
  /** Who speaks to the technician now, as a sentence; empty for nobody. */
  @property() speaking = "";

  private readonly locale = new Locale(this);
  private timer: number | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = window.setInterval(() => this.live && this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.timer);
  }

  override render() {
    const { text } = this.locale;
    return html`${this.live ? html`<span class="badge live">${text("live")}</span>` : nothing}
    ${this.live && this.since !== undefined ? this.duration(this.since) : nothing}
    ${this.speaking === "" ? nothing : html`<span class="badge" id="speaking">${micIcon()} ${this.speaking}</span>`}
    ${this.viewers === undefined || this.viewers === 0
      ? nothing
      : html`<span class="badge" id="viewers">${peopleIcon()} ${text("viewers", { count: this.viewers })}</span>`}`;
  }

  private duration(since: number) {
    const time = formatDuration(Date.now() - since);
    return html`<span class="badge" title=${this.locale.text("onAirFor", { time })}>${time}</span>`;
  }
}

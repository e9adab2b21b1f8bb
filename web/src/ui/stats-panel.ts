/** `<stats-panel>`: figures of the connection over the picture, for people who help; fires `close`. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import type { Figures } from "../viewer/connection-figures";
import { closeIcon } from "./icons";
import { rows, type SessionFigures } from "./stats-panel-rows";
import { base, buttons } from "./styles";

@customElement("stats-panel")
export class StatsPanel extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
        overflow: auto;
        padding: 4px 6px 10px 14px;
        border: 1px solid rgb(255 255 255 / 14%);
        border-radius: var(--radius-small);
        background: rgb(11 16 19 / 96%);
        color: #e9eef0;
        font-size: 0.8125rem;
        line-height: 1.45;
        font-variant-numeric: tabular-nums;
      }
      header {
        display: flex;
        align-items: center;
        gap: 4px;
      }
      h2 {
        flex: 1;
        font-size: 0.875rem;
        letter-spacing: 0;
      }
      header button {
        border-color: transparent;
        background: transparent;
        color: inherit;
        font-size: 0.8125rem;
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 1px 14px;
        margin: 0;
        padding-right: 8px;
      }
      @media (max-height: 480px) and (orientation: landscape) {
        dl {
          grid-template-columns: auto 1fr auto 1fr;
        }
      }
      dt {
        color: #b4c0c7;
      }
      dd {
        margin: 0;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) figures!: Figures;
  @property({ attribute: false }) session!: SessionFigures;

  @state() private copied = false;

  private readonly locale = new Locale(this);
  private timer: number | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearTimeout(this.timer);
  }

  override render() {
    const { text } = this.locale;
    const lines = rows(text, this.figures, this.session);
    return html`<section aria-label=${text("figures")} aria-live="off">
      <header>
        <h2>${text("figures")}</h2>
        ${"clipboard" in navigator
          ? html`<button id="copy" @click=${() => void this.copy(lines)}>${text(this.copied ? "copied" : "copy")}</button>`
          : nothing}
        <button class="icon" id="close-stats" aria-label=${text("close")} @click=${() => this.dispatchEvent(new Event("close"))}>
          ${closeIcon()}
        </button>
      </header>
      <dl>
        ${lines.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}
      </dl>
      <p class="hidden-text" role="status">${this.copied ? text("copied") : ""}</p>
    </section>`;
  }

  private async copy(lines: readonly [string, string][]): Promise<void> {
    const all = [...lines.map((line) => line.join(": ")), new Date().toISOString(), navigator.userAgent];
    // A page that is not looked at is refused.
    this.copied = await navigator.clipboard.writeText(all.join("\n")).then(() => true, () => false);
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (this.copied = false), 2000);
  }
}

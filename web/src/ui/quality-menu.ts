/** `<quality-menu>`: a button that shows the quality, and a menu to choose it from. Fires `choose` with a rid or "auto". */

import { css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import { auto, type QualityName, type QualityView } from "../viewer/quality";
import { checkIcon, chevronUpIcon } from "./icons";
import { popup, PopupMenu } from "./popup-menu";
import { base, buttons } from "./styles";

type Text = Locale["text"];

/** A layer's name as people read it. */
export function qualityText(text: Text, { lines, fps, bitrate }: QualityName): string {
  const quality = `${lines}p`;
  if (fps !== undefined) return text("qualityFrames", { quality, count: fps });
  if (bitrate !== undefined) return `${quality}, ${text("kilobits", { count: Math.round(bitrate / 50_000) * 50 })}`;
  return quality;
}

/** How far the picture is behind the camera, no finer than anybody can tell. */
export function delayText(text: Text, seconds: number): string {
  const delay =
    seconds < 1
      ? text("milliseconds", { count: Math.max(10, Math.round(seconds * 100) * 10) })
      : text("seconds", { count: Math.round(seconds * 10) / 10 });
  return text("behindLive", { delay });
}

@customElement("quality-menu")
export class QualityMenu extends PopupMenu {
  static override styles = [
    base,
    buttons,
    popup,
    css`
      #quality {
        justify-content: space-between;
        gap: 6px;
        min-width: 9em;
        padding-inline: 10px;
        border-color: transparent;
        background: transparent;
        font-size: 0.9375rem;
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      #quality:hover {
        background: color-mix(in srgb, var(--ink) 10%, transparent);
      }
      #quality svg {
        color: var(--muted);
      }
      #quality.held {
        color: var(--warm);
      }
      h2,
      .delay {
        padding: 8px 12px;
        color: var(--muted);
        font-size: 0.875rem;
        font-weight: 600;
        letter-spacing: 0;
      }
      [aria-checked="true"] svg {
        color: var(--accent);
      }
      [aria-checked="false"] svg {
        visibility: hidden;
      }
      small {
        grid-column: 2;
        color: var(--warm);
        font-size: 0.8125rem;
        font-weight: 400;
      }
      .delay {
        margin-top: 6px;
        border-top: 1px solid var(--line);
        font-weight: 400;
        font-variant-numeric: tabular-nums;
      }
      @media (min-width: 601px) and (min-height: 481px) {
        .delay {
          display: none;
        }
      }
      @media (max-width: 400px) {
        #quality {
          min-width: 0;
          padding-inline: 6px;
        }
      }
    `,
  ];

  @property({ attribute: false }) quality!: QualityView;
  /** Seconds that the picture is behind the camera; undefined while unknown. */
  @property({ attribute: false }) delay: number | undefined;

  private readonly locale = new Locale(this);

  protected override heading(): string {
    return this.locale.text("quality");
  }

  protected override button() {
    const name = this.chosenText();
    return html`<button
      id="quality"
      class=${this.quality.held ? "held" : ""}
      aria-haspopup="menu"
      aria-expanded=${this.open}
      aria-label=${this.locale.text("qualityButton", { quality: name })}
      @click=${this.toggle}
      @keydown=${this.buttonKey}
    >
      ${name} ${chevronUpIcon()}
    </button>`;
  }

  protected override entries() {
    const { text } = this.locale;
    return html`<h2 role="presentation">${text("quality")}</h2>
      ${this.item(auto, this.autoText())}
      ${this.quality.options.map(({ rid, name }) => this.item(rid, qualityText(text, name)))}
      ${this.delay === undefined ? nothing : html`<p class="delay" role="presentation">${delayText(text, this.delay)}</p>`}`;
  }

  private item(rid: string, name: string) {
    const { text } = this.locale;
    const { chosen, held, playing } = this.quality;
    const checked = rid === chosen;
    return html`<button
      role="menuitemradio"
      aria-checked=${checked}
      tabindex="-1"
      data-rid=${rid}
      @click=${() => this.choose(rid)}
    >
      ${checkIcon()}<span>${name}</span>
      ${checked && held && playing
        ? html`<small>${text("qualityHeld", { quality: qualityText(text, playing) })}</small>`
        : nothing}
    </button>`;
  }

  private autoText(): string {
    const { text } = this.locale;
    const { chosen, playing } = this.quality;
    if (chosen !== auto || !playing) return text("qualityAuto");
    return text("qualityAutoNow", { quality: qualityText(text, playing) });
  }

  private chosenText(): string {
    const { options, chosen } = this.quality;
    const option = options.find(({ rid }) => rid === chosen);
    return option ? qualityText(this.locale.text, option.name) : this.autoText();
  }

  private choose(rid: string): void {
    this.shut();
    this.dispatchEvent(new CustomEvent("choose", { detail: rid }));
  }
}

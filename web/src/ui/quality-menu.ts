/** `<quality-menu>`: a button that shows the quality, and a menu to choose it from. Fires `choose` with a rid or "auto". */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import { auto, type QualityName, type QualityView } from "../viewer/quality";
import { checkIcon, chevronUpIcon } from "./icons";
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
export class QualityMenu extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        position: relative;
        display: block;
      }
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
      .held {
        color: var(--warm);
      }
      [role="menu"] {
        position: absolute;
        right: 0;
        bottom: calc(100% + 10px);
        z-index: 1;
        overflow: auto;
        width: max-content;
        min-width: 13rem;
        max-width: min(19rem, 100vw - 24px);
        max-height: calc(100vh - 100px);
        padding: 6px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        box-shadow: var(--shadow);
      }
      h2,
      .delay {
        padding: 8px 12px;
        color: var(--muted);
        font-size: 0.875rem;
        font-weight: 600;
        letter-spacing: 0;
      }
      [role="menuitemradio"] {
        display: grid;
        grid-template-columns: 20px 1fr;
        justify-content: stretch;
        column-gap: 10px;
        width: 100%;
        padding-inline: 12px;
        border: 0;
        border-radius: var(--radius-small);
        background: transparent;
        font-weight: 400;
        font-variant-numeric: tabular-nums;
        text-align: left;
      }
      [role="menuitemradio"]:hover,
      [role="menuitemradio"]:focus-visible {
        background: color-mix(in srgb, var(--ink) 10%, transparent);
      }
      [role="menuitemradio"]:focus-visible {
        outline-offset: -3px;
      }
      [aria-checked="true"] {
        font-weight: 600;
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
      @media (min-width: 601px) {
        .delay {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) quality!: QualityView;
  /** Seconds that the picture is behind the camera; undefined while unknown. */
  @property({ attribute: false }) delay: number | undefined;

  @state() private open = false;

  @query("#quality") private button!: HTMLButtonElement;

  private readonly locale = new Locale(this);
  private readonly outside = (event: Event) => {
    if (!event.composedPath().includes(this)) this.open = false;
  };

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.outside);
    this.open = false;
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has("open")) return;
    document.removeEventListener("pointerdown", this.outside);
    if (!this.open) return;
    document.addEventListener("pointerdown", this.outside);
    const { items } = this;
    (items.find((item) => item.ariaChecked === "true") ?? items[0])?.focus();
  }

  override render() {
    const { text } = this.locale;
    const name = this.chosenText();
    return html`<button
        id="quality"
        class=${this.quality.held ? "held" : ""}
        aria-haspopup="menu"
        aria-expanded=${this.open}
        aria-label=${text("qualityButton", { quality: name })}
        @click=${() => this.setOpen(!this.open)}
        @keydown=${this.buttonKey}
      >
        ${name} ${chevronUpIcon()}
      </button>
      ${this.open ? this.menu() : nothing}`;
  }

  private menu() {
    const { text } = this.locale;
    return html`<div role="menu" aria-labelledby="heading" @keydown=${this.menuKey} @focusout=${this.left}>
      <h2 id="heading" role="presentation">${text("quality")}</h2>
      ${this.item(auto, this.autoText())}
      ${this.quality.options.map(({ rid, name }) => this.item(rid, qualityText(text, name)))}
      ${this.delay === undefined ? nothing : html`<p class="delay" role="presentation">${delayText(text, this.delay)}</p>`}
    </div>`;
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

  private get items(): HTMLButtonElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLButtonElement>("[role=menuitemradio]")];
  }

  /** For whoever works in the menu; a click elsewhere closes it without moving the focus. */
  private setOpen(open: boolean): void {
    this.open = open;
    if (!open) this.button.focus();
  }

  private choose(rid: string): void {
    this.setOpen(false);
    this.dispatchEvent(new CustomEvent("choose", { detail: rid }));
  }

  private readonly buttonKey = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.open) this.setOpen(true);
  };

  /** The keys of a menu (ARIA Authoring Practices); none of them reaches the page, whose arrows mean the volume. */
  private readonly menuKey = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "Tab") {
      this.setOpen(false);
      return;
    }
    const { items } = this;
    const place = items.indexOf(event.target as HTMLButtonElement);
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: (place + 1) % items.length,
      ArrowUp: (place - 1 + items.length) % items.length,
      Home: 0,
      End: items.length - 1,
    };
    const target = targets[event.key];
    if (event.key === "Escape") this.setOpen(false);
    else if (target !== undefined) items[target]?.focus();
    else return;
    event.preventDefault();
  };

  /** The focus went elsewhere: a menu that nobody is in is closed. */
  private readonly left = (event: FocusEvent): void => {
    const next = event.relatedTarget;
    if (next instanceof Node && !this.renderRoot.contains(next)) this.open = false;
  };
}

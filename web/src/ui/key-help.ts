/** `<key-help>`: the list of keys of the viewer page, in a dialog. */

import { css, html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import { closeIcon } from "./icons";
import { base, buttons } from "./styles";

@customElement("key-help")
export class KeyHelp extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      dialog {
        width: min(26rem, calc(100vw - 24px));
        max-height: calc(100dvh - 24px);
        padding: 16px 24px 24px;
        border: 0;
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--ink);
        box-shadow: var(--shadow);
      }
      dialog::backdrop {
        background: rgb(8 14 18 / 55%);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        margin: 0 -10px 8px 0;
      }
      h2 {
        font-size: 1.25rem;
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        align-items: center;
        gap: 8px 16px;
        margin: 0;
      }
      dt {
        display: flex;
        gap: 6px;
      }
      dd {
        margin: 0;
      }
      kbd {
        min-width: 2em;
        padding: 2px 8px;
        border: 1px solid var(--line);
        border-radius: 6px;
        background: var(--sunken);
        font: inherit;
        font-size: 0.875rem;
        text-align: center;
      }
    `,
  ];

  /** Whether there is a talk button. */
  @property({ type: Boolean }) talk = false;
  @property({ type: Boolean, attribute: "can-pip" }) canPip = false;

  @query("dialog") private dialog!: HTMLDialogElement;

  private readonly locale = new Locale(this);

  /** Keys mean nothing to the page while it is open. */
  get shown(): boolean {
    return this.dialog.open;
  }

  show(): void {
    if (!this.dialog.open) this.dialog.showModal();
  }

  override render() {
    const { text } = this.locale;
    return html`<dialog aria-labelledby="title" @click=${this.backdropClicked}>
      <header>
        <h2 id="title">${text("keys")}</h2>
        <button class="icon" aria-label=${text("close")} @click=${() => this.dialog.close()}>${closeIcon()}</button>
      </header>
      <dl>
        ${this.list().map(
          ([keys, meaning]) => html`<dt>${keys.map((key) => html`<kbd>${key}</kbd>`)}</dt>
            <dd>${text(meaning)}</dd>`,
        )}
      </dl>
    </dialog>`;
  }

  private list(): (readonly [readonly string[], MessageKey])[] {
    const { text } = this.locale;
    return [
      ...(this.talk ? [[[text("keySpace")], "keyTalk"] as const] : []),
      [["M"], "keyMute"],
      [["↑", "↓"], "volume"],
      [["F"], "fullscreen"],
      ...(this.canPip ? [[["P"], "pip"] as const] : []),
      [["C"], "chat"],
      [["I"], "figures"],
      [["?"], "keyHelp"],
    ];
  }

  private readonly backdropClicked = (event: MouseEvent): void => {
    if (event.target === this.dialog) this.dialog.close();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "key-help": KeyHelp;
  }
}

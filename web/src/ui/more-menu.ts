/** `<more-menu>`: what has no room of its own in a phone's row of controls. Fires `pip`, `stats` and `keys`. */

import { css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import { chartIcon, keyboardIcon, moreIcon, pipIcon } from "./icons";
import { popup, PopupMenu } from "./popup-menu";
import { base, buttons } from "./styles";

@customElement("more-menu")
export class MoreMenu extends PopupMenu {
  static override styles = [
    base,
    buttons,
    popup,
    css`
      [aria-checked="true"] svg {
        color: var(--accent);
      }
      /* Whoever has no keys needs no list of them. */
      @media not ((hover: hover) and (pointer: fine)) {
        #keys {
          display: none;
        }
      }
    `,
  ];

  @property({ type: Boolean, attribute: "can-pip" }) canPip = false;
  @property({ type: Boolean }) pip = false;
  @property({ type: Boolean }) stats = false;

  private readonly locale = new Locale(this);

  protected override heading(): string {
    return this.locale.text("more");
  }

  protected override button() {
    return html`<button
      class="icon"
      id="more"
      aria-haspopup="menu"
      aria-expanded=${this.open}
      aria-label=${this.heading()}
      @click=${this.toggle}
      @keydown=${this.buttonKey}
    >
      ${moreIcon()}
    </button>`;
  }

  protected override entries() {
    const { text } = this.locale;
    return html`${this.canPip
        ? html`<button role="menuitemcheckbox" id="pip" tabindex="-1" aria-checked=${this.pip} @click=${() => this.ask("pip")}>
            ${pipIcon()} <span>${text("pip")}</span>
          </button>`
        : nothing}
      <button role="menuitemcheckbox" id="stats" tabindex="-1" aria-checked=${this.stats} @click=${() => this.ask("stats")}>
        ${chartIcon()} <span>${text("figures")}</span>
      </button>
      <button role="menuitem" id="keys" tabindex="-1" @click=${() => this.ask("keys")}>
        ${keyboardIcon()} <span>${text("keys")}</span>
      </button>`;
  }

  private ask(name: "pip" | "stats" | "keys"): void {
    this.shut();
    this.dispatchEvent(new Event(name));
  }
}

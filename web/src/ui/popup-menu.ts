/** What menus of the player share: a button that opens them, the keys of a menu, and when they close. */

import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";

export const popup = css`
  :host {
    position: relative;
    display: block;
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
  [role^="menuitem"] {
    display: grid;
    grid-template-columns: 24px 1fr;
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
  [role^="menuitem"]:hover,
  [role^="menuitem"]:focus-visible {
    background: color-mix(in srgb, var(--ink) 10%, transparent);
  }
  [role^="menuitem"]:focus-visible {
    outline-offset: -3px;
  }
  [aria-checked="true"] {
    font-weight: 600;
  }
`;

export abstract class PopupMenu extends LitElement {
  @state() protected open = false;

  private readonly outside = (event: Event) => {
    if (!event.composedPath().includes(this)) this.open = false;
  };

  /** With `aria-haspopup`, `toggle` on its click and `buttonKey` on its keys. */
  protected abstract button(): TemplateResult;

  /** Elements with a role of menu items, and what stands between them. */
  protected abstract entries(): unknown;

  /** Its name for screen readers. */
  protected abstract heading(): string;

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
    (items.find((item) => item.role === "menuitemradio" && item.ariaChecked === "true") ?? items[0])?.focus();
  }

  override render() {
    return html`${this.button()} ${this.open ? this.menu() : nothing}`;
  }

  /** Closes it as one does who has chosen: the focus goes back to the button. */
  protected shut(): void {
    this.open = false;
    this.renderRoot.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  }

  protected readonly toggle = (): void => {
    if (this.open) this.shut();
    else this.open = true;
  };

  protected readonly buttonKey = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    event.stopPropagation();
    this.open = true;
  };

  private menu() {
    return html`<div role="menu" aria-label=${this.heading()} @keydown=${this.menuKey} @focusout=${this.left}>${this.entries()}</div>`;
  }

  private get items(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>("[role^=menuitem]")];
  }

  /** The keys of a menu (ARIA Authoring Practices); none of them reaches the page, whose arrows mean the volume. */
  private readonly menuKey = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === "Tab") {
      this.shut();
      return;
    }
    const { items } = this;
    const place = items.indexOf(event.target as HTMLElement);
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: (place + 1) % items.length,
      ArrowUp: (place - 1 + items.length) % items.length,
      Home: 0,
      End: items.length - 1,
    };
    const target = targets[event.key];
    if (event.key === "Escape") this.shut();
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

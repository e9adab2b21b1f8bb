/** `<page-header>`: mark, name, whatever the page puts between, and the language. */

import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import { mark } from "./icons";
import "./language-switcher";
import { base } from "./styles";

@customElement("page-header")
export class PageHeader extends LitElement {
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 16px;
        padding: 12px 0;
      }
      a {
        display: inline-flex;
        align-items: center;
        gap: 10px;
        border-radius: 9px;
        color: var(--ink);
        font-size: 1.0625rem;
        font-weight: 700;
        letter-spacing: -0.01em;
        text-decoration: none;
        white-space: nowrap;
      }
      .section {
        color: var(--muted);
      }
      @media (max-width: 480px) {
        .section {
          display: none;
        }
      }
      .between {
        display: flex;
        flex: 1;
        justify-content: flex-end;
      }
    `,
  ];

  /** Shown after the name, for example "Studio". */
  @property() section = "";

  private readonly locale = new Locale(this);

  override render() {
    return html`<a href="/">${mark()}<span>${this.locale.text("brand")}</span></a>
      ${this.section ? html`<span class="section">${this.section}</span>` : ""}
      <span class="between"><slot></slot></span>
      <language-switcher ?compact=${this.section !== ""}></language-switcher>`;
  }
}

/** `<language-switcher>`: the page's language as a native select, which every keyboard and screen reader knows. */

import { css, html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import { type Language, languageNames, languages } from "../i18n/format";
import { language, Locale, setLanguage } from "../i18n/locale";
import { globeIcon } from "./icons";
import { base } from "./styles";

@customElement("language-switcher")
export class LanguageSwitcher extends LitElement {
  static override styles = [
    base,
    css`
      label {
        position: relative;
        display: inline-flex;
        align-items: center;
        color: var(--muted);
      }
      svg {
        position: absolute;
        left: 0.75rem;
        pointer-events: none;
      }
      select {
        min-height: 2.75rem;
        padding: 0 0.875rem 0 2.5rem;
        border: 1px solid var(--line);
        border-radius: 999px;
        appearance: none;
        background: transparent;
        color: var(--ink);
        font: inherit;
        cursor: pointer;
      }
      select:hover {
        border-color: var(--muted);
      }
      /* Beside other things on a phone there is room for the globe only. */
      @media (max-width: 480px) {
        :host([compact]) select {
          width: 2.75rem;
          padding: 0;
          color: transparent;
        }
      }
      option {
        background: var(--surface);
        color: var(--ink);
      }
    `,
  ];

  private readonly locale = new Locale(this);

  override render() {
    return html`<label>
      ${globeIcon()}
      <span class="hidden-text">${this.locale.text("language")}</span>
      <select @change=${this.chosen}>
        ${languages.map(
          (each) => html`<option value=${each} lang=${each} ?selected=${each === language()}>${languageNames[each]}</option>`,
        )}
      </select>
    </label>`;
  }

  private chosen(event: Event): void {
    setLanguage((event.target as HTMLSelectElement).value as Language);
  }
}

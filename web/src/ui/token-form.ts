/** `<token-form>`: the small login of technicians' pages; fires `token` with what was pasted. */

import { css, html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import { base, buttons, fields } from "./styles";

@customElement("token-form")
export class TokenForm extends LitElement {
  static override styles = [
    base,
    buttons,
    fields,
    css`
      form {
        display: grid;
        gap: 18px;
        width: min(440px, 100%);
        margin: 8vh auto;
        padding: 28px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }
      h1 {
        margin-bottom: 6px;
        font-size: 1.5rem;
      }
    `,
  ];

  @property() heading = "";
  @property() lead = "";
  @property() submitText = "";
  @property() problem = "";
  @property({ type: Boolean }) busy = false;
  @query("input") private field!: HTMLInputElement;

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    return html`<form @submit=${this.submit}>
      <div>
        <h1>${this.heading}</h1>
        <p class="quiet">${this.lead}</p>
      </div>
      <div class="field">
        <label for="token">${text("studioToken")}</label>
        <input id="token" type="password" autocomplete="off" autocapitalize="none" spellcheck="false" required />
      </div>
      <div class="problem" role="alert">${this.problem}</div>
      <button class="primary" type="submit" ?disabled=${this.busy}>${this.busy ? text("loginBusy") : this.submitText}</button>
    </form>`;
  }

  private submit(event: SubmitEvent): void {
    event.preventDefault();
    const detail = this.field.value.trim();
    if (detail) this.dispatchEvent(new CustomEvent("token", { detail }));
  }
}

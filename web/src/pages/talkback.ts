/** `/talkback`: for technicians who broadcast with OBS, in a dock or on a phone: hears the customers and answers them. */

import { css, html } from "lit";
import { customElement } from "lit/decorators.js";
import { base, buttons } from "../ui/styles";
import "../ui/language-switcher";
import "./talkback-desk";
import { notice, TechnicianPage, type TechnicianTexts } from "./technician-page";

@customElement("talkback-page")
export class TalkbackPage extends TechnicianPage {
  static override styles = [
    base,
    buttons,
    notice,
    css`
      :host {
        display: block;
        width: min(66rem, 100% - 20px);
        min-height: 100vh;
        min-height: 100dvh;
        margin-inline: auto;
      }
      language-switcher {
        display: flex;
        justify-content: flex-end;
        padding-block: 10px;
      }
    `,
  ];

  protected override readonly texts: TechnicianTexts = {
    title: "talkbackTitle",
    lead: "talkbackTokenLead",
    submit: "talkbackTokenSubmit",
    scope: "talkbackTokenScope",
  };

  override render() {
    if (!this.payload) return html`<language-switcher></language-switcher><main>${this.form()}</main>`;
    return html`${this.notice()}<talkback-desk
      .tokens=${this.tokens}
      .orderId=${this.payload.orderId}
      @waiting=${this.waitingChanged}
      @leave=${this.leave}
      @access-ended=${this.accessEnded}
    ></talkback-desk>`;
  }
}

/** `/studio`: the technician's page. Asks for the token, then shows the studio of its order. */

import { css, html } from "lit";
import { customElement } from "lit/decorators.js";
import type { TokenPayload } from "../api/auth";
import "../ui/page-header";
import { base, buttons } from "../ui/styles";
import "./studio-desk";
import { notice, TechnicianPage, type TechnicianTexts } from "./technician-page";

@customElement("studio-page")
export class StudioPage extends TechnicianPage {
  static override styles = [
    base,
    buttons,
    notice,
    css`
      :host {
        display: block;
        min-height: 100vh;
        min-height: 100dvh;
      }
      page-header,
      main {
        width: min(1480px, 100% - 32px);
        margin-inline: auto;
      }
      @media (min-width: 2200px) {
        page-header,
        main {
          width: min(3000px, 100% - 96px);
        }
      }
      @media (min-width: 3200px) {
        page-header,
        main {
          width: min(3400px, 100% - 96px);
        }
      }
    `,
  ];

  protected override readonly texts: TechnicianTexts = {
    title: "studioTitle",
    lead: "studioTokenLead",
    submit: "studioTokenSubmit",
    scope: "studioTokenScope",
  };

  override render() {
    return html`<page-header section=${this.locale.text("studioTitle")}></page-header>
      <main>${this.payload ? [this.notice(), this.desk(this.payload)] : this.form()}</main>`;
  }

  private desk(payload: TokenPayload) {
    const camera = payload.camera ?? this.parameters.get("camera") ?? "main";
    return html`<studio-desk
      .tokens=${this.tokens}
      .orderId=${payload.orderId}
      .camera=${camera}
      ?bound=${payload.camera !== undefined}
      @waiting=${this.waitingChanged}
      @leave=${this.leave}
      @access-ended=${this.accessEnded}
    ></studio-desk>`;
  }
}

/** `/studio`: the technician's page. Asks for the token, then shows the studio of its order. */

import { css, html, LitElement } from "lit";
import { customElement, state } from "lit/decorators.js";
import { type TokenPayload, validateToken } from "../api/auth";
import { ApiError } from "../api/problem";
import { publishTokens, restartOnNewToken, takeAddress } from "../browser/token-store";
import type { MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import "../ui/page-header";
import { base, buttons } from "../ui/styles";
import "../ui/token-form";
import "./studio-desk";

const tokens = publishTokens();
const parameters = takeAddress(tokens);
restartOnNewToken(tokens);

@customElement("studio-page")
export class StudioPage extends LitElement {
  static override styles = [
    base,
    buttons,
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
          width: min(2200px, 100% - 64px);
        }
      }
    `,
  ];

  @state() private payload: TokenPayload | undefined;
  @state() private problem: { readonly key: MessageKey; readonly sentence: string } | undefined;
  @state() private busy = false;

  private readonly locale = new Locale(this);

  protected override firstUpdated(): void {
    if (tokens.read() !== undefined) void this.check();
  }

  override render() {
    const { text } = this.locale;
    document.title = `${text("studioTitle")} · ${text("brand")}`;
    return html`<page-header section=${text("studioTitle")}></page-header>
      <main>${this.payload ? this.desk(this.payload) : this.form()}</main>`;
  }

  private desk(payload: TokenPayload) {
    const camera = payload.camera ?? parameters.get("camera") ?? "main";
    return html`<studio-desk
      .tokens=${tokens}
      .orderId=${payload.orderId}
      .camera=${camera}
      @leave=${this.leave}
      @access-ended=${() => this.reject("studioAccessEnded", "")}
    ></studio-desk>`;
  }

  private form() {
    const { text } = this.locale;
    const problem = this.problem ? this.problem.sentence || text(this.problem.key) : "";
    return html`<token-form .problem=${problem} ?busy=${this.busy} @token=${this.pasted}></token-form>`;
  }

  private pasted(event: CustomEvent<string>): void {
    tokens.write(event.detail);
    void this.check();
  }

  private async check(): Promise<void> {
    this.busy = true;
    this.problem = undefined;
    try {
      const payload = await validateToken({ token: tokens.read(), language: language() });
      if (payload.scopes.some((scope) => scope === "publish" || scope === "admin")) this.payload = payload;
      else this.reject("studioTokenScope", "");
    } catch (error) {
      const { status, sentence } = ApiError.from(error);
      if (status === 401 || status === 403) this.reject("studioTokenInvalid", sentence);
      else this.problem = { key: status === 0 ? "offline" : "loginFailed", sentence };
    } finally {
      this.busy = false;
    }
  }

  private reject(key: MessageKey, sentence: string): void {
    tokens.clear();
    this.payload = undefined;
    this.problem = { key, sentence };
  }

  private leave(): void {
    tokens.clear();
    this.payload = undefined;
    this.problem = undefined;
  }
}

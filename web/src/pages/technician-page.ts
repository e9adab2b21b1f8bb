/** A technician's page: asks for the publish token where the address has none, then shows the desk of its order. */

import { html, LitElement, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { type TokenPayload, validateToken } from "../api/auth";
import { ApiError } from "../api/problem";
import { publishTokens, restartOnNewToken, takeAddress } from "../browser/token-store";
import type { MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { titled } from "../studio/talk-room";
import "../ui/token-form";

const tokens = publishTokens();
const parameters = takeAddress(tokens);
restartOnNewToken(tokens);

/** What a page says about itself and its token. */
export interface TechnicianTexts {
  readonly title: MessageKey;
  readonly lead: MessageKey;
  readonly submit: MessageKey;
  /** The token is valid, but not for this. */
  readonly scope: MessageKey;
}

export abstract class TechnicianPage extends LitElement {
  @state() protected payload: TokenPayload | undefined;
  @state() private problem: { readonly key: MessageKey; readonly sentence: string } | undefined;
  @state() private busy = false;
  /** How many customers wait to speak. */
  @state() private waiting = 0;

  protected readonly locale = new Locale(this);
  protected readonly tokens = tokens;
  protected readonly parameters = parameters;
  protected abstract readonly texts: TechnicianTexts;

  protected override firstUpdated(): void {
    if (tokens.read() !== undefined) void this.check();
  }

  protected override willUpdate(): void {
    const { text } = this.locale;
    document.title = titled(`${text(this.texts.title)} · ${text("brand")}`, this.waiting);
  }

  protected form(): TemplateResult {
    const { text } = this.locale;
    const { title, lead, submit } = this.texts;
    const problem = this.problem ? this.problem.sentence || text(this.problem.key) : "";
    return html`<token-form
      .heading=${text(title)}
      .lead=${text(lead)}
      .submitText=${text(submit)}
      .problem=${problem}
      ?busy=${this.busy}
      @token=${this.pasted}
    ></token-form>`;
  }

  protected readonly waitingChanged = (event: CustomEvent<number>): void => {
    this.waiting = event.detail;
  };

  protected readonly accessEnded = (): void => this.reject("studioAccessEnded", "");

  /** Another token is wanted. */
  protected readonly leave = (): void => {
    this.forget();
    this.problem = undefined;
  };

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
      else this.reject(this.texts.scope, "");
    } catch (error) {
      const { status, sentence } = ApiError.from(error);
      if (status === 401 || status === 403) this.reject("studioTokenInvalid", sentence);
      else this.problem = { key: status === 0 ? "offline" : "loginFailed", sentence };
    } finally {
      this.busy = false;
    }
  }

  private reject(key: MessageKey, sentence: string): void {
    this.forget();
    this.problem = { key, sentence };
  }

  private forget(): void {
    tokens.clear();
    this.payload = undefined;
    this.waiting = 0;
  }
}

/** A technician's page: asks for the publish token where the address has none, then shows the desk of its order. */

import { css, html, LitElement, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { type TokenPayload, validateToken } from "../api/auth";
import { ApiError } from "../api/problem";
import { publishTokens, readAddress, takeAddress } from "../browser/token-store";
import { formatClock, type MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { titled } from "../studio/talk-room";
import "../ui/token-form";

const tokens = publishTokens();
const parameters = takeAddress(tokens);

/** Milliseconds before the end of a token at which it is time for another one. */
const endNear = 15 * 60_000;

/** The style of `TechnicianPage.notice`. */
export const notice = css`
  .notice {
    margin-block: 8px;
    padding: 0.7em 0.9em;
    border-radius: var(--radius-small);
    background: color-mix(in srgb, var(--warm) 14%, transparent);
    color: var(--warm);
  }
  .notice:empty {
    display: none;
  }
`;

/** What a page says about itself and its token. */
export interface TechnicianTexts {
  readonly title: MessageKey;
  readonly lead: MessageKey;
  readonly submit: MessageKey;
  /** The token is valid, but not for this. */
  readonly scope: MessageKey;
}

function allows({ scopes }: TokenPayload): boolean {
  return scopes.includes("publish") || scopes.includes("admin");
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

  private timer: number | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("hashchange", this.addressChanged);
    this.timer = window.setInterval(() => this.requestUpdate(), 60_000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("hashchange", this.addressChanged);
    window.clearInterval(this.timer);
  }

  protected override firstUpdated(): void {
    if (tokens.read() !== undefined) void this.check();
  }

  protected override willUpdate(): void {
    const { text } = this.locale;
    document.title = titled(`${text(this.texts.title)} · ${text("brand")}`, this.waiting);
  }

  protected form(): TemplateResult {
    const { text, told } = this.locale;
    const { title, lead, submit } = this.texts;
    const problem = this.problem ? told(this.problem.sentence, this.problem.key) : "";
    return html`<token-form
      .heading=${text(title)}
      .lead=${text(lead)}
      .submitText=${text(submit)}
      .problem=${problem}
      ?busy=${this.busy}
      @token=${this.pasted}
    ></token-form>`;
  }

  /** While the token's end is near: when that is, and how to go on. */
  protected notice(): TemplateResult {
    const { expiresAt } = this.payload ?? {};
    const near = expiresAt !== undefined && expiresAt - Date.now() < endNear;
    const sentence = near ? this.locale.text("tokenEnds", { time: formatClock(expiresAt, language()) }) : "";
    return html`<p class="notice" role="status">${sentence}</p>`;
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

  /** A link with another token, pasted into the same tab: for the same camera it takes the place of the one there was. */
  private readonly addressChanged = (): void => {
    const { payload } = this;
    if (!readAddress(location.href).parameters.has("token")) return;
    const before = tokens.read();
    takeAddress(tokens);
    if (!payload || before === undefined) {
      location.reload();
      return;
    }
    void validateToken({ token: tokens.read(), language: language() }).then(
      (next) => {
        if (next.orderId !== payload.orderId || next.camera !== payload.camera || !allows(next)) location.reload();
        else this.payload = next;
      },
      () => tokens.write(before),
    );
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
      if (allows(payload)) this.payload = payload;
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

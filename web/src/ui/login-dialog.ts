/** `<login-dialog>`: login and password of an order; fires `authenticated` with the token. */

import { css, html, LitElement, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { authenticate } from "../api/auth";
import { ApiError } from "../api/problem";
import type { MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { closeIcon, eyeIcon, eyeOffIcon } from "./icons";
import { base, buttons, fields } from "./styles";

const defaultWait = 30;

function keyFor(status: number): MessageKey {
  if (status === 401 || status === 400) return "loginWrong";
  if (status === 403) return "loginExpired";
  return status === 0 ? "offline" : "loginFailed";
}

@customElement("login-dialog")
export class LoginDialog extends LitElement {
  static override styles = [
    base,
    buttons,
    fields,
    css`
      dialog {
        width: min(26.25rem, calc(100vw - 24px));
        max-height: calc(100dvh - 24px);
        padding: 1.75rem;
        border: 0;
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--ink);
        box-shadow: var(--shadow);
      }
      dialog::backdrop {
        background: rgb(8 14 18 / 55%);
        backdrop-filter: blur(4px);
      }
      dialog[open] {
        animation: rise 0.2s ease-out;
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(10px);
        }
      }
      header {
        display: flex;
        align-items: start;
        justify-content: space-between;
        gap: 12px;
      }
      header .icon {
        margin: -8px -10px 0 0;
      }
      h2 {
        font-size: 1.5rem;
      }
      #lead {
        margin-top: 6px;
      }
      form {
        display: grid;
        gap: 16px;
        margin-top: 20px;
      }
      .secret {
        position: relative;
      }
      .secret input {
        padding-right: 3.25rem;
      }
      .secret button {
        position: absolute;
        top: 1px;
        right: 1px;
        color: var(--muted);
      }
      @media (max-width: 400px) {
        dialog {
          padding: 22px 18px;
        }
      }
    `,
  ];

  /** Fills the login in, as our own letters' links do. */
  @property() login = "";

  @state() private busy = false;
  @state() private shown = false;
  @state() private problem: { key: MessageKey; sentence: string } | undefined;
  @state() private wait = 0;

  @query("dialog") private dialog!: HTMLDialogElement;
  @query("#login") private loginField!: HTMLInputElement;
  @query("#password") private passwordField!: HTMLInputElement;

  private readonly locale = new Locale(this);
  private waitTimer: number | undefined;

  async open(): Promise<void> {
    await this.updateComplete;
    if (!this.dialog.open) this.dialog.showModal();
    (this.loginField.value ? this.passwordField : this.loginField).focus();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearInterval(this.waitTimer);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("login") && this.login) this.loginField.value = this.login;
  }

  override render() {
    const { text } = this.locale;
    return html`<dialog aria-labelledby="title" aria-describedby="lead" @click=${this.backdropClicked}>
      <header>
        <h2 id="title">${text("loginTitle")}</h2>
        <button class="icon" type="button" aria-label=${text("close")} @click=${() => this.dialog.close()}>${closeIcon()}</button>
      </header>
      <p id="lead" class="quiet">${text("loginLead")}</p>
      <form novalidate @submit=${this.submit}>
        <div class="field">
          <label for="login">${text("login")}</label>
          <input id="login" name="login" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="128" required />
        </div>
        <div class="field">
          <label for="password">${text("password")}</label>
          <div class="secret">
            <input
              id="password"
              name="password"
              type=${this.shown ? "text" : "password"}
              autocomplete="current-password"
              autocapitalize="none"
              spellcheck="false"
              maxlength="256"
              required
            />
            <button
              class="icon"
              type="button"
              aria-pressed=${this.shown}
              aria-label=${text(this.shown ? "hidePassword" : "showPassword")}
              @click=${() => (this.shown = !this.shown)}
            >
              ${this.shown ? eyeOffIcon() : eyeIcon()}
            </button>
          </div>
        </div>
        <div class="problem" role="alert">${this.problemText()}</div>
        <button class="primary" type="submit" ?disabled=${this.busy || this.wait > 0}>
          ${text(this.busy ? "loginBusy" : "loginSubmit")}
        </button>
      </form>
    </dialog>`;
  }

  private problemText(): string {
    const { text, told } = this.locale;
    if (this.wait > 0) return text("loginWait", { count: this.wait });
    return this.problem ? told(this.problem.sentence, this.problem.key) : "";
  }

  /** A click beside the dialog closes it; one that began inside, such as marking a text, does not reach here. */
  private backdropClicked(event: MouseEvent): void {
    if (event.target !== this.dialog) return;
    const box = this.dialog.getBoundingClientRect();
    const inside =
      event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) this.dialog.close();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (this.busy || this.wait > 0) return;
    const login = this.loginField.value.trim();
    const password = this.passwordField.value;
    if (!login || !password) {
      this.problem = { key: "loginMissing", sentence: "" };
      (login ? this.passwordField : this.loginField).focus();
      return;
    }
    this.busy = true;
    this.problem = undefined;
    try {
      const detail = await authenticate(login, password, { language: language() });
      this.dispatchEvent(new CustomEvent("authenticated", { detail }));
    } catch (error) {
      this.failed(ApiError.from(error));
    } finally {
      this.busy = false;
    }
  }

  private failed({ status, sentence, retryAfter }: ApiError): void {
    if (status === 429) {
      this.countDown(Math.ceil(retryAfter ?? defaultWait));
      return;
    }
    this.problem = { key: keyFor(status), sentence };
    this.passwordField.select();
  }

  private countDown(seconds: number): void {
    window.clearInterval(this.waitTimer);
    const until = Date.now() + seconds * 1000;
    this.wait = seconds;
    this.waitTimer = window.setInterval(() => {
      this.wait = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      if (this.wait === 0) window.clearInterval(this.waitTimer);
    }, 250);
  }
}

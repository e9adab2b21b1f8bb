/** `/`: the shop window with the login dialog. */

import { css, html, LitElement } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import type { Authenticated } from "../api/auth";
import { readAddress, watchTokens } from "../browser/token-store";
import { Locale } from "../i18n/locale";
import { benchPicture } from "../ui/bench-picture";
import { lockIcon, playIcon } from "../ui/icons";
import "../ui/login-dialog";
import type { LoginDialog } from "../ui/login-dialog";
import "../ui/page-header";
import { base, buttons } from "../ui/styles";

@customElement("landing-page")
export class LandingPage extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 100vh;
        min-height: 100dvh;
      }
      page-header,
      main,
      footer {
        width: var(--page);
        margin-inline: auto;
      }
      main {
        flex: 1;
      }
      .hero {
        display: grid;
        grid-template-columns: 1.05fr 1fr;
        align-items: center;
        gap: clamp(24px, 5vw, 4.5rem);
        padding-block: clamp(24px, 6vh, 5.5rem);
      }
      h1 {
        font-size: clamp(1.8rem, 1.1rem + 3.4vw, 3.75rem);
        font-weight: 750;
        letter-spacing: -0.03em;
      }
      .lead {
        max-width: 34em;
        margin-top: 1.125rem;
        color: var(--muted);
        font-size: clamp(1.0625rem, 1rem + 0.4vw, 1.3rem);
      }
      .hero .primary {
        min-height: 3.5rem;
        margin-top: 1.875rem;
        padding-inline: 1.5em;
        font-size: 1.125rem;
      }
      .hint {
        margin-top: 0.875rem;
        font-size: 0.9375rem;
      }
      .hero svg:not(button svg) {
        width: 100%;
        height: auto;
      }
      .steps {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(14.375rem, 1fr));
        gap: 1rem;
        margin: 1.25rem 0 0;
        padding: 0;
        list-style: none;
        counter-reset: step;
      }
      .steps li {
        padding: 1.5rem;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        counter-increment: step;
      }
      .steps li::before {
        content: counter(step);
        display: grid;
        place-items: center;
        width: 2.125rem;
        height: 2.125rem;
        margin-bottom: 0.875rem;
        border-radius: 50%;
        background: color-mix(in srgb, var(--accent) 14%, transparent);
        color: var(--accent);
        font-weight: 700;
      }
      h2 {
        font-size: 1.5rem;
      }
      h3 {
        margin-bottom: 0.375rem;
        font-size: 1.125rem;
      }
      .privacy {
        display: flex;
        align-items: start;
        gap: 1.125rem;
        margin-block: 1rem clamp(32px, 6vh, 4.5rem);
        padding: 1.5rem;
        border-radius: var(--radius);
        background: color-mix(in srgb, var(--accent) 9%, transparent);
      }
      .privacy svg {
        color: var(--accent);
      }
      footer {
        padding-block: 1.25rem;
        border-top: 1px solid var(--line);
        font-size: 0.9375rem;
      }
      @media (max-width: 820px) {
        .hero {
          grid-template-columns: 1fr;
          padding-top: 12px;
        }
        .picture {
          order: -1;
          max-width: 420px;
          margin-inline: auto;
        }
      }
      @media (max-width: 480px) {
        .hero .primary {
          width: 100%;
        }
        .hint {
          text-align: center;
        }
        /* The button stays above the fold of a small phone. */
        .picture {
          width: min(260px, 32vh);
        }
      }
    `,
  ];

  @state() private login = "";
  @query("login-dialog") private dialog!: LoginDialog;

  private readonly locale = new Locale(this);
  private readonly tokens = watchTokens();

  protected override firstUpdated(): void {
    this.followFragment();
    window.addEventListener("hashchange", this.followFragment);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("hashchange", this.followFragment);
  }

  override render() {
    const { text } = this.locale;
    document.title = `${text("brand")} · ${text("landingTitle")}`;
    return html`<page-header></page-header>
      <main>
        <section class="hero">
          <div>
            <h1>${text("landingTitle")}</h1>
            <p class="lead">${text("landingLead")}</p>
            <button class="primary" id="watch" aria-haspopup="dialog" @click=${() => this.dialog.open()}>
              ${playIcon()} ${text("landingWatch")}
            </button>
            <p class="hint quiet">${text("landingHint")}</p>
          </div>
          <div class="picture">${benchPicture()}</div>
        </section>
        <section aria-labelledby="steps">
          <h2 id="steps">${text("stepsTitle")}</h2>
          <ol class="steps">
            <li><h3>${text("stepOneTitle")}</h3><p class="quiet">${text("stepOneText")}</p></li>
            <li><h3>${text("stepTwoTitle")}</h3><p class="quiet">${text("stepTwoText")}</p></li>
            <li><h3>${text("stepThreeTitle")}</h3><p class="quiet">${text("stepThreeText")}</p></li>
          </ol>
        </section>
        <section class="privacy">
          ${lockIcon()}
          <div><h3>${text("privacyTitle")}</h3><p class="quiet">${text("privacyText")}</p></div>
        </section>
      </main>
      <footer class="quiet">${text("brand")} · ${text("footer")}</footer>
      <login-dialog .login=${this.login} @authenticated=${this.authenticated}></login-dialog>`;
  }

  /** `#login=…` of our letters fills the dialog, `#live-stream` of the shop's links opens it. */
  private readonly followFragment = (): void => {
    const { parameters } = readAddress(location.href);
    const login = parameters.get("login");
    if (login) this.login = login;
    if (login || location.hash === "#live-stream") void this.updateComplete.then(() => this.dialog.open());
  };

  private authenticated(event: CustomEvent<Authenticated>): void {
    this.tokens.write(event.detail.token);
    location.assign(`/live-stream#token=${encodeURIComponent(event.detail.token)}`);
  }
}

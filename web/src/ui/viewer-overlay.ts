/** `<viewer-overlay>`: what stands over the picture while it does not move. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import type { End, EndCode, View } from "../viewer/state";
import { alertIcon, clockIcon, doneIcon } from "./icons";
import { base, buttons } from "./styles";

interface Notice {
  readonly title: MessageKey;
  readonly text?: MessageKey;
  readonly sign: "spinner" | "clock" | "done" | "alert";
}

const notices: Readonly<Record<Exclude<View, "playing">, Notice>> = {
  loading: { title: "stateLoading", sign: "spinner" },
  waiting: { title: "stateWaiting", text: "stateWaitingText", sign: "clock" },
  reconnecting: { title: "stateReconnecting", text: "stateReconnectingText", sign: "spinner" },
  ended: { title: "stateEnded", text: "stateEndedText", sign: "done" },
  error: { title: "stateError", sign: "alert" },
};

const endTexts: Readonly<Record<EndCode, MessageKey>> = {
  "no-token": "errorNoToken",
  denied: "errorDenied",
  "not-found": "errorNotFound",
  unsupported: "errorUnsupported",
  "access-ended": "stateEndedText",
  removed: "stateRemovedText",
  "no-webrtc": "errorNoWebrtc",
};

const signs: Readonly<Record<Notice["sign"], () => TemplateResult>> = {
  spinner: () => html`<span class="spinner"></span>`,
  clock: () => html`<span class="calm">${clockIcon()}</span>`,
  done: () => html`<span class="calm">${doneIcon()}</span>`,
  alert: () => html`<span class="alert">${alertIcon()}</span>`,
};

@customElement("viewer-overlay")
export class ViewerOverlay extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: center;
        padding: 20px;
        overflow: auto;
        background: radial-gradient(ellipse at center, rgb(11 16 19 / 82%), rgb(11 16 19 / 62%));
      }
      :host([view="playing"]) {
        display: none;
      }
      :host([view="reconnecting"]) {
        place-items: end center;
        background: none;
        pointer-events: none;
      }
      .badge {
        display: grid;
        justify-items: center;
        padding: 10px 18px;
        border-radius: 24px;
        background: rgb(11 16 19 / 82%);
        color: #fff;
      }
      .badge b {
        display: flex;
        align-items: center;
        gap: 12px;
        font-weight: 600;
      }
      .badge .spinner {
        flex: none;
        width: 18px;
        height: 18px;
        border-width: 2px;
      }
      /* Most interruptions are over before anybody wants to read about them. */
      .badge p {
        overflow: hidden;
        max-width: 26rem;
        max-height: 6em;
        color: #c3ced4;
        text-align: center;
        text-wrap: pretty;
        animation: unfold 1ms 4s backwards;
      }
      @keyframes unfold {
        from {
          max-width: 0;
          max-height: 0;
        }
      }
      .card {
        display: grid;
        justify-items: center;
        gap: 12px;
        max-width: 30rem;
        text-align: center;
      }
      .card p {
        color: #c3ced4;
        text-wrap: pretty;
      }
      h2 {
        font-size: clamp(1.25rem, 1rem + 1.2vw, 1.75rem);
        color: #fff;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: 12px;
        margin-top: 10px;
      }
      .spinner {
        width: 44px;
        height: 44px;
        border: 3px solid rgb(255 255 255 / 18%);
        border-top-color: var(--accent);
        border-radius: 50%;
        animation: turn 0.9s linear infinite;
      }
      .calm {
        color: var(--accent);
      }
      .alert {
        color: var(--warm);
      }
      @keyframes turn {
        to {
          transform: rotate(1turn);
        }
      }
      @media (prefers-reduced-motion: reduce) {
        .spinner {
          border-color: var(--accent);
          border-style: dotted;
        }
      }
    `,
  ];

  @property({ reflect: true }) view: View = "loading";
  @property({ attribute: false }) end: End | undefined;

  private readonly locale = new Locale(this);

  override render() {
    if (this.view === "playing") return nothing;
    const { text } = this.locale;
    const notice = notices[this.view];
    // The last picture stays to be seen.
    if (this.view === "reconnecting") {
      return html`<div class="badge"><b>${signs[notice.sign]()} ${text(notice.title)}</b>${this.explanation(notice)}</div>`;
    }
    return html`<div class="card">
      ${signs[notice.sign]()}
      <h2>${text(notice.title)}</h2>
      ${this.explanation(notice)}
      ${this.end ? this.actions(this.end) : nothing}
    </div>`;
  }

  private explanation(notice: Notice) {
    const { text, told } = this.locale;
    if (this.end) return html`<p>${told(this.end.sentence, endTexts[this.end.code])}</p>`;
    return notice.text ? html`<p>${text(notice.text)}</p>` : nothing;
  }

  private actions(end: End) {
    const { text } = this.locale;
    const again = end.code === "unsupported" || end.code === "not-found";
    return html`<div class="actions">
      ${again
        ? html`<button @click=${() => this.dispatchEvent(new Event("again"))}>${text("tryAgain")}</button>`
        : html`<a class="button primary" href="/#live-stream">${text("toLogin")}</a>`}
    </div>`;
  }
}

/** The one line that is read out when the state changes. */
export function announcement(view: View): MessageKey {
  return view === "playing" ? "statePlaying" : notices[view].title;
}

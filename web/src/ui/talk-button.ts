/**
 * `<talk-button>`: press and hold to speak, or leave the microphone on. It only asks; the page acts on `press`,
 * `release`, `latch` (the switch) and `withdraw`.
 */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { TalkMode } from "../api/events";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import type { TalkView } from "../viewer/talk-state";
import { handIcon, lockIcon, micIcon, micOffIcon } from "./icons";
import { base, buttons } from "./styles";

interface Face {
  readonly label: MessageKey;
  readonly text: MessageKey;
  readonly icon: typeof micIcon;
}

const faces: Readonly<Record<TalkView["state"], Face>> = {
  unavailable: { label: "talkUnavailable", text: "talkUnavailableText", icon: micOffIcon },
  idle: { label: "talkIdle", text: "talkIdleText", icon: micIcon },
  asking: { label: "talkAsking", text: "talkAskingText", icon: lockIcon },
  waiting: { label: "talkWaiting", text: "talkWaitingText", icon: handIcon },
  turn: { label: "talkTurn", text: "talkTurnText", icon: micIcon },
  speaking: { label: "talkSpeaking", text: "talkSpeakingText", icon: micIcon },
  silent: { label: "talkSilent", text: "talkSilentText", icon: micOffIcon },
  refused: { label: "talkRefused", text: "talkRefusedText", icon: micOffIcon },
  off: { label: "talkOff", text: "talkOffText", icon: micOffIcon },
  muted: { label: "talkMuted", text: "talkMutedText", icon: micOffIcon },
  denied: { label: "talkDenied", text: "talkDeniedText", icon: lockIcon },
  system: { label: "talkSystem", text: "talkSystemText", icon: lockIcon },
  missing: { label: "talkMissing", text: "talkMissingText", icon: micOffIcon },
  taken: { label: "talkTaken", text: "talkTakenText", icon: micOffIcon },
  insecure: { label: "talkInsecure", text: "talkInsecureText", icon: lockIcon },
  failed: { label: "talkFailed", text: "talkFailedText", icon: micOffIcon },
};

/** Nobody broadcasts yet. */
const early: Face = { label: "talkIdle", text: "talkEarlyText", icon: micOffIcon };

const asksFirst: Face = { label: "talkRequest", text: "talkRequestText", icon: handIcon };

/** Pressing changes nothing while these hold. */
const dead: ReadonlySet<string> = new Set(["unavailable", "off", "muted", "insecure"]);

/** The space bar does the same while these hold. */
const byKey: ReadonlySet<string> = new Set(["idle", "turn"]);

@customElement("talk-button")
export class TalkButton extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        grid-template-columns: auto 1fr auto;
        align-items: center;
        gap: 6px 14px;
        min-width: 0;
        color: var(--ink);
      }
      #talk {
        min-width: 15em;
        min-height: 3.25rem;
        border-width: 2px;
        -webkit-touch-callout: none;
        touch-action: none;
        user-select: none;
        -webkit-user-select: none;
      }
      #talk svg {
        width: 1.5rem;
        height: 1.5rem;
      }
      #talk[aria-disabled="true"] {
        color: var(--muted);
        cursor: default;
      }
      .turn,
      .waiting {
        border-color: var(--accent);
      }
      .speaking,
      .speaking:hover {
        border-color: transparent !important;
        background: color-mix(in srgb, var(--live) 82%, #000);
        color: #fff;
        animation: glow 1.6s ease-in-out infinite;
      }
      .denied,
      .system,
      .silent,
      .missing,
      .taken,
      .failed,
      .refused,
      .muted {
        border-color: var(--warm);
      }
      @keyframes glow {
        50% {
          box-shadow: 0 0 0 6px color-mix(in srgb, var(--live) 35%, transparent);
        }
      }
      .text {
        min-width: 0;
        color: var(--muted);
        font-size: 0.875rem;
        line-height: 1.3;
      }
      .last {
        display: flex;
        align-items: center;
        gap: 8px;
      }
      .last button {
        padding-inline: 12px;
        font-size: 0.875rem;
        font-weight: 500;
      }
      [role="switch"] {
        border-color: transparent;
        background: transparent;
      }
      [role="switch"] i {
        position: relative;
        flex: none;
        width: 2.375rem;
        height: 1.375rem;
        border: 2px solid var(--muted);
        border-radius: 999px;
      }
      [role="switch"] i::after {
        content: "";
        position: absolute;
        inset: 3px auto 3px 3px;
        width: 0.75rem;
        border-radius: 50%;
        background: var(--muted);
        transition: translate 0.15s;
      }
      [aria-checked="true"] i {
        border-color: var(--live);
        background: var(--live);
      }
      [aria-checked="true"] i::after {
        background: #fff;
        translate: 1rem 0;
      }
      @media not ((hover: hover) and (pointer: fine)) {
        .keys {
          display: none;
        }
      }
      @media (max-width: 720px) {
        :host {
          grid-template-columns: minmax(0, 1fr) auto;
        }
        #talk {
          width: 100%;
          min-width: 0;
          padding-inline: 10px;
        }
        .text {
          grid-column: 1 / -1;
          grid-row: 2;
        }
        [role="switch"] {
          flex-direction: column;
          gap: 3px;
          max-width: 8.5em;
          padding: 2px 4px;
          font-size: 0.75rem;
          line-height: 1.15;
        }
      }
      @media (max-height: 480px) and (orientation: landscape) {
        :host {
          grid-template-columns: auto auto;
        }
        #talk {
          min-width: 0;
          max-width: 13em;
          min-height: 2.75rem;
          padding-block: 2px;
          font-size: 0.875rem;
          line-height: 1.15;
        }
        .text {
          display: none;
        }
        [role="switch"] span {
          position: absolute;
          overflow: hidden;
          width: 1px;
          clip-path: inset(50%);
          white-space: nowrap;
        }
      }
    `,
  ];

  @property({ attribute: false }) view: TalkView = { state: "unavailable" };
  @property() mode: TalkMode = "open";
  /** The technician is not there yet. */
  @property({ type: Boolean }) early = false;
  /** The microphone was switched on, not held. */
  @property({ type: Boolean }) latched = false;

  @query("#talk") private button!: HTMLButtonElement;

  private readonly locale = new Locale(this);
  private pointer: number | undefined;

  override render() {
    const { text } = this.locale;
    const { state } = this.view;
    const face = this.face();
    const place = this.view.state === "waiting" ? this.view.place : 0;
    const hint = place > 0 ? text("talkPlaceText", { count: place }) : text(face.text);
    return html`<button
        id="talk"
        class=${state}
        aria-disabled=${dead.has(state)}
        aria-describedby="hint"
        aria-keyshortcuts="Space"
        @pointerdown=${this.down}
        @pointerup=${this.up}
        @pointercancel=${this.up}
        @lostpointercapture=${this.up}
        @contextmenu=${(event: Event) => event.preventDefault()}
        @keydown=${this.key}
        @keyup=${this.key}
        @blur=${() => this.ask("release")}
      >
        ${face.icon()} <span>${text(face.label)}</span>
      </button>
      <p class="text" id="hint">
        ${hint} ${byKey.has(state) ? html`<span class="keys">${text("talkSpaceText")}</span>` : nothing}
      </p>
      <p class="hidden-text" role="status">${text(face.label)}. ${hint}</p>
      <div class="last">
        ${state === "waiting"
          ? html`<button id="withdraw" @click=${() => this.ask("withdraw")}>${text("talkWithdraw")}</button>`
          : this.latch()}
      </div>`;
  }

  private face(): Face {
    const { state } = this.view;
    if (state === "unavailable" && this.early) return early;
    return state === "idle" && this.mode === "request" ? asksFirst : faces[state];
  }

  private latch() {
    if (dead.has(this.view.state)) return nothing;
    return html`<button id="latch" role="switch" aria-checked=${this.latched} @click=${() => this.ask("latch")}>
      <i></i> <span>${this.locale.text("talkLatch")}</span>
    </button>`;
  }

  private ask(name: "press" | "release" | "latch" | "withdraw"): void {
    this.dispatchEvent(new Event(name));
  }

  private readonly down = (event: PointerEvent): void => {
    if (event.button !== 0 || this.pointer !== undefined) return;
    this.pointer = event.pointerId;
    // The finger may slide off the button while somebody speaks.
    this.button.setPointerCapture(event.pointerId);
    this.ask("press");
  };

  private readonly up = (event: PointerEvent): void => {
    if (event.pointerId !== this.pointer) return;
    this.pointer = undefined;
    this.ask("release");
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.code !== "Space" && event.code !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.ask(event.type === "keydown" ? "press" : "release");
  };
}

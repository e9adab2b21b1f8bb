/** `<capture-bar>`: whether microphone and camera work, and going on the air; fires `mute`, `go-live` and `end-live`. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import type { BroadcastState } from "../studio/broadcast";
import { cameraIcon, micIcon, micOffIcon } from "./icons";
import { base, buttons } from "./styles";

const stateTexts: Readonly<Record<BroadcastState, MessageKey>> = {
  idle: "studioIdle",
  connecting: "studioConnecting",
  live: "studioLive",
  reconnecting: "studioReconnecting",
};

@customElement("capture-bar")
export class CaptureBar extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 12px;
      }
      .level {
        overflow: hidden;
        width: 96px;
        height: 8px;
        border-radius: 4px;
        background: var(--surface);
        box-shadow: 0 0 0 1px var(--line);
      }
      .level span {
        display: block;
        height: 100%;
        border-radius: 4px;
        background: var(--accent);
        scale: 0 1;
        transform-origin: left;
        transition: scale 0.1s linear;
      }
      .pictures {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-left: 4px;
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
      .pictures[data-still] {
        color: var(--warm);
      }
      .state {
        display: flex;
        flex: 1;
        align-items: center;
        gap: 10px;
        min-width: 9rem;
        color: var(--muted);
        font-weight: 600;
      }
      .state::before {
        content: "";
        flex: none;
        width: 10px;
        height: 10px;
        border-radius: 50%;
        background: var(--muted);
      }
      .state[data-state="live"] {
        color: var(--ink);
      }
      .state[data-state="live"]::before {
        background: var(--live);
      }
      .state[data-state="connecting"]::before,
      .state[data-state="reconnecting"]::before {
        background: var(--warm);
      }
      #go-live,
      #end-live {
        min-height: 52px;
        padding-inline: 1.6em;
      }
      @media (max-width: 480px) {
        #go-live,
        #end-live {
          flex-basis: 100%;
        }
      }
    `,
  ];

  @property() broadcast: BroadcastState = "idle";
  /** What the camera delivers; undefined while it is off. */
  @property({ attribute: false }) video: MediaStreamTrack | undefined;
  /** Pictures a second that came of it; undefined while unknown. */
  @property({ attribute: false }) frameRate: number | undefined;
  /** Whether there is a microphone. */
  @property({ type: Boolean }) sounding = false;
  @property({ type: Boolean }) muted = false;

  @query(".level") private level!: HTMLElement;
  @query(".level span") private bar!: HTMLElement;

  private readonly locale = new Locale(this);

  /** 0 to 1; ten times a second, so that it does not draw the whole bar anew. */
  showLevel(level: number): void {
    this.bar.style.scale = `${level.toFixed(2)} 1`;
    this.level.setAttribute("aria-valuenow", String(Math.round(level * 100)));
  }

  override render() {
    const { text } = this.locale;
    return html`<button
        class="icon"
        id="microphone"
        aria-pressed=${this.muted}
        aria-label=${text("micMute")}
        title=${text("micMute")}
        ?disabled=${!this.sounding}
        @click=${() => this.tell("mute")}
      >
        ${this.muted || !this.sounding ? micOffIcon() : micIcon()}
      </button>
      <div class="level" role="meter" aria-label=${text("microphoneLevel")} aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"><span></span></div>
      ${this.pictures()}
      <p class="state" role="status" data-state=${this.broadcast}>${text(stateTexts[this.broadcast])}</p>
      ${this.switch()}`;
  }

  /** What the camera delivers, in size and pictures a second. */
  private pictures() {
    const { video, frameRate } = this;
    if (!video || frameRate === undefined) return nothing;
    const { text } = this.locale;
    const { width = 0, height = 0 } = video.getSettings();
    const rate = Math.round(frameRate);
    if (rate === 0) return html`<span class="pictures" data-still>${cameraIcon()} ${text("cameraStill")}</span>`;
    return html`<span class="pictures" title=${text("cameraDelivers")}>
      ${cameraIcon()} <span class="hidden-text">${text("cameraDelivers")}</span> ${width}×${height}, ${text("perSecond", { count: rate })}
    </span>`;
  }

  private switch() {
    const { text } = this.locale;
    const { broadcast, video } = this;
    if (broadcast === "idle") {
      const ready = video !== undefined && video.readyState !== "ended";
      return html`<button class="primary" id="go-live" ?disabled=${!ready} @click=${() => this.tell("go-live")}>${text("goLive")}</button>`;
    }
    return html`<button class="danger" id="end-live" @click=${() => this.tell("end-live")}>
      ${text(broadcast === "connecting" ? "cancel" : "endLive")}
    </button>`;
  }

  private tell(event: "mute" | "go-live" | "end-live"): void {
    this.dispatchEvent(new Event(event));
  }
}

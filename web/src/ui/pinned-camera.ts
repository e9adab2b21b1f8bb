/** `<pinned-camera>`: a second camera beside the main picture. Fires `swap` and `unpin`. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import type { PinnedCamera } from "../viewer/cameras";
import { cameraName } from "./camera-strip";
import { closeIcon, swapIcon } from "./icons";
import { base, buttons } from "./styles";

@customElement("pinned-camera")
export class PinnedCameraPane extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        position: relative;
        display: block;
        overflow: hidden;
        min-width: 0;
        min-height: 0;
        background: #06090b;
      }
      video {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        object-fit: contain;
      }
      video.away {
        opacity: 0.25;
      }
      header {
        position: absolute;
        inset: 8px 8px auto;
        display: flex;
        align-items: center;
        gap: 6px;
        color: #fff;
      }
      h2 {
        overflow: hidden;
        padding: 4px 12px;
        border-radius: 999px;
        background: rgb(11 16 19 / 72%);
        font-size: 0.875rem;
        letter-spacing: 0;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      header .icon,
      header .icon:hover:not(:disabled) {
        flex: none;
        background: rgb(11 16 19 / 72%);
        color: inherit;
      }
      .notice {
        position: absolute;
        inset: 0;
        display: grid;
        place-items: start center;
        padding: calc(2.75rem + 20px) 20px 20px;
        color: #fff;
        text-align: center;
        text-wrap: balance;
      }
    `,
  ];

  @property({ attribute: false }) camera!: PinnedCamera;
  /** Its picture; undefined while there is none. */
  @property({ attribute: false }) stream: MediaStream | undefined;

  @query("video") readonly video!: HTMLVideoElement;

  private readonly locale = new Locale(this);

  protected override updated(changed: PropertyValues): void {
    // The last picture stays while the next session is on its way.
    if (changed.has("stream") && this.stream && this.video.srcObject !== this.stream) this.video.srcObject = this.stream;
  }

  override render() {
    const { text } = this.locale;
    const { name, live } = this.camera;
    const camera = cameraName(text, name);
    return html`<video class=${live ? "" : "away"} autoplay playsinline .muted=${true} aria-label=${camera}></video>
      ${live ? nothing : html`<div class="notice">${text("cameraPinnedAway", { camera })}</div>`}
      <p class="hidden-text" role="status">${live ? "" : text("cameraPinnedAway", { camera })}</p>
      <header>
        <h2>${camera}</h2>
        ${live
          ? html`<button class="icon" id="swap" aria-label=${text("cameraSwap")} title=${text("cameraSwap")} @click=${() => this.ask("swap")}>
              ${swapIcon()}
            </button>`
          : nothing}
        <button
          class="icon"
          id="unpin"
          aria-label=${text("cameraUnpin", { camera })}
          title=${text("cameraUnpin", { camera })}
          @click=${() => this.ask("unpin")}
        >
          ${closeIcon()}
        </button>
      </header>`;
  }

  /** Takes the focus of a button that went when the picture came. */
  override focus(): void {
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("#unpin")?.focus());
  }

  private ask(name: "swap" | "unpin"): void {
    this.dispatchEvent(new Event(name));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "pinned-camera": PinnedCameraPane;
  }
}

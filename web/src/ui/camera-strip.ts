/** `<camera-strip>`: the live cameras as small pictures; fires `camera` with the name of the one to show large. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Locale } from "../i18n/locale";
import type { CameraTile } from "../viewer/cameras";
import { cameraIcon } from "./icons";
import { base, buttons } from "./styles";

/** A camera's name as people read it. */
export function cameraName(text: Locale["text"], name: string): string {
  if (name === "main") return text("cameraMain");
  return name === "microscope" ? text("cameraMicroscope") : name;
}

@customElement("camera-strip")
export class CameraStrip extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      [role="group"] {
        display: flex;
        gap: 8px;
        overflow-x: auto;
        padding: 4px;
        scrollbar-width: thin;
      }
      button {
        position: relative;
        flex: none;
        overflow: hidden;
        width: clamp(96px, 24vw, 168px);
        aspect-ratio: 16 / 9;
        padding: 0;
        border: 2px solid rgb(255 255 255 / 25%);
        border-radius: var(--radius-small);
        background: var(--surface);
      }
      button[aria-pressed="true"] {
        border-color: var(--accent);
      }
      video {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      @media (max-height: 480px) and (orientation: landscape) {
        [role="group"] {
          flex-direction: column;
        }
        button {
          width: 88px;
        }
      }
      .none {
        margin-bottom: 16px;
        color: var(--muted);
      }
      .name {
        position: absolute;
        inset: auto 0 0;
        overflow: hidden;
        padding: 2px 6px;
        background: rgb(6 9 11 / 78%);
        color: #fff;
        font-size: 0.75rem;
        font-weight: 600;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
    `,
  ];

  @property({ attribute: false }) tiles: readonly CameraTile[] = [];
  /** The thumbnails' pictures, by the mid of their lines. */
  @property({ attribute: false }) streams: ReadonlyMap<string, MediaStream> = new Map();

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    return html`<div role="group" aria-label=${text("cameras")} @keydown=${this.key}>
      ${this.tiles.map((tile) => this.tile(tile))}
    </div>`;
  }

  private tile({ name, mid, shown }: CameraTile) {
    const { text } = this.locale;
    const label = cameraName(text, name);
    const stream = mid === undefined ? undefined : this.streams.get(mid);
    return html`<button
      data-camera=${name}
      aria-pressed=${shown}
      aria-label=${text("cameraShow", { camera: label })}
      @click=${() => this.dispatchEvent(new CustomEvent("camera", { detail: name }))}
    >
      ${stream
        ? html`<video autoplay playsinline .muted=${true} .srcObject=${stream} aria-hidden="true"></video>`
        : html`<span class="none">${cameraIcon()}</span>`}
      <span class="name" aria-hidden="true">${label}</span>
    </button>`;
  }

  /** Left and right go from picture to picture. */
  private readonly key = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const all = [...this.renderRoot.querySelectorAll("button")];
    const place = all.indexOf(event.target as HTMLButtonElement);
    all[(place + step + all.length) % all.length]?.focus();
  };
}

/** The line that tells of a camera that is away. */
export function awayText(text: Locale["text"], away: string | undefined, shown: string | undefined) {
  if (away === undefined || shown === undefined) return nothing;
  return text("cameraAway", { camera: cameraName(text, away), shown: cameraName(text, shown) });
}

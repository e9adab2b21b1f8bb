/**
 * `<camera-strip>`: the live cameras as small pictures. Fires `camera` with the name of the one to show large, and `pin`
 * with the name of the one to show beside it, or not any more.
 */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Locale } from "../i18n/locale";
import type { CameraTile } from "../viewer/cameras";
import { cameraIcon, pinIcon } from "./icons";
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
      .strip {
        display: flex;
        gap: 8px;
        overflow-x: auto;
        padding: 4px;
        scrollbar-width: thin;
      }
      .tile {
        position: relative;
        flex: none;
        display: flex;
      }
      [data-camera] {
        position: relative;
        overflow: hidden;
        width: var(--tile);
        aspect-ratio: 16 / 9;
        padding: 0;
        border: 2px solid rgb(255 255 255 / 25%);
        border-radius: var(--radius-small);
        background: var(--surface);
      }
      [data-camera][aria-pressed="true"] {
        border-color: var(--accent);
      }
      /* One for which there is no line. */
      .plain [data-camera] {
        width: auto;
        max-width: 12rem;
        aspect-ratio: auto;
        padding: 0 2.5rem 0 12px;
        font-size: 0.8125rem;
      }
      [data-pin] {
        position: absolute;
        top: 2px;
        right: 2px;
        width: 2rem;
        min-height: 2rem;
        padding: 0;
        border-color: transparent;
        background: rgb(6 9 11 / 78%);
        color: #fff;
      }
      [data-pin][aria-pressed="true"] {
        background: var(--accent);
        color: var(--on-accent);
      }
      video {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      @media (max-height: 480px) and (orientation: landscape) {
        .strip {
          flex-direction: column;
        }
        [data-camera] {
          width: 96px;
        }
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
        line-height: 1.2;
        overflow-wrap: anywhere;
        text-wrap: balance;
      }
    `,
  ];

  @property({ attribute: false }) tiles: readonly CameraTile[] = [];
  /** The thumbnails' pictures, by the mid of their lines. */
  @property({ attribute: false }) streams: ReadonlyMap<string, MediaStream> = new Map();
  /** The main picture: the camera that is shown has no line of its own. */
  @property({ attribute: false }) main: MediaStream | undefined;
  /** Whether there can be a second picture beside the main one. */
  @property({ type: Boolean }) pinnable = false;

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    return html`<div class="strip" role="group" aria-label=${text("cameras")} @keydown=${this.key}>
      ${repeat(this.tiles, ({ name }) => name, (tile) => this.tile(tile))}
    </div>`;
  }

  private tile(tile: CameraTile) {
    const { text } = this.locale;
    const label = cameraName(text, tile.name);
    // Little room for the one that most orders have.
    const short = tile.name === "main" ? text("cameraMainShort") : label;
    const stream = this.streamOf(tile);
    return html`<div class=${stream ? "tile" : "tile plain"}>
      <button
        data-camera=${tile.name}
        aria-pressed=${tile.shown}
        aria-label=${text("cameraShow", { camera: label })}
        @click=${() => this.ask("camera", tile.name)}
      >
        ${stream
          ? html`<video autoplay playsinline .muted=${true} .srcObject=${stream} aria-hidden="true"></video>
              <span class="name" aria-hidden="true">${short}</span>`
          : html`${cameraIcon()} <span>${label}</span>`}
      </button>
      ${this.pinnable && !tile.shown ? this.pin(tile, label) : nothing}
    </div>`;
  }

  private streamOf({ mid, shown }: CameraTile): MediaStream | undefined {
    if (shown) return this.main;
    return mid === undefined ? undefined : this.streams.get(mid);
  }

  private pin({ name, pinned }: CameraTile, camera: string) {
    const { text } = this.locale;
    const title = text(pinned ? "cameraUnpin" : "cameraPin", { camera });
    const label = text("cameraPin", { camera });
    return html`<button data-pin=${name} aria-pressed=${pinned} aria-label=${label} title=${title} @click=${() => this.ask("pin", name)}>
      ${pinIcon()}
    </button>`;
  }

  /** Where the focus goes when a camera is not pinned any more. */
  focusOn(camera: string): void {
    void this.updateComplete.then(() => {
      const pins = [...this.renderRoot.querySelectorAll<HTMLElement>("[data-pin]")];
      pins.find(({ dataset }) => dataset.pin === camera)?.focus();
    });
  }

  private ask(event: "camera" | "pin", detail: string): void {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }

  /** Left and right go from button to button. */
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

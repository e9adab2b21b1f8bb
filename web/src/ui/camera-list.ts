/** `<camera-list>`: what is on the air for the order, whichever program it comes from, and what of this page is not. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Camera, Layer } from "../api/event-types";
import { formatClock } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { cameraName } from "./camera-strip";
import { cameraIcon } from "./icons";
import { base } from "./styles";
import { panel } from "./talk-styles";

@customElement("camera-list")
export class CameraList extends LitElement {
  static override styles = [
    base,
    panel,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      li {
        align-items: start;
        flex-wrap: nowrap;
      }
      li > :first-child {
        color: var(--muted);
      }
      li[data-live] > :first-child {
        color: var(--live);
      }
      .sizes {
        display: block;
        font-size: 0.875rem;
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  @property({ attribute: false }) cameras: readonly Camera[] = [];
  /** The names of the page's own ones. */
  @property({ attribute: false }) own: readonly string[] = [];

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    const { cameras, own } = this;
    const silent = own.filter((name) => !cameras.some((camera) => camera.name === name));
    const all = [...cameras, ...silent.map((name) => ({ name, live: false, since: null, codec: null, layers: [] }))];
    return html`<h2>${text("camerasTitle")}</h2>
      <ul>
        ${repeat(
          all,
          ({ name }) => name,
          (camera) => this.camera(camera),
        )}
      </ul>`;
  }

  private camera({ name, live, since, codec, layers }: Camera) {
    const { text } = this.locale;
    const time = since === null ? "" : formatClock(since * 1000, language());
    const sizes = layers.filter((layer) => layer.live && layer.height > 0).sort((a, b) => b.height - a.height);
    return html`<li data-camera=${name} ?data-live=${live}>
      <span>${cameraIcon()}</span>
      <span class="who">
        <strong>${cameraName(text, name)}</strong>
        ${this.own.includes(name) ? html`<span class="quiet">(${text("cameraThis")})</span>` : nothing}
        <span class="sizes quiet">${live ? text("cameraSince", { time }) : text("cameraOff")}</span>
        ${live && sizes.length > 0
          ? html`<span class="sizes">${codec ?? ""} ${sizes.map((size) => this.size(size)).join(" · ")}</span>`
          : nothing}
      </span>
    </li>`;
  }

  private size({ height, fps }: Layer): string {
    const rate = Math.round(fps);
    return rate > 0 ? `${height}p, ${this.locale.text("perSecond", { count: rate })}` : `${height}p`;
  }
}

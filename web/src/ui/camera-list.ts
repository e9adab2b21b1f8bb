/** `<camera-list>`: the order's cameras and what each broadcasts. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Camera } from "../api/event-types";
import { Locale } from "../i18n/locale";
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
        flex-wrap: nowrap;
      }
      .on {
        color: var(--live);
      }
    `,
  ];

  @property({ attribute: false }) cameras: readonly Camera[] = [];
  /** The name of the page's own one. */
  @property() own = "";

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    const live = this.cameras.filter((camera) => camera.live);
    return html`<h2>${text("camerasTitle")}</h2>
      ${live.length === 0 ? html`<p class="quiet">${text("camerasNone")}</p>` : nothing}
      <ul ?hidden=${live.length === 0}>
        ${live.map((camera) => this.camera(camera))}
      </ul>`;
  }

  private camera({ name, layers }: Camera) {
    const { text } = this.locale;
    const best = layers.filter((layer) => layer.live).sort((a, b) => b.height - a.height)[0];
    return html`<li>
      <span class="on">${cameraIcon()}</span>
      <span class="who"><strong>${name}</strong>${name === this.own ? html` <span class="quiet">(${text("cameraThis")})</span>` : nothing}</span>
      ${best && best.height > 0 ? html`<span class="quiet">${best.height}p, ${text("perSecond", { count: Math.round(best.fps) })}</span>` : nothing}
    </li>`;
  }
}

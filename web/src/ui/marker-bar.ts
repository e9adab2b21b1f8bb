/** `<marker-bar>`: notes of what happens now, by one press or in own words, and those made so far; fires `command`. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { longest, type Marker } from "../api/event-types";
import { formatClock, type MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { command } from "../studio/talk-room";
import { base, buttons, fields } from "./styles";
import { panel } from "./talk-styles";

const labels: readonly MessageKey[] = ["markerOpened", "markerFault", "markerBattery", "markerReplaced", "markerTested"];

@customElement("marker-bar")
export class MarkerBar extends LitElement {
  static override styles = [
    base,
    buttons,
    fields,
    panel,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      form {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      #marker {
        flex: 1 1 14rem;
        width: 0;
      }
      ol {
        display: grid;
        gap: 4px;
        overflow-y: auto;
        max-height: 11rem;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: nowrap;
        align-items: baseline;
        padding: 2px 0;
        border: 0;
        overflow-wrap: anywhere;
      }
      time {
        flex: none;
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  /** The oldest first. */
  @property({ attribute: false }) markers: readonly Marker[] = [];

  @query("input") private field!: HTMLInputElement;

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    return html`<h2>${text("markerTitle")}</h2>
      <div class="deeds">
        ${labels.map((key) => html`<button class="small" @click=${() => this.add(text(key))}>${text(key)}</button>`)}
      </div>
      <form @submit=${this.submit}>
        <input id="marker" maxlength=${longest.marker.label} autocomplete="off" aria-label=${text("markerLabel")} placeholder=${text("markerLabel")} />
        <button type="submit">${text("markerAdd")}</button>
      </form>
      ${this.markers.length === 0 ? html`<p class="quiet">${text("markerNone")}</p>` : nothing}
      <ol ?hidden=${this.markers.length === 0} tabindex="0" aria-label=${text("markerTitle")}>
        ${[...this.markers].reverse().map((marker) => html`<li><time>${formatClock(marker.at, language())}</time> ${marker.label}</li>`)}
      </ol>`;
  }

  private submit(event: SubmitEvent): void {
    event.preventDefault();
    const label = this.field.value.trim();
    if (label === "") return;
    this.add(label);
    this.field.value = "";
  }

  private add(label: string): void {
    command(this, "marker:add", { label });
  }
}

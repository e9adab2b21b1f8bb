/** `<outgoing-table>`: what leaves this computer, a row a layer. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import type { LayerStats, OutgoingStats } from "../studio/outgoing-stats";
import { base } from "./styles";

const layerNames: Readonly<Record<string, MessageKey>> = { l: "layerLow", m: "layerMiddle", h: "layerHigh" };

@customElement("outgoing-table")
export class OutgoingTable extends LitElement {
  static override styles = [
    base,
    css`
      h2 {
        margin-bottom: 10px;
        font-size: 1.0625rem;
      }
      .scroll {
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      th,
      td {
        padding: 9px 14px 9px 0;
        border-top: 1px solid var(--line);
        font-weight: 400;
        text-align: right;
      }
      th {
        text-align: left;
      }
      td:last-child {
        padding-right: 0;
      }
      tr.total > * {
        font-weight: 650;
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 6px 24px;
        margin: 12px 0 0;
      }
      dl div {
        display: flex;
        gap: 8px;
      }
      dt {
        color: var(--muted);
      }
      dd {
        margin: 0;
        font-variant-numeric: tabular-nums;
      }
      h2 span {
        font-weight: 400;
      }
      @media (max-width: 480px) {
        table {
          font-size: 0.875rem;
        }
        th,
        td {
          padding-right: 8px;
        }
      }
      .warning {
        margin-top: 12px;
        padding: 0.7em 0.9em;
        border-radius: var(--radius-small);
        background: color-mix(in srgb, var(--warm) 14%, transparent);
        color: var(--warm);
      }
      .warning:empty {
        display: none;
      }
    `,
  ];

  @property({ attribute: false }) stats: OutgoingStats | undefined;
  /** Whose figures these are, where there are several. */
  @property() camera = "";

  private readonly locale = new Locale(this);

  override render() {
    const { stats } = this;
    if (!stats) return nothing;
    const { text } = this.locale;
    const total = stats.layers.reduce((sum, { bitrate }) => sum + bitrate, stats.audioBitrate);
    return html`<h2>${text("statistics")} <span class="quiet">${this.camera}</span></h2>
      <div class="scroll" tabindex="0" role="group" aria-label=${text("statistics")}>
        <table>
          <tbody>
            ${stats.layers.map((layer) => this.row(layer))}
            <tr><th scope="row">${text("sound")}</th><td></td><td></td><td>${this.rate(stats.audioBitrate)}</td></tr>
            <tr class="total"><th scope="row">${text("total")}</th><td>${stats.codec}</td><td></td><td>${this.rate(total)}</td></tr>
          </tbody>
        </table>
      </div>
      <dl>
        ${this.figure("roundTrip", "milliseconds", stats.roundTripTime && stats.roundTripTime * 1000)}
        ${this.figure("packetLoss", "percent", stats.fractionLost && stats.fractionLost * 100)}
      </dl>
      <p class="warning" role="status">${stats.limitation === "cpu" ? text("limitedCpu") : ""}</p>`;
  }

  private row(layer: LayerStats) {
    const { text } = this.locale;
    const name = text(layerNames[layer.rid] ?? "layerOnly");
    if (layer.height === 0) {
      return html`<tr><th scope="row">${name}</th><td colspan="3" class="quiet">${text("layerPaused")}</td></tr>`;
    }
    return html`<tr>
      <th scope="row">${name}</th>
      <td>${layer.width}×${layer.height}</td>
      <td>${text("perSecond", { count: Math.round(layer.framesPerSecond) })}</td>
      <td>${this.rate(layer.bitrate)}</td>
    </tr>`;
  }

  private rate(bitrate: number): string {
    return this.locale.text("kilobits", { count: Math.round(bitrate / 1000) });
  }

  private figure(name: MessageKey, unit: MessageKey, value: number | undefined) {
    if (value === undefined) return nothing;
    const { text } = this.locale;
    const count = value < 10 ? Math.round(value * 10) / 10 : Math.round(value);
    return html`<div><dt>${text(name)}</dt><dd>${text(unit, { count })}</dd></div>`;
  }
}

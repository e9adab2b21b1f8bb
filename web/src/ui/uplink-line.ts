/** `<uplink-line>`: what the connection carries of the broadcast, and what to do when that is too little. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import type { UplinkAdvice, UplinkTrouble, UplinkView } from "../studio/uplink";
import { base } from "./styles";

const verdicts: Readonly<Record<UplinkTrouble, MessageKey>> = {
  none: "uplinkFine",
  settling: "uplinkSettling",
  short: "uplinkShort",
  loss: "uplinkLoss",
};

@customElement("uplink-line")
export class UplinkLine extends LitElement {
  static override styles = [
    base,
    css`
      :host {
        display: block;
        padding: 14px 20px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        font-variant-numeric: tabular-nums;
      }
      :host([warns]) {
        border-color: color-mix(in srgb, var(--warm) 55%, transparent);
        background: color-mix(in srgb, var(--warm) 14%, var(--surface));
      }
      .carried {
        font-weight: 600;
      }
      :host([warns]) .verdict {
        color: var(--warm);
      }
      @media (max-width: 480px) {
        :host {
          padding: 12px 16px;
        }
      }
    `,
  ];

  @property({ attribute: false }) uplink: UplinkView | undefined;
  /** Set while it warns. */
  @property({ type: Boolean, reflect: true }) warns = false;

  private readonly locale = new Locale(this);

  protected override willUpdate(): void {
    this.warns = this.uplink?.advice !== undefined;
  }

  override render() {
    const { uplink } = this;
    if (!uplink) return nothing;
    const { text } = this.locale;
    const megabits = (bits: number) => Math.round(bits / 100_000) / 10;
    const [carried, wanted] = [megabits(uplink.carried), megabits(uplink.wanted)];
    const loss = text("percent", { count: Math.round(uplink.loss * 100) });
    return html`<p class="carried">${text("uplinkCarries", { carried, wanted })}</p>
      <p class="verdict quiet" role="status">${text(verdicts[uplink.trouble], { loss })} ${this.advice(uplink.advice)}</p>`;
  }

  private advice(advice: UplinkAdvice | undefined): string {
    const { text } = this.locale;
    if (advice === undefined) return "";
    if (advice === "network") return text("uplinkUseCable");
    if (advice === "one-size") return text("uplinkOneSize", { setting: text("simulcast") });
    const rate = text("kilobits", { count: advice.bitrate });
    return text("uplinkSetBitrate", { setting: text("bitrate"), rate });
  }
}

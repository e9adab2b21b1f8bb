/** `<studio-settings>`: source, devices and quality; fires `settings` with the whole new choice. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import type { Devices } from "../studio/capture";
import { bitrates, frameRates, resolutions } from "../studio/encodings";
import { defaultSettings, type StudioSettings } from "../studio/settings";
import { cameraIcon, screenIcon } from "./icons";
import { base, fields } from "./styles";

interface Option {
  readonly value: string;
  readonly label: string;
  readonly disabled?: boolean;
}

@customElement("studio-settings")
export class StudioSettingsForm extends LitElement {
  static override styles = [
    base,
    fields,
    css`
      :host {
        display: grid;
        gap: 16px;
      }
      fieldset {
        display: grid;
        gap: 14px;
        min-width: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
        margin-bottom: 8px;
        font-weight: 600;
      }
      .pair {
        display: grid;
        grid-template-columns: 1fr 1fr;
        align-items: end;
        gap: 12px;
      }
      @media (max-width: 420px) {
        .pair {
          grid-template-columns: 1fr;
        }
      }
      .choice {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 4px;
        padding: 4px;
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
      .choice label {
        position: relative;
        display: flex;
        align-items: center;
        justify-content: center;
        gap: 8px;
        min-height: 42px;
        border-radius: 8px;
        color: var(--muted);
        cursor: pointer;
      }
      .choice label:has(:checked) {
        background: var(--surface);
        color: var(--ink);
      }
      .choice label:has(:focus-visible) {
        outline: 3px solid var(--focus);
      }
      .choice input {
        position: absolute;
        opacity: 0;
      }
      .check {
        display: flex;
        align-items: start;
        gap: 12px;
        font-weight: 400;
      }
      .check input {
        width: 20px;
        height: 20px;
        margin: 3px 0 0;
      }
      .check b {
        display: block;
        font-weight: 600;
      }
      small {
        font-size: 0.875rem;
      }
    `,
  ];

  @property({ attribute: false }) settings: StudioSettings = defaultSettings;
  @property({ attribute: false }) devices: Devices = { cameras: [], microphones: [] };
  /** On the air: what needs a new negotiation is locked. */
  @property({ type: Boolean }) live = false;

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    return html`${this.sources()}
      <fieldset ?disabled=${this.live}>
        <legend>${text("quality")}</legend>
        <div class="pair">
          ${this.select("height", "resolution", this.resolutionOptions())}
          ${this.select("frameRate", "frameRate", frameRates.map((rate) => ({ value: String(rate), label: String(rate) })))}
        </div>
        <div class="pair">
          ${this.select("bitrate", "bitrate", this.bitrateOptions())}
          ${this.select("codec", "codec", [
            { value: "auto", label: text("codecAuto") },
            { value: "H264", label: "H.264" },
            { value: "VP8", label: "VP8" },
          ])}
        </div>
        <label class="check">
          <input
            type="checkbox"
            name="simulcast"
            .checked=${this.settings.simulcast}
            @change=${(event: Event) => this.change({ simulcast: (event.target as HTMLInputElement).checked })}
          />
          <span><b>${text("simulcast")}</b><small class="quiet">${text("simulcastHint")}</small></span>
        </label>
        ${this.live ? html`<small class="quiet">${text("lockedWhileLive")}</small>` : nothing}
      </fieldset>`;
  }

  private sources() {
    const { text } = this.locale;
    const { source } = this.settings;
    return html`<fieldset>
      <legend>${text("source")}</legend>
      <div class="choice">
        ${this.sourceChoice("camera", "sourceCamera", cameraIcon())} ${this.sourceChoice("screen", "sourceScreen", screenIcon())}
      </div>
      ${source === "camera" ? this.select("cameraId", "camera", this.deviceOptions(this.devices.cameras)) : nothing}
      ${this.select("microphoneId", "microphone", [
        ...this.deviceOptions(this.devices.microphones),
        { value: "none", label: text("noMicrophone"), disabled: this.live },
      ])}
    </fieldset>`;
  }

  private sourceChoice(value: StudioSettings["source"], label: MessageKey, icon: TemplateResult) {
    const checked = this.settings.source === value;
    return html`<label>
      <input type="radio" name="source" value=${value} .checked=${checked} @change=${() => this.change({ source: value })} />
      ${icon} ${this.locale.text(label)}
    </label>`;
  }

  private select(name: Exclude<keyof StudioSettings, "simulcast" | "source">, label: MessageKey, options: readonly Option[]) {
    const current = String(this.settings[name]);
    const numeric = typeof this.settings[name] === "number";
    const changed = (event: Event) => {
      const { value } = event.target as HTMLSelectElement;
      this.change({ [name]: numeric ? Number(value) : value });
    };
    return html`<div class="field">
      <label for=${name}>${this.locale.text(label)}</label>
      <select id=${name} name=${name} @change=${changed}>
        ${options.map(
          (option) =>
            html`<option value=${option.value} ?selected=${option.value === current} ?disabled=${option.disabled ?? false}>
              ${option.label}
            </option>`,
        )}
      </select>
    </div>`;
  }

  private deviceOptions(devices: readonly MediaDeviceInfo[]): Option[] {
    if (devices.length === 0) return [{ value: "", label: this.locale.text("codecAuto") }];
    return devices.map(({ deviceId, label }, index) => ({
      value: deviceId,
      label: label || this.locale.text("deviceNumber", { count: index + 1 }),
    }));
  }

  private resolutionOptions(): Option[] {
    return resolutions.map(({ name, height }) => ({ value: String(height), label: name }));
  }

  private bitrateOptions(): Option[] {
    return bitrates.map((rate) => ({ value: String(rate), label: this.locale.text("kilobits", { count: rate }) }));
  }

  private change(part: Partial<StudioSettings>): void {
    const detail: StudioSettings = { ...this.settings, ...part };
    this.dispatchEvent(new CustomEvent("settings", { detail }));
  }
}

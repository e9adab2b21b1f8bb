/** `<talk-desk>`: who may speak, who asks to, who does; fires `command` with what the technician decides. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { TalkWelcome as TalkState } from "../api/event-types";
import type { TalkMode } from "../api/events";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import { command, type DeskRow, deskRows } from "../studio/talk-room";
import { micIcon, micOffIcon } from "./icons";
import { base, buttons } from "./styles";
import { panel } from "./talk-styles";

const modes: readonly (readonly [TalkMode, MessageKey])[] = [
  ["open", "deskModeOpen"],
  ["request", "deskModeRequest"],
  ["off", "deskModeOff"],
];

type Deed = "talk:grant" | "talk:deny" | "talk:mute";

const standings: Readonly<Record<DeskRow["standing"], MessageKey | undefined>> = {
  waiting: undefined,
  granted: "deskTurn",
  speaking: "peopleSpeaking",
  muted: "deskMuted",
};

@customElement("talk-desk")
export class TalkDesk extends LitElement {
  static override styles = [
    base,
    buttons,
    panel,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      fieldset {
        display: grid;
        grid-template-columns: repeat(3, minmax(0, 1fr));
        gap: 4px;
        min-width: 0;
        margin: 0;
        padding: 4px;
        border: 1px solid var(--line);
        border-radius: 24px;
      }
      fieldset:disabled {
        opacity: 0.6;
      }
      fieldset label {
        position: relative;
        display: grid;
        place-items: center;
        min-height: 40px;
        padding: 4px;
        border-radius: 20px;
        font-size: clamp(0.8125rem, 0.7rem + 0.6vw, 0.9375rem);
        font-weight: 600;
        line-height: 1.15;
        text-align: center;
        cursor: pointer;
      }
      fieldset input {
        position: absolute;
        inset: 0;
        margin: 0;
        opacity: 0;
        cursor: pointer;
      }
      fieldset label:has(:checked) {
        background: var(--accent);
        color: var(--on-accent);
      }
      fieldset label:has(:focus-visible) {
        outline: 3px solid var(--focus);
        outline-offset: 2px;
      }
      .now {
        display: flex;
        align-items: center;
        gap: 8px;
        color: var(--muted);
      }
      .now[data-speaking] {
        color: var(--accent);
        font-weight: 650;
      }
      li[data-standing="waiting"] {
        border-color: var(--warm);
        background: color-mix(in srgb, var(--warm) 12%, transparent);
      }
      li[data-standing="speaking"] {
        border-color: var(--accent);
      }
      #mute-all {
        justify-self: start;
      }
    `,
  ];

  @property({ attribute: false }) talk: TalkState | undefined;
  /** By viewer id. */
  @property({ attribute: false }) names: ReadonlyMap<string, string> = new Map();

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    const { talk } = this;
    const count = talk?.queue.length ?? 0;
    return html`<h2>
        ${text("deskTalk")} <span class="badge" id="waiting" ?hidden=${count === 0}>${text("deskWaiting", { count })}</span>
      </h2>
      ${talk ? nothing : html`<p class="quiet">${text("deskOffline")}</p>`} ${this.choice(talk)}
      ${talk ? [this.now(talk), this.rows(talk), this.everybody(talk)] : nothing}`;
  }

  private choice(talk: TalkState | undefined) {
    const { text } = this.locale;
    return html`<fieldset ?disabled=${talk === undefined} aria-label=${text("deskMode")}>
      ${modes.map(
        ([mode, key]) => html`<label>
          <input
            type="radio"
            name="mode"
            value=${mode}
            .checked=${talk?.mode === mode}
            @change=${() => command(this, "talk:policy", { mode })}
          />${text(key)}
        </label>`,
      )}
    </fieldset>`;
  }

  private now({ speakers }: TalkState) {
    const { text } = this.locale;
    const name = speakers.map(({ viewerId }) => this.name(viewerId)).join(", ");
    return html`<p class="now" role="status" ?data-speaking=${speakers.length > 0}>
      ${speakers.length > 0 ? micIcon() : micOffIcon()}
      <span>${speakers.length > 0 ? text("deskSpeaks", { name }) : text("deskSilence")}</span>
    </p>`;
  }

  private rows(talk: TalkState) {
    const rows = deskRows(talk);
    return html`<ul aria-live="polite" ?hidden=${rows.length === 0}>
      ${repeat(
        rows,
        ({ viewerId }) => viewerId,
        (row) => this.row(row),
      )}
    </ul>`;
  }

  private row({ viewerId, standing }: DeskRow) {
    const { text } = this.locale;
    const name = this.name(viewerId);
    const key = standings[standing];
    return html`<li data-standing=${standing} data-viewer=${viewerId}>
      <span class="who">
        ${key ? html`<strong>${name}</strong> <span class="quiet">${text(key)}</span>` : html`<strong>${text("deskAsks", { name })}</strong>`}
      </span>
      <span class="deeds">
        ${standing === "waiting"
          ? [this.deed("talk:grant", viewerId, "deskGrant", "deskGrantTo", true), this.deed("talk:deny", viewerId, "deskDeny", "deskDenyTo")]
          : standing === "muted"
            ? this.deed("talk:mute", viewerId, "deskUnmute", "deskUnmuteOf", false, { muted: false })
            : [
                this.deed("talk:mute", viewerId, "deskMute", "deskMuteOf", false, { muted: true }),
                this.deed("talk:deny", viewerId, "deskEndTurn", "deskEndTurnOf"),
              ]}
      </span>
    </li>`;
  }

  private deed(event: Deed, viewerId: string, key: MessageKey, whole: MessageKey, primary = false, more = {}) {
    const { text } = this.locale;
    return html`<button
      class=${primary ? "primary small" : "small"}
      data-deed=${event}
      aria-label=${text(whole, { name: this.name(viewerId) })}
      @click=${() => command(this, event, { viewerId, ...more })}
    >
      ${text(key)}
    </button>`;
  }

  private everybody({ mutedAll }: TalkState) {
    return html`<button class="small" id="mute-all" aria-pressed=${mutedAll} @click=${() => command(this, "talk:mute", { muted: !mutedAll })}>
      ${this.locale.text(mutedAll ? "deskUnmuteAll" : "deskMuteAll")}
    </button>`;
  }

  private name(viewerId: string): string {
    const name = this.names.get(viewerId) ?? "";
    return name === "" ? this.locale.text("deskUnnamed", { id: viewerId.slice(0, 4) }) : name;
  }
}

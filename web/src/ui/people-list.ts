/** `<people-list>`: who watches, since when, and what each one sees right now; fires `command` to remove somebody. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { formatClock, type MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { type People, type Person, type Verdict, verdictOn } from "../studio/talk-people";
import { command } from "../studio/talk-room";
import { base, buttons } from "./styles";
import { panel } from "./talk-styles";

const verdicts: Readonly<Record<Verdict, MessageKey>> = {
  good: "peopleGood",
  fair: "peopleFair",
  poor: "peoplePoor",
  away: "peopleAway",
};

const standings: Readonly<Record<Person["talk"], MessageKey | undefined>> = {
  none: undefined,
  waiting: undefined,
  granted: "deskTurn",
  speaking: "peopleSpeaking",
  muted: "deskMuted",
};

@customElement("people-list")
export class PeopleList extends LitElement {
  static override styles = [
    base,
    buttons,
    panel,
    css`
      :host {
        display: grid;
        gap: 12px;
      }
      .verdict {
        display: flex;
        align-items: center;
        gap: 8px;
        font-weight: 600;
      }
      .verdict::before {
        content: "";
        flex: none;
        width: 10px;
        height: 10px;
        border-radius: 50%;
        background: var(--muted);
      }
      [data-verdict="good"]::before {
        background: var(--accent);
      }
      [data-verdict="fair"]::before {
        background: var(--warm);
      }
      [data-verdict="poor"]::before {
        background: var(--live);
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        flex-basis: 100%;
        gap: 2px 16px;
        margin: 0;
        font-size: 0.875rem;
        font-variant-numeric: tabular-nums;
      }
      dl div {
        display: flex;
        gap: 6px;
      }
      dt {
        color: var(--muted);
      }
      dd {
        margin: 0;
      }
      .sure {
        display: grid;
        flex-basis: 100%;
        gap: 8px;
      }
    `,
  ];

  /** Undefined until the gateway has told. */
  @property({ attribute: false }) people: People | undefined;

  /** Whom the technician is about to remove. */
  @state() private doomed: string | undefined;

  private readonly locale = new Locale(this);

  override render() {
    const { text } = this.locale;
    const { people } = this;
    return html`<h2>${text("peopleTitle")}</h2>
      ${people === undefined ? html`<p class="quiet">${text("deskOffline")}</p>` : nothing}
      ${people?.named.length === 0 ? html`<p class="quiet">${text("peopleNobody")}</p>` : nothing}
      <ul ?hidden=${!people?.named.length}>
        ${repeat(
          people?.named ?? [],
          ({ viewerId }) => viewerId,
          (person) => this.person(person),
        )}
      </ul>
      ${people && people.more > 0 ? html`<p class="quiet">${text("peopleMore", { count: people.more })}</p>` : nothing}`;
  }

  private person(person: Person) {
    const { text } = this.locale;
    const verdict = verdictOn(person, Date.now());
    const name = person.name || text("deskUnnamed", { id: person.viewerId.slice(0, 4) });
    const standing = standings[person.talk];
    return html`<li data-viewer=${person.viewerId} data-talk=${person.talk}>
      <span class="who">
        <strong>${name}</strong>
        <span class="quiet">
          ${person.since === undefined ? nothing : text("peopleSince", { time: formatClock(person.since, language()) })}${standing
            ? html` · ${text(standing)}`
            : nothing}
        </span>
        <span class="verdict" data-verdict=${verdict}>${text(verdicts[verdict])}</span>
      </span>
      <button
        class="small"
        data-deed="kick"
        aria-label=${text("peopleKickWhom", { name })}
        ?hidden=${this.doomed === person.viewerId}
        @click=${() => void this.ask(person.viewerId)}
      >
        ${text("peopleKick")}
      </button>
      ${this.figures(person)} ${this.doomed === person.viewerId ? this.sure(person.viewerId, name) : nothing}
    </li>`;
  }

  private figures({ layer, camera, glassToGlass, loss, freezes }: Person) {
    const { text } = this.locale;
    const rows: (readonly [MessageKey, string])[] = [];
    if (layer && layer.height > 0) rows.push(["peoplePicture", `${layer.height}p, ${text("kilobits", { count: Math.round(layer.bitrate / 1000) })}`]);
    if (glassToGlass !== undefined) rows.push(["peopleBehind", text("seconds", { count: Math.round(glassToGlass * 10) / 10 })]);
    if (loss !== undefined) rows.push(["packetLoss", text("percent", { count: Math.round(loss * 1000) / 10 })]);
    if (freezes > 0) rows.push(["peopleFreezes", String(freezes)]);
    if (camera) rows.push(["peopleCamera", camera]);
    return rows.length === 0
      ? nothing
      : html`<dl>${rows.map(([key, value]) => html`<div><dt>${text(key)}</dt><dd>${value}</dd></div>`)}</dl>`;
  }

  private sure(viewerId: string, name: string) {
    const { text } = this.locale;
    return html`<div class="sure" role="alertdialog" aria-labelledby="sure" @keydown=${this.keyPressed}>
      <p id="sure">${text("peopleKickSure", { name })}</p>
      <span class="deeds">
        <button class="danger small" id="kick-yes" @click=${() => this.kick(viewerId)}>${text("peopleKickYes")}</button>
        <button class="small" @click=${this.spare}>${text("cancel")}</button>
      </span>
    </div>`;
  }

  private async ask(viewerId: string): Promise<void> {
    this.doomed = viewerId;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#kick-yes")?.focus();
  }

  private keyPressed(event: KeyboardEvent): void {
    if (event.key === "Escape") this.spare();
  }

  private readonly spare = (): void => {
    this.doomed = undefined;
  };

  private kick(viewerId: string): void {
    this.spare();
    command(this, "viewer:kick", { viewerId });
  }
}

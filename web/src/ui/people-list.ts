/** `<people-list>`: who watches, since when, and what each one sees right now; fires `command` to remove somebody. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { People, Person, ViewedLayer } from "../api/event-types";
import { formatClock, type MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { type Verdict, verdictOn } from "../studio/talk-people";
import { command } from "../studio/talk-room";
import { cameraName } from "./camera-strip";
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
        flex-wrap: wrap;
        gap: 0 6px;
      }
      dt {
        color: var(--muted);
      }
      dd {
        margin: 0;
        white-space: nowrap;
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
    const more = people ? people.total - people.viewers.length : 0;
    return html`<h2>${text("peopleTitle")}</h2>
      ${people === undefined ? html`<p class="quiet">${text("deskOffline")}</p>` : nothing}
      ${people?.viewers.length === 0 ? html`<p class="quiet">${text("peopleNobody")}</p>` : nothing}
      <ul ?hidden=${!people?.viewers.length}>
        ${repeat(
          people?.viewers ?? [],
          ({ viewerId }) => viewerId,
          (person) => this.person(person),
        )}
      </ul>
      ${more > 0 ? html`<p class="quiet">${text("peopleMore", { count: more })}</p>` : nothing}`;
  }

  private person(person: Person) {
    const { text } = this.locale;
    const verdict = verdictOn(person, Date.now() / 1000);
    const name = person.name || text("deskUnnamed", { id: person.viewerId.slice(0, 4) });
    const standing = standings[person.talk];
    return html`<li data-viewer=${person.viewerId} data-talk=${person.talk}>
      <span class="who">
        <strong>${name}</strong>
        <span class="quiet">
          ${text("peopleSince", { time: formatClock(person.since * 1000, language()) })}${standing
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
    if (layer && layer.height > 0) rows.push(["peoplePicture", this.picture(layer)]);
    if (glassToGlass !== null) rows.push(["peopleBehind", this.delay(glassToGlass)]);
    if (freezes !== null) rows.push(["peopleFreezes", String(freezes)]);
    if (loss !== null) rows.push(["packetLoss", text("percent", { count: Math.round(loss * 1000) / 10 })]);
    if (camera !== null) rows.push(["peopleCamera", cameraName(text, camera)]);
    return rows.length === 0
      ? nothing
      : html`<dl>${rows.map(([key, value]) => html`<div><dt>${text(key)}</dt><dd>${value}</dd></div>`)}</dl>`;
  }

  private picture({ height, fps, bitrate }: ViewedLayer): string {
    const { text } = this.locale;
    const [frames, rate] = [Math.round(fps), Math.round(bitrate / 1000)];
    return `${height}p, ${text("perSecond", { count: frames })}, ${text("kilobits", { count: rate })}`;
  }

  private delay(seconds: number): string {
    const { text } = this.locale;
    if (seconds < 1) return text("milliseconds", { count: Math.round(seconds * 100) * 10 });
    return text("seconds", { count: Math.round(seconds * 10) / 10 });
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

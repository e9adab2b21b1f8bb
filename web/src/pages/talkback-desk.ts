/** `<talkback-desk>`: plays the customers of an order, and everything that can be decided about them. No camera needed. */

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { LiveEvents } from "../api/events";
import { watchNetwork } from "../browser/network";
import type { TokenStore } from "../browser/token-store";
import type { MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { type ListenState, TalkListener } from "../studio/talk-listener";
import { type Heard, heardIn, TalkPlayer } from "../studio/talk-player";
import "../ui/language-switcher";
import { base, buttons } from "../ui/styles";
import "../ui/volume-slider";
import "./technician-side";

/** What browser tests and support read; see web/README.md. */
export interface RepairTalkback {
  readonly state: ListenState;
  readonly pc: RTCPeerConnection | undefined;
  /** The browser lets no sound out before a gesture. */
  readonly blocked: boolean;
  heard(): Promise<Heard | undefined>;
}

declare global {
  interface Window {
    __repairTalkback?: RepairTalkback;
  }
}

const stateTexts: Readonly<Record<ListenState, MessageKey>> = {
  idle: "talkbackIdle",
  connecting: "talkbackConnecting",
  listening: "talkbackListening",
  reconnecting: "talkbackReconnecting",
};

@customElement("talkback-desk")
export class TalkbackDesk extends LitElement {
  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        gap: 10px;
        padding-block: 10px;
      }
      .bar {
        position: sticky;
        top: 0;
        z-index: 1;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 10px;
        padding-block: 4px;
        background: var(--paper);
      }
      .state {
        display: flex;
        flex: 1 1 8rem;
        align-items: center;
        gap: 10px;
        margin: 0;
        font-size: 1rem;
        font-weight: 650;
        letter-spacing: 0;
      }
      .state::before {
        content: "";
        flex: none;
        width: 10px;
        height: 10px;
        border-radius: 50%;
        background: var(--warm);
      }
      .state[data-state="listening"]::before {
        background: var(--accent);
      }
      #allow-sound {
        flex: 1 1 100%;
      }
      volume-slider {
        flex: 1 1 100%;
      }
      #leave {
        justify-self: start;
        font-size: 0.9375rem;
      }
    `,
  ];

  @property({ attribute: false }) tokens!: TokenStore;
  @property() orderId = "";

  @state() private events: LiveEvents | undefined;

  private readonly locale = new Locale(this);
  private readonly player = new TalkPlayer(() => this.requestUpdate());
  private readonly listening = new AbortController();
  private listener!: TalkListener;
  private speaking = false;

  protected override willUpdate(): void {
    if (!this.hasUpdated) this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.listening.abort();
    this.listener.stop();
    this.events?.close();
    delete window.__repairTalkback;
  }

  override render() {
    const { text } = this.locale;
    // What the browser does not let out is not heard.
    const state = this.player.blocked ? "idle" : this.listener.state;
    return html`<div class="bar">
        <h1 class="state" role="status" data-state=${state}>${text(stateTexts[state])}</h1>
        <language-switcher compact></language-switcher>
        ${this.player.blocked
          ? html`<button class="primary" id="allow-sound" @click=${() => this.player.resume()}>${text("talkbackAllowSound")}</button>`
          : nothing}
        <volume-slider .player=${this.player}></volume-slider>
      </div>
      <technician-side small wide .events=${this.events}></technician-side>
      <button id="leave" @click=${() => this.dispatchEvent(new Event("leave"))}>${text("studioChangeToken")}</button>`;
  }

  private begin(): void {
    const { player } = this;
    const listener = new TalkListener(this.orderId, {
      caller: () => ({ token: this.tokens.read(), language: language() }),
      speaking: () => this.speaking,
      reachable: () => this.events?.answers() ?? Promise.resolve(false),
      onBroken: () => this.events?.renew(),
      onChange: () => this.requestUpdate(),
      onTrack: (track) => player.add(track),
      onSilence: () => player.clear(),
      onRefused: () => this.dispatchEvent(new Event("access-ended")),
    });
    this.listener = listener;
    window.__repairTalkback = {
      get state() {
        return listener.state;
      },
      get pc() {
        return listener.peer;
      },
      get blocked() {
        return player.blocked;
      },
      heard: async () => listener.peer && heardIn(await listener.peer.getStats()),
    };
    this.events = this.hear(listener);
    const { signal } = this.listening;
    const perhapsChanged = () => listener.networkSeemsChanged();
    const changed = () => {
      this.events?.wake();
      listener.networkChanged();
    };
    watchNetwork({ changed, perhapsChanged }, signal);
    window.addEventListener("pagehide", () => listener.stop(), { signal });
    window.addEventListener("pageshow", () => listener.start(), { signal });
    listener.start();
  }

  private hear(listener: TalkListener): LiveEvents {
    const events = new LiveEvents(() => this.tokens.read() ?? "", {
      onConnection: () => undefined,
      onSessionClosed: ({ sessionId, reason }) => listener.closedByServer(sessionId, reason),
      onDraining: (retryAfter) => listener.draining(retryAfter),
    });
    events.on("talk:state", ({ speakers }) => (this.speaking = speakers.length > 0));
    return events;
  }
}

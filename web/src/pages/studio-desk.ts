/** `<studio-desk>`: preview, choices, going on the air, and what really leaves the computer. */

import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { LiveEvents } from "../api/events";
import { watchNetwork } from "../browser/network";
import { WakeLock } from "../browser/screen";
import type { TokenStore } from "../browser/token-store";
import type { MessageKey } from "../i18n/format";
import { language, Locale } from "../i18n/locale";
import { Broadcast, type BroadcastEnd, type BroadcastState } from "../studio/broadcast";
import { pictureOf } from "../studio/capture";
import { encodingsFor } from "../studio/encodings";
import { LevelMeter } from "../studio/level-meter";
import type { OutgoingStats } from "../studio/outgoing-stats";
import { captureRequest, Preview } from "../studio/preview";
import { loadSettings, saveSettings, type StudioSettings } from "../studio/settings";
import { TalkEar } from "../studio/talk-ear";
import type { Heard } from "../studio/talk-player";
import { type UplinkView, UplinkWatch } from "../studio/uplink";
import { micIcon, micOffIcon } from "../ui/icons";
import "../ui/live-badges";
import "../ui/outgoing-table";
import "../ui/studio-settings";
import "../ui/uplink-line";
import { base, buttons, fields } from "../ui/styles";
import "../ui/volume-slider";
import { studioStyles } from "./studio-styles";
import "./technician-side";

/** What browser tests and support read; see web/README.md. */
export interface RepairStudio {
  readonly state: BroadcastState;
  readonly pc: RTCPeerConnection | undefined;
  readonly sessionUrl: string | undefined;
  /** What the connection carries; undefined off the air. */
  readonly uplink: UplinkView | undefined;
  stats(): Promise<OutgoingStats | undefined>;
  /** Whether customers are heard on the broadcast's own connection. */
  readonly hearsTogether: boolean;
  /** What was heard of customers; undefined off the air. */
  heard(): Promise<Heard | undefined>;
}

declare global {
  interface Window {
    __repairStudio?: RepairStudio;
  }
}

const stateTexts: Readonly<Record<BroadcastState, MessageKey>> = {
  idle: "studioIdle",
  connecting: "studioConnecting",
  live: "studioLive",
  reconnecting: "studioReconnecting",
};

const endTexts: Readonly<Record<Exclude<BroadcastEnd, "access-ended">, MessageKey>> = {
  taken: "studioTaken",
  busy: "studioBusy",
  refused: "studioRefused",
};

const meterInterval = 100;
const statsInterval = 1000;

@customElement("studio-desk")
export class StudioDesk extends LitElement {
  static override styles = [base, buttons, fields, studioStyles];

  @property({ attribute: false }) tokens!: TokenStore;
  @property() orderId = "";
  @property() camera = "main";

  @state() private settings: StudioSettings = loadSettings();
  @state() private stats: OutgoingStats | undefined;
  @state() private uplink: UplinkView | undefined;
  @state() private viewers: number | undefined;
  @state() private problem: { readonly key: MessageKey; readonly sentence: string } | undefined;

  @query("video") private video!: HTMLVideoElement;
  @query(".level span") private level: HTMLElement | null | undefined;

  private readonly locale = new Locale(this);
  private readonly wakeLock = new WakeLock();
  private readonly meter = new LevelMeter();
  private readonly uplinkWatch = new UplinkWatch();
  private readonly preview = new Preview({
    onChange: () => this.requestUpdate(),
    onTrack: (track) => this.trackChanged(track),
    onScreenEnded: () => void this.choose({ ...this.settings, source: "camera" }),
  });
  private broadcast!: Broadcast;
  private ear!: TalkEar;
  @state() private events: LiveEvents | undefined;
  private listening = new AbortController();
  private timers: number[] = [];
  private speaking = false;

  protected override firstUpdated(): void {
    const target = { orderId: this.orderId, camera: this.camera };
    const caller = () => ({ token: this.tokens.read(), language: language() });
    const ear = new TalkEar(this.orderId, {
      events: () => this.events,
      caller,
      speaking: () => this.speaking,
      onChange: () => this.requestUpdate(),
    });
    this.ear = ear;
    this.broadcast = new Broadcast(
      target,
      {
        caller,
        open: (wanted) => ear.open(this.camera, wanted),
        onChange: () => {
          ear.follow(this.camera, this.broadcast.state);
          this.requestUpdate();
        },
        onEnd: (end, sentence) => this.ended(end, sentence),
      },
    );
    this.expose(this.broadcast, ear, () => this.uplink);
    this.listen(this.broadcast);
    this.video.srcObject = this.preview.stream;
    this.timers = [
      window.setInterval(() => this.drawLevel(), meterInterval),
      window.setInterval(() => void this.readStats(), statsInterval),
    ];
    void this.preview.start(this.settings);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.listening.abort();
    this.timers.forEach((timer) => window.clearInterval(timer));
    this.broadcast.stop();
    this.ear.close();
    this.events?.close();
    this.preview.close();
    this.meter.close();
    this.wakeLock.want(false);
    delete window.__repairStudio;
  }

  protected override updated(): void {
    this.wakeLock.want(this.busy);
  }

  private get state(): BroadcastState {
    return this.hasUpdated ? this.broadcast.state : "idle";
  }

  private get busy(): boolean {
    return this.state !== "idle";
  }

  override render() {
    const { text } = this.locale;
    return html`<section class="stage" aria-label=${text("preview")}>
        <div class="picture">
          <video autoplay playsinline .muted=${true}></video>
          ${this.cover()}
          <live-badges ?live=${this.state === "live"} .since=${this.liveSince} .viewers=${this.viewers}></live-badges>
        </div>
        ${this.bar()}
        ${this.sound()}
        <div class="problem" role="alert">${this.problem ? this.problem.sentence || text(this.problem.key) : ""}</div>
        <uplink-line .uplink=${this.uplink} ?hidden=${this.uplink === undefined}></uplink-line>
      </section>
      <technician-side .events=${this.events} .camera=${this.camera}></technician-side>
      <section class="below" aria-label=${text("source")}>
        <outgoing-table .stats=${this.stats} ?hidden=${this.stats === undefined}></outgoing-table>
        <div class="aside">
          <dl>
            <div><dt>${text("order")}</dt><dd>${this.orderId}</dd></div>
            <div><dt>${text("camera")}</dt><dd>${this.camera}</dd></div>
          </dl>
          <studio-settings
            .settings=${this.settings}
            .devices=${this.preview.devices}
            ?live=${this.busy}
            @settings=${(event: CustomEvent<StudioSettings>) => void this.choose(event.detail)}
          ></studio-settings>
          <button id="leave" ?disabled=${this.busy} @click=${() => this.dispatchEvent(new Event("leave"))}>
            ${text("studioChangeToken")}
          </button>
        </div>
      </section>`;
  }

  /** How loud the customers are, while they can be heard. */
  private sound() {
    if (!this.busy) return nothing;
    const { player } = this.ear;
    return html`<div class="bar">
      ${player.blocked
        ? html`<button id="allow-sound" @click=${() => player.resume()}>${this.locale.text("talkbackAllowSound")}</button>`
        : nothing}
      <volume-slider .player=${player}></volume-slider>
      <span class="quiet">${this.locale.text("talkbackVolume")}</span>
    </div>`;
  }

  private get liveSince(): number | undefined {
    return this.hasUpdated ? this.broadcast.liveSince : undefined;
  }

  /** Over the picture: why there is none. */
  private cover() {
    const { text } = this.locale;
    const { problem, starting, video } = this.preview;
    if (problem) {
      return html`<div class="cover" role="alert">
        <p>${text(problem)}</p>
        ${problem === "mediaInsecure" ? nothing : html`<button id="retry" @click=${this.retryPreview}>${text("tryAgain")}</button>`}
      </div>`;
    }
    return starting && !video ? html`<div class="cover"><p>${text("previewStarting")}</p></div>` : nothing;
  }

  private bar() {
    const { text } = this.locale;
    const { muted, audio, video } = this.preview;
    return html`<div class="bar">
      <button
        class="icon"
        id="microphone"
        aria-pressed=${muted}
        aria-label=${text(muted ? "unmute" : "mute")}
        ?disabled=${!audio}
        @click=${() => this.preview.setMuted(!muted)}
      >
        ${muted || !audio ? micOffIcon() : micIcon()}
      </button>
      <div class="level" role="img" aria-label=${text("microphoneLevel")}><span></span></div>
      <p class="state" role="status" data-state=${this.state}>${text(stateTexts[this.state])}</p>
      ${this.busy
        ? html`<button class="danger" id="end-live" @click=${this.stop}>
            ${text(this.state === "connecting" ? "cancel" : "endLive")}
          </button>`
        : html`<button class="primary" id="go-live" ?disabled=${!video || video.readyState === "ended"} @click=${this.goLive}>
            ${text("goLive")}
          </button>`}
    </div>`;
  }

  private expose(broadcast: Broadcast, ear: TalkEar, uplink: () => UplinkView | undefined): void {
    window.__repairStudio = {
      get state() {
        return broadcast.state;
      },
      get pc() {
        return broadcast.peer;
      },
      get sessionUrl() {
        return broadcast.sessionUrl;
      },
      get uplink() {
        return uplink();
      },
      stats: () => broadcast.stats(),
      get hearsTogether() {
        return ear.together;
      },
      heard: () => ear.heard(),
    };
  }

  private listen(broadcast: Broadcast): void {
    const { signal } = this.listening;
    const network = { changed: () => broadcast.networkChanged(), perhapsChanged: () => broadcast.networkSeemsChanged() };
    watchNetwork(network, signal);
    window.addEventListener("pagehide", () => broadcast.stop(), { signal });
    window.addEventListener("beforeunload", (event) => this.busy && event.preventDefault(), { signal });
    this.events = new LiveEvents(
      () => this.tokens.read() ?? "",
      {
        onConnection: (up) => (this.viewers = up ? this.viewers : undefined),
        onViewers: (count) => (this.viewers = count),
        onSessionClosed: ({ sessionId, reason }) => {
          broadcast.closedByServer(sessionId, reason);
          this.ear.closedByServer(sessionId, reason);
        },
        onDraining: (retryAfter) => broadcast.draining(retryAfter),
        onUplinkState: (state) => {
          if (state.sessionId === broadcast.sessionId) this.uplinkWatch.told(state, performance.now() / 1000);
        },
      },
      this.camera,
    );
    this.events.on("talk:state", ({ speakers }) => (this.speaking = speakers.length > 0));
  }

  private trackChanged(track: MediaStreamTrack): void {
    if (track.kind === "audio") this.meter.follow(track);
    void this.broadcast.replace(track);
  }

  private async choose(settings: StudioSettings): Promise<void> {
    const before = this.settings;
    this.settings = settings;
    saveSettings(settings);
    await this.preview.change(before, settings);
    if (settings.microphoneId === "none") this.meter.close();
    // A cancelled choice of a screen leaves the camera on.
    if (settings.source === "screen" && this.preview.video?.contentHint !== "detail") {
      this.preview.problem = undefined;
      this.settings = { ...settings, source: "camera" };
    }
  }

  private readonly retryPreview = (): void => {
    this.preview.close();
    void this.preview.start(this.settings);
  };

  private readonly goLive = (): void => {
    const { settings, preview } = this;
    this.problem = undefined;
    const picture = pictureOf(preview.video, captureRequest(settings));
    const quality = { ...settings, bitrate: settings.bitrate * 1000 };
    this.broadcast.start({ stream: preview.stream, encodings: encodingsFor(picture, quality), codec: settings.codec });
  };

  private readonly stop = (): void => {
    this.broadcast.stop();
    this.clearFigures();
  };

  private ended(end: BroadcastEnd, sentence: string): void {
    this.clearFigures();
    if (end === "access-ended") this.dispatchEvent(new Event("access-ended"));
    else this.problem = { key: endTexts[end], sentence };
  }

  private drawLevel(): void {
    if (this.level) this.level.style.scale = `${this.meter.read().toFixed(2)} 1`;
  }

  private clearFigures(): void {
    this.stats = undefined;
    this.uplink = undefined;
  }

  private async readStats(): Promise<void> {
    if (this.state !== "live") {
      this.uplink = undefined;
      return;
    }
    const stats = await this.broadcast.stats();
    const { peer, sessionId } = this.broadcast;
    if (!peer || !stats) {
      // The session has ended meanwhile.
      this.clearFigures();
      return;
    }
    this.stats = stats;
    this.uplink = this.uplinkWatch.read(sessionId, stats, this.settings, performance.now() / 1000);
  }
}

/** `<studio-camera>`: one camera of the studio: preview, choices, going on the air, and what really leaves the computer. */

import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { UplinkState } from "../api/event-types";
import type { Caller } from "../api/http";
import type { MessageKey } from "../i18n/format";
import { Locale } from "../i18n/locale";
import { Broadcast, type BroadcastEnd, type BroadcastState } from "../studio/broadcast";
import { freeCamera, listDevices, pictureOf } from "../studio/capture";
import { encodingsFor } from "../studio/encodings";
import { FrameMeter } from "../studio/frame-meter";
import { LevelMeter } from "../studio/level-meter";
import type { OutgoingStats } from "../studio/outgoing-stats";
import { captureRequest, Preview } from "../studio/preview";
import { defaultSettings, loadSettings, saveSettings, silentSettings, type StudioSettings } from "../studio/settings";
import type { TalkEar } from "../studio/talk-ear";
import { type UplinkView, UplinkWatch } from "../studio/uplink";
import "../ui/capture-bar";
import type { CaptureBar } from "../ui/capture-bar";
import { cameraName } from "../ui/camera-strip";
import { closeIcon } from "../ui/icons";
import "../ui/live-badges";
import "../ui/outgoing-table";
import "../ui/studio-settings";
import { base, buttons, fields } from "../ui/styles";
import "../ui/uplink-line";
import { cameraStyles } from "./studio-styles";

const endTexts: Readonly<Record<Exclude<BroadcastEnd, "access-ended">, MessageKey>> = {
  taken: "studioTaken",
  busy: "studioBusy",
  refused: "studioRefused",
};

const meterInterval = 100;
const statsInterval = 1000;

/** Fires `change` when it goes on or off the air, `remove` when it is wanted no more, and `access-ended`. */
@customElement("studio-camera")
export class StudioCamera extends LitElement {
  static override styles = [base, buttons, fields, cameraStyles];

  @property() orderId = "";
  @property() name = "main";
  @property({ attribute: false }) caller!: () => Caller;
  @property({ attribute: false }) ear!: TalkEar;
  /** Undefined while unknown. */
  @property({ type: Number }) viewers: number | undefined;
  /** One among others on the page, and not the page's own. */
  @property({ type: Boolean }) further = false;
  /** Whether it stands beside others. */
  @property({ type: Boolean, reflect: true }) beside = false;
  /** The devices that other cameras of the page use. */
  @property({ attribute: false }) taken: () => readonly string[] = () => [];

  @state() private settings: StudioSettings = defaultSettings;
  @state() private stats: OutgoingStats | undefined;
  @state() uplink: UplinkView | undefined;
  @state() private frameRate: number | undefined;
  @state() private problem: { readonly key: MessageKey; readonly sentence: string } | undefined;

  @query("video") private video!: HTMLVideoElement;
  @query("capture-bar") private bar!: CaptureBar;

  broadcast!: Broadcast;

  private readonly locale = new Locale(this);
  private readonly meter = new LevelMeter();
  private readonly frames = new FrameMeter();
  private readonly uplinkWatch = new UplinkWatch();
  private readonly preview = new Preview({
    onChange: () => this.requestUpdate(),
    onTrack: (track) => this.trackChanged(track),
    onScreenEnded: () => void this.choose({ ...this.settings, source: "camera" }),
  });
  private timers: number[] = [];

  get state(): BroadcastState {
    return this.hasUpdated ? this.broadcast.state : "idle";
  }

  /** The device whose picture is shown; empty while there is none. */
  get deviceId(): string {
    return this.preview.video?.getSettings().deviceId ?? "";
  }

  /** What the gateway told of what arrives. */
  told(state: UplinkState): void {
    if (state.sessionId === this.broadcast.sessionId) this.uplinkWatch.told(state, performance.now() / 1000);
  }

  protected override willUpdate(): void {
    if (this.hasUpdated) return;
    this.settings = loadSettings(this.name, this.further ? silentSettings : defaultSettings);
    this.broadcast = new Broadcast(
      { orderId: this.orderId, camera: this.name },
      {
        caller: this.caller,
        open: (wanted) => this.ear.open(this.name, wanted),
        onChange: () => this.stateChanged(),
        onEnd: (end, sentence) => this.ended(end, sentence),
      },
    );
  }

  protected override firstUpdated(): void {
    this.video.srcObject = this.preview.stream;
    this.timers = [
      window.setInterval(() => this.readLevel(), meterInterval),
      window.setInterval(() => void this.readStats(), statsInterval),
    ];
    void this.startPreview();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.timers.forEach((timer) => window.clearInterval(timer));
    this.broadcast.stop();
    this.preview.close();
    this.meter.close();
  }

  private get busy(): boolean {
    return this.state !== "idle";
  }

  override render() {
    const { text } = this.locale;
    const { preview, stats, uplink, problem } = this;
    const label = cameraName(text, this.name);
    return html`<section class="stage" aria-label=${`${text("preview")}: ${label}`}>
        ${this.beside ? this.heading(label) : nothing}
        <div class="picture">
          <video autoplay playsinline .muted=${true}></video>
          ${this.cover()}
          <live-badges ?live=${this.state === "live"} .since=${this.broadcast.upSince} .viewers=${this.viewers}></live-badges>
        </div>
        <capture-bar
          .broadcast=${this.state}
          .video=${preview.video}
          .frameRate=${this.frameRate}
          ?sounding=${preview.audio !== undefined}
          ?muted=${preview.muted}
          @mute=${() => preview.setMuted(!preview.muted)}
          @go-live=${this.goLive}
          @end-live=${this.stop}
        ></capture-bar>
        <div class="problem" role="alert">${problem ? this.locale.told(problem.sentence, problem.key) : ""}</div>
        <uplink-line .uplink=${uplink} ?hidden=${uplink === undefined}></uplink-line>
      </section>
      <section class="below" aria-label=${`${text("settings")}: ${label}`}>
        <outgoing-table .stats=${stats} .camera=${this.beside ? label : ""} ?hidden=${stats === undefined}></outgoing-table>
        <details class="aside" ?open=${!this.beside}>
          <summary>${text("settings")}${this.beside ? html` <span class="quiet">${label}</span>` : nothing}</summary>
          <studio-settings
            .settings=${this.settings}
            .devices=${preview.devices}
            ?live=${this.busy}
            @settings=${(event: CustomEvent<StudioSettings>) => void this.choose(event.detail)}
          ></studio-settings>
        </details>
      </section>`;
  }

  private heading(label: string) {
    const { text } = this.locale;
    return html`<header>
      <h2>${label}</h2>
      ${this.further
        ? html`<button
            class="icon"
            id="remove-camera"
            aria-label=${text("cameraRemove", { camera: label })}
            ?disabled=${this.busy}
            @click=${() => this.dispatchEvent(new Event("remove"))}
          >
            ${closeIcon()}
          </button>`
        : nothing}
    </header>`;
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

  private async startPreview(): Promise<void> {
    const taken = this.taken();
    if (this.settings.cameraId === "" && taken.length > 0) {
      this.settings = { ...this.settings, cameraId: freeCamera(await listDevices(), taken) };
    }
    await this.preview.start(this.settings);
  }

  private stateChanged(): void {
    this.ear.follow(this.name, this.broadcast.state);
    this.requestUpdate();
    this.dispatchEvent(new Event("change"));
  }

  private trackChanged(track: MediaStreamTrack): void {
    if (track.kind === "audio") this.meter.follow(track);
    void this.broadcast.replace(track);
  }

  private async choose(settings: StudioSettings): Promise<void> {
    const before = this.settings;
    this.settings = settings;
    saveSettings(this.name, settings);
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
    void this.startPreview();
  };

  private readonly goLive = (): void => {
    const { settings, preview } = this;
    this.problem = undefined;
    const picture = pictureOf(preview.video, captureRequest(settings));
    const quality = { ...settings, bitrate: settings.bitrate * 1000 };
    this.broadcast.goLive({ stream: preview.stream, encodings: encodingsFor(picture, quality), codec: settings.codec });
  };

  private readonly stop = (): void => {
    this.broadcast.stop();
    this.clearFigures();
  };

  private ended(end: BroadcastEnd, sentence: string): void {
    this.clearFigures();
    if (end === "access-ended") this.dispatchEvent(new Event("access-ended", { bubbles: true, composed: true }));
    else this.problem = { key: endTexts[end], sentence };
  }

  private clearFigures(): void {
    this.stats = undefined;
    this.uplink = undefined;
  }

  private readLevel(): void {
    const level = this.meter.read();
    this.bar.showLevel(level);
    this.ear.spoken(this.name, this.state === "live" ? level : 0);
  }

  private async readStats(): Promise<void> {
    const now = performance.now() / 1000;
    // Browsers draw no pictures of a page that nobody sees.
    if (document.visibilityState === "visible") {
      this.frameRate = this.frames.read(this.video.getVideoPlaybackQuality().totalVideoFrames, now);
    }
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
    this.uplink = this.uplinkWatch.read(sessionId, stats, this.settings, now);
  }
}

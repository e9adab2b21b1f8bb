/** `/live-stream`: the customer's page. Draws what the viewer's state says and owns the video element. */

import { html, LitElement, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { ApiError } from "../api/problem";
import { canPictureInPicture, togglePictureInPicture } from "../browser/picture-in-picture";
import { canFullscreen, toggleFullscreen, WakeLock } from "../browser/screen";
import { restartOnNewToken, takeAddress, watchTokens } from "../browser/token-store";
import { language, Locale } from "../i18n/locale";
import { awayText, type CameraStrip } from "../ui/camera-strip";
import type { ChatPanel } from "../ui/chat-panel";
import "../ui/chat-panel";
import { playIcon, soundIcon } from "../ui/icons";
import type { KeyHelp } from "../ui/key-help";
import "../ui/key-help";
import "../ui/live-badges";
import "../ui/page-header";
import type { PinnedCameraPane } from "../ui/pinned-camera";
import "../ui/pinned-camera";
import "../ui/player-controls";
import { speakingText } from "../ui/speaking";
import "../ui/stats-panel";
import { base, buttons } from "../ui/styles";
import "../ui/talk-button";
import { announcement } from "../ui/viewer-overlay";
import type { CameraView } from "../viewer/cameras";
import { LiveViewer } from "../viewer/live-viewer";
import type { QualityView } from "../viewer/quality";
import type { TalkView } from "../viewer/talk-state";
import { LivePicture, pictureHeight } from "./live-picture";
import { TalkHold } from "./talk-hold";
import { type Deed, listenToKeys } from "./viewer-keys";
import { viewerStyles } from "./viewer-styles";

/** What browser tests and support read; see web/README.md. */
export interface RepairLive {
  readonly state: string;
  readonly pc: RTCPeerConnection | undefined;
  readonly sessionUrl: string | undefined;
  /** What there is to choose from, and what plays; undefined when there is no choice. */
  readonly quality: QualityView | undefined;
  /** Seconds that the picture is behind the camera; undefined while unknown. */
  readonly delay: number | undefined;
  /** What the talk button shows. */
  readonly talk: TalkView;
  readonly cameras: CameraView;
  stats(): Promise<unknown>;
}

declare global {
  interface Window {
    __repairLive?: RepairLive;
  }
}

const tokens = watchTokens();
const parameters = takeAddress(tokens);
restartOnNewToken(tokens);
/** iOS ignores a page's volume, so a slider there would lie. */
const appleTouch = /iPad|iPhone|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
/** Milliseconds without a touch after which full screen shows the picture alone. */
const idleAfter = 3000;
/** Share of the volume that is left while one speaks: the loudspeaker stands beside the microphone. */
const ducked = 0.2;

@customElement("viewer-page")
export class ViewerPage extends LitElement {
  static override styles = [base, buttons, viewerStyles];

  @state() private muted = true;
  @state() private volume = 1;
  @state() private fullscreen = false;
  @state() private pip = false;
  @state() private idle = false;
  @state() private chatting = false;
  @state() private chatProblem = "";

  @query("video") readonly video!: HTMLVideoElement;
  @query("canvas") readonly canvas!: HTMLCanvasElement;
  @query("main") private player!: HTMLElement;
  @query("pinned-camera") private beside!: PinnedCameraPane | null;
  @query("camera-strip") private strip!: CameraStrip | null;
  @query("key-help") private help!: KeyHelp;
  @query("chat-panel") private chat!: ChatPanel | null;

  private readonly locale = new Locale(this);
  private readonly picture = new LivePicture(this, (frame) => this.viewer.frameShown(frame));
  private readonly wakeLock = new WakeLock();
  private readonly listening = new AbortController();
  private idleTimer: number | undefined;
  private readonly viewer = new LiveViewer({
    tokens,
    camera: parameters.get("camera") ?? undefined,
    language,
    onChange: () => this.requestUpdate(),
    onStream: (stream) => this.picture.show(stream),
    onFreeze: () => this.picture.freeze(),
    onMoving: () => this.picture.thaw(),
    pictureHeight: () => this.picture.height,
    pinnedHeight: () => (this.beside ? pictureHeight(this.beside.video) : 0),
  });

  private readonly hold = new TalkHold(this.viewer.part.talk, () => this.requestUpdate());

  protected override firstUpdated(): void {
    const { viewer } = this;
    window.__repairLive = {
      get state() {
        return viewer.view;
      },
      get pc() {
        return viewer.peer;
      },
      get sessionUrl() {
        return viewer.sessionUrl;
      },
      get quality() {
        return viewer.quality.view;
      },
      get delay() {
        return viewer.quality.delay;
      },
      get talk() {
        return viewer.part.talk.view;
      },
      get cameras() {
        return viewer.part.cameras.view;
      },
      stats: () => viewer.stats(),
    };
    const { signal } = this.listening;
    document.addEventListener("fullscreenchange", () => (this.fullscreen = document.fullscreenElement !== null), { signal });
    document.addEventListener("keydown", this.active, { signal });
    listenToKeys({ deeds: this.deeds, letGo: () => this.hold.letGo(), deaf: () => this.help.shown }, signal);
    window.addEventListener("blur", () => this.hold.letGo(), { signal });
    viewer.start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.listening.abort();
    this.viewer.close();
  }

  protected override updated(): void {
    this.wakeLock.want(this.viewer.view === "playing");
    const { talk } = this.viewer.part;
    this.video.volume = this.volume * (talk.speaking ? ducked : 1);
    this.hold.follow();
  }

  override render() {
    const { text } = this.locale;
    const { view, part, state } = this.viewer;
    document.title = `${text("viewerTitle")} · ${text("brand")}`;
    return html`<page-header role="banner"></page-header>
      <main class=${this.shape()} @pointermove=${this.active} @pointerdown=${this.active}>
        <h1 class="hidden-text">${text("viewerTitle")}</h1>
        <div class="stage" @dblclick=${this.toggleFullscreen}>
          <div class="panes">
            <div class="main">
              <video
                autoplay
                playsinline
                disableremoteplayback
                .muted=${this.muted}
                aria-label=${text("video")}
                @enterpictureinpicture=${() => (this.pip = true)}
                @leavepictureinpicture=${() => (this.pip = false)}
              ></video>
              <canvas ?hidden=${!this.picture.frozen} aria-hidden="true"></canvas>
              <viewer-overlay .view=${view} .end=${state.end} @again=${() => this.viewer.restart()}></viewer-overlay>
              <div class="top">
                <live-badges
                  ?live=${view === "playing"}
                  .since=${this.viewer.liveSince}
                  .viewers=${state.end ? undefined : this.viewer.viewers}
                  .speaking=${speakingText(text, part)}
                ></live-badges>
                ${this.away()}
              </div>
            </div>
            ${this.pinned()}
          </div>
          ${view === "playing" ? this.invitation() : nothing} ${state.end ? nothing : [this.cameraStrip(), this.figures()]}
        </div>
        ${this.chatting ? this.chatPanel() : nothing}
        <div class="bar">
        ${part.mayTalk && !this.viewer.state.end ? this.talkButton() : nothing}
        <player-controls
          ?muted=${this.muted}
          .volume=${this.volume}
          ?adjustable=${!appleTouch}
          ?fullscreen=${this.fullscreen}
          ?can-pip=${canPictureInPicture()}
          ?pip=${this.pip}
          ?stats=${this.viewer.statistics.shown}
          .quality=${this.viewer.quality.view}
          .delay=${view === "playing" ? this.viewer.quality.delay : undefined}
          ?can-fullscreen=${this.hasUpdated ? canFullscreen(this.video) : document.fullscreenEnabled}
          @mute=${() => this.setMuted(!this.muted)}
          @volume=${(event: CustomEvent<number>) => this.setVolume(event.detail)}
          @quality=${(event: CustomEvent<string>) => this.viewer.quality.choose(event.detail)}
          ?chat-open=${this.chatting}
          .unread=${part.conversation.unread}
          @chat=${() => this.openChat(!this.chatting)}
          @fullscreen=${this.toggleFullscreen}
          @pip=${this.togglePip}
          @stats=${() => this.viewer.statistics.toggle()}
          @keys=${() => this.help.show()}
        ></player-controls>
        </div>
        <p class="hidden-text" role="status">${text(announcement(view))}</p>
        <key-help ?talk=${part.mayTalk} ?can-pip=${canPictureInPicture()}></key-help>
      </main>`;
  }

  private away() {
    const { away, shown } = this.viewer.part.cameras.view;
    const hidden = away === undefined || this.viewer.view !== "playing";
    return html`<p class="away" role="status" ?hidden=${hidden}>${awayText(this.locale.text, away, shown)}</p>`;
  }

  /** The camera beside the main picture. */
  private pinned() {
    const { view, part } = this.viewer;
    const { pinned } = part.cameras.view;
    if (!pinned || (view !== "playing" && view !== "reconnecting")) return nothing;
    return html`<pinned-camera
      .camera=${pinned}
      .stream=${pinned.mid === undefined ? undefined : part.thumbnails.get(pinned.mid)}
      @dblclick=${(event: Event) => event.stopPropagation()}
      @swap=${() => part.select(pinned.name)}
      @unpin=${() => void this.pin(pinned.name)}
    ></pinned-camera>`;
  }

  /** Pins or unpins; the focus stays near what was pressed, which may be gone now. */
  private async pin(camera: string): Promise<void> {
    this.viewer.part.pin(camera);
    await this.updateComplete;
    if (!this.strip) this.beside?.focus();
    else if (!this.beside) this.strip.focusOn(camera);
  }

  private cameraStrip() {
    const { part } = this.viewer;
    const { tiles, pinnable } = part.cameras.view;
    if (!this.striped) return nothing;
    return html`<camera-strip
      .tiles=${tiles}
      .streams=${part.thumbnails}
      .main=${this.picture.stream}
      ?pinnable=${pinnable}
      @dblclick=${(event: Event) => event.stopPropagation()}
      @camera=${(event: CustomEvent<string>) => part.select(event.detail)}
      @pin=${(event: CustomEvent<string>) => void this.pin(event.detail)}
    ></camera-strip>`;
  }

  private figures() {
    const { statistics, quality, sessionId } = this.viewer;
    if (!statistics.figures) return nothing;
    return html`<stats-panel
      .figures=${statistics.figures}
      .session=${{ layer: quality.layer, delay: quality.delay, id: sessionId }}
      @dblclick=${(event: Event) => event.stopPropagation()}
      @close=${() => statistics.toggle()}
    ></stats-panel>`;
  }

  private shape(): string {
    return [this.idle && this.fullscreen && "idle", this.chatting && "chatting", this.striped && "several"].filter(Boolean).join(" ");
  }

  /** Whether any camera is not large on the screen. */
  private get striped(): boolean {
    const { tiles } = this.viewer.part.cameras.view;
    return tiles.some(({ shown, pinned }) => !shown && !pinned) && !this.viewer.state.end;
  }

  private talkButton() {
    const { talk } = this.viewer.part;
    return html`<talk-button
      role="group"
      aria-label=${this.locale.text("talkGroup")}
      .view=${talk.view}
      .mode=${talk.floor?.mode ?? "open"}
      ?early=${this.viewer.view === "waiting"}
      ?latched=${this.hold.latched}
      @press=${() => this.hold.press()}
      @release=${() => this.hold.letGo()}
      @latch=${() => this.hold.latch(!this.hold.latched)}
      @withdraw=${() => this.hold.withdraw()}
    ></talk-button>`;
  }

  private chatPanel() {
    const { part } = this.viewer;
    return html`<chat-panel
      .messages=${part.conversation.messages}
      .markers=${part.conversation.markers}
      .you=${part.you}
      ?can-write=${part.mayTalk}
      .problem=${this.chatProblem}
      @close=${() => this.openChat(false)}
      @send=${(event: CustomEvent<string>) => void this.send(event.detail)}
      @keydown=${(event: KeyboardEvent) => event.key === "Escape" && this.openChat(false)}
    ></chat-panel>`;
  }

  private openChat(open: boolean): void {
    this.chatting = open;
    this.chatProblem = "";
    this.viewer.part.conversation.look(open);
    void this.updateComplete.then(() => (open ? this.chat?.focus() : this.renderRoot.querySelector("player-controls")?.focusChat()));
  }

  private async send(text: string): Promise<void> {
    try {
      await this.viewer.part.conversation.send(text);
      this.chatProblem = "";
      this.chat?.sent();
    } catch (error) {
      const { status, sentence } = ApiError.from(error);
      this.chatProblem = sentence || this.locale.text(status === 429 ? "chatTooFast" : "chatFailed");
    }
  }

  /** Browsers start a page's picture only without sound, and some not even that: then one tap is needed. */
  private invitation() {
    const { text } = this.locale;
    if (this.picture.needsTap) {
      return html`<button class="primary invitation" id="play" @click=${this.tapped}>${playIcon()} ${text("play")}</button>`;
    }
    if (!this.muted) return nothing;
    return html`<button class="primary invitation" id="sound-on" @click=${() => this.setMuted(false)}>
      ${soundIcon()} ${text("soundOn")}
    </button>`;
  }

  private readonly tapped = (): void => {
    this.viewer.quality.tapped();
    void this.picture.play();
  };

  private setMuted(muted: boolean): void {
    this.muted = muted;
    this.video.muted = muted;
    if (!muted && this.volume === 0) this.setVolume(1);
    void this.picture.play();
  }

  private setVolume(volume: number): void {
    this.volume = volume;
    this.muted = volume === 0;
    this.video.muted = this.muted;
  }

  private readonly toggleFullscreen = (): void => {
    void toggleFullscreen(this.player, this.video).catch(() => undefined);
  };

  private readonly togglePip = (): void => {
    // Refused without a picture, and to a page that nobody has touched.
    void togglePictureInPicture(this.video).catch(() => undefined);
  };

  private readonly active = (): void => {
    this.idle = false;
    window.clearTimeout(this.idleTimer);
    this.idleTimer = window.setTimeout(() => (this.idle = true), idleAfter);
  };

  private readonly deeds: Readonly<Record<Deed, () => unknown>> = {
    mute: () => this.setMuted(!this.muted),
    fullscreen: () => this.toggleFullscreen(),
    pip: () => this.togglePip(),
    figures: () => this.viewer.statistics.toggle(),
    chat: () => this.openChat(!this.chatting),
    talk: () => this.viewer.part.mayTalk && this.hold.press(),
    louder: () => this.changeVolume(0.1),
    quieter: () => this.changeVolume(-0.1),
    help: () => this.help.show(),
  };

  private changeVolume(step: number): void {
    this.setVolume(Math.min(1, Math.max(0, (this.muted ? 0 : this.volume) + step)));
  }
}

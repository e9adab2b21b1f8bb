/** `/live-stream`: the customer's page. Draws what the viewer's state says and owns the video element. */

import { html, LitElement, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { ApiError } from "../api/problem";
import { canFullscreen, toggleFullscreen, WakeLock } from "../browser/screen";
import { restartOnNewToken, takeAddress, watchTokens } from "../browser/token-store";
import { language, Locale } from "../i18n/locale";
import { awayText } from "../ui/camera-strip";
import type { ChatPanel } from "../ui/chat-panel";
import "../ui/chat-panel";
import { playIcon, soundIcon } from "../ui/icons";
import "../ui/live-badges";
import "../ui/page-header";
import "../ui/player-controls";
import { speakingText } from "../ui/speaking";
import { base, buttons } from "../ui/styles";
import "../ui/talk-button";
import { announcement } from "../ui/viewer-overlay";
import type { CameraView } from "../viewer/cameras";
import { LiveViewer } from "../viewer/live-viewer";
import type { QualityView } from "../viewer/quality";
import type { TalkView } from "../viewer/talk-state";
import { shownHeight } from "../viewer/wish-teller";
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
  @state() private frozen = false;
  @state() private needsTap = false;
  @state() private fullscreen = false;
  @state() private idle = false;
  @state() private chatting = false;
  @state() private chatProblem = "";
  /** The microphone was switched on, not held. */
  @state() private latched = false;

  @query("video") private video!: HTMLVideoElement;
  @query("canvas") private canvas!: HTMLCanvasElement;
  @query("main") private player!: HTMLElement;
  @query("chat-panel") private chat!: ChatPanel | null;

  private readonly locale = new Locale(this);
  private readonly wakeLock = new WakeLock();
  private readonly listening = new AbortController();
  private idleTimer: number | undefined;
  private readonly viewer = new LiveViewer({
    tokens,
    camera: parameters.get("camera") ?? undefined,
    language,
    onChange: () => this.requestUpdate(),
    onStream: (stream) => this.show(stream),
    onFreeze: () => this.freeze(),
    onMoving: () => this.thaw(),
    pictureHeight: () => this.pictureHeight(),
  });

  private pictureHeight(): number {
    const { clientWidth, clientHeight, videoWidth, videoHeight } = this.video;
    return shownHeight(clientWidth, clientHeight, videoWidth, videoHeight) * window.devicePixelRatio;
  }

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
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    document.addEventListener("keyup", (event) => event.code === "Space" && this.letGo(), { signal });
    window.addEventListener("blur", () => this.letGo(), { signal });
    this.watchFrames();
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
    if (this.latched && !talk.held) this.latched = false;
  }

  override render() {
    const { text } = this.locale;
    const { view, part } = this.viewer;
    const cameras = part.cameras.view;
    document.title = `${text("viewerTitle")} · ${text("brand")}`;
    return html`<page-header></page-header>
      <main class=${this.shape()} @pointermove=${this.active} @pointerdown=${this.active}>
        <h1 class="hidden-text">${text("viewerTitle")}</h1>
        <div class="stage" @dblclick=${this.toggleFullscreen}>
          <video autoplay playsinline disableremoteplayback .muted=${this.muted} aria-label=${text("video")}></video>
          <canvas ?hidden=${!this.frozen} aria-hidden="true"></canvas>
          <viewer-overlay .view=${view} .end=${this.viewer.state.end} @again=${() => this.viewer.restart()}></viewer-overlay>
          <live-badges
            ?live=${view === "playing"}
            .since=${this.viewer.liveSince}
            .viewers=${this.viewer.state.end ? undefined : this.viewer.viewers}
            .speaking=${speakingText(text, part)}
          ></live-badges>
          <p class="away" role="status" ?hidden=${cameras.away === undefined || view !== "playing"}>
            ${awayText(text, cameras.away, cameras.shown)}
          </p>
          ${view === "playing" ? this.invitation() : nothing}
          ${cameras.tiles.length > 0 && !this.viewer.state.end
            ? html`<camera-strip
                .tiles=${cameras.tiles}
                .streams=${part.thumbnails}
                @dblclick=${(event: Event) => event.stopPropagation()}
                @camera=${(event: CustomEvent<string>) => part.select(event.detail)}
              ></camera-strip>`
            : nothing}
        </div>
        ${this.chatting ? this.chatPanel() : nothing}
        <div class="bar">
        ${part.mayTalk && !this.viewer.state.end ? this.talkButton() : nothing}
        <player-controls
          ?muted=${this.muted}
          .volume=${this.volume}
          ?adjustable=${!appleTouch}
          ?fullscreen=${this.fullscreen}
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
        ></player-controls>
        </div>
        <p class="hidden-text" role="status">${text(announcement(view))}</p>
      </main>`;
  }

  private shape(): string {
    const several = this.viewer.part.cameras.view.tiles.length > 0;
    return [this.idle && this.fullscreen && "idle", this.chatting && "chatting", several && "several"].filter(Boolean).join(" ");
  }

  private talkButton() {
    const { talk } = this.viewer.part;
    return html`<talk-button
      role="group"
      aria-label=${this.locale.text("talkGroup")}
      .view=${talk.view}
      .mode=${talk.floor?.mode ?? "open"}
      ?latched=${this.latched}
      @press=${() => this.press()}
      @release=${() => this.letGo()}
      @latch=${() => this.latch(!this.latched)}
      @withdraw=${() => this.withdraw()}
    ></talk-button>`;
  }

  private press(): void {
    // Pressing while the microphone is switched on switches it off.
    if (this.latched) this.latch(false);
    else this.viewer.part.talk.press();
  }

  private letGo(): void {
    if (!this.latched) this.viewer.part.talk.release();
  }

  private latch(latched: boolean): void {
    const { talk } = this.viewer.part;
    if (latched) talk.press();
    else talk.release();
    this.latched = latched && talk.held;
  }

  private withdraw(): void {
    this.latched = false;
    this.viewer.part.talk.withdraw();
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
    if (this.needsTap) {
      return html`<button class="primary invitation" id="play" @click=${this.tapped}>${playIcon()} ${text("play")}</button>`;
    }
    if (!this.muted) return nothing;
    return html`<button class="primary invitation" id="sound-on" @click=${() => this.setMuted(false)}>
      ${soundIcon()} ${text("soundOn")}
    </button>`;
  }

  private show(stream: MediaStream): void {
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    void this.play();
  }

  private readonly tapped = (): void => {
    this.viewer.quality.tapped();
    void this.play();
  };

  private async play(): Promise<void> {
    try {
      await this.video.play();
      this.needsTap = false;
    } catch (error) {
      // AbortError only says that a newer stream took its place.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.needsTap = true;
    }
  }

  /** Tells the viewer of each picture that goes to the screen. */
  private watchFrames(): void {
    if (!("requestVideoFrameCallback" in this.video)) return;
    this.video.requestVideoFrameCallback((_, frame) => {
      this.viewer.frameShown(frame);
      this.watchFrames();
    });
  }

  private freeze(): void {
    const { video, canvas } = this;
    if (video.videoWidth === 0) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    this.frozen = true;
  }

  private thaw(): void {
    if (!this.frozen) return;
    const uncover = () => (this.frozen = false);
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(uncover);
    // A page that shows no frames, such as one in the background, uncovers as well.
    window.setTimeout(uncover, 300);
  }

  private setMuted(muted: boolean): void {
    this.muted = muted;
    this.video.muted = muted;
    if (!muted && this.volume === 0) this.setVolume(1);
    void this.play();
  }

  private setVolume(volume: number): void {
    this.volume = volume;
    this.muted = volume === 0;
    this.video.muted = this.muted;
  }

  private readonly toggleFullscreen = (): void => {
    void toggleFullscreen(this.player, this.video).catch(() => undefined);
  };

  private readonly active = (): void => {
    this.idle = false;
    window.clearTimeout(this.idleTimer);
    this.idleTimer = window.setTimeout(() => (this.idle = true), idleAfter);
  };

  private key(event: KeyboardEvent): void {
    this.active();
    const [target] = event.composedPath();
    const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    const pressing = target instanceof HTMLElement && target.closest("button, a, summary") !== null;
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const { code } = event;
    if (code === "KeyM") this.setMuted(!this.muted);
    else if (code === "KeyF") this.toggleFullscreen();
    else if (code === "KeyC") this.openChat(!this.chatting);
    else if (code === "Space" && !pressing && this.viewer.part.mayTalk) {
      if (!event.repeat) this.press();
    }
    else if (code === "ArrowUp" || code === "ArrowDown") {
      const step = code === "ArrowUp" ? 0.1 : -0.1;
      this.setVolume(Math.min(1, Math.max(0, (this.muted ? 0 : this.volume) + step)));
    } else return;
    event.preventDefault();
  }
}

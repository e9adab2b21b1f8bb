/** `<studio-desk>`: the cameras of this page, and the customers beside them. */

import { html, LitElement, nothing } from "lit";
import { customElement, property, queryAll, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { LiveEvents } from "../api/events";
import { endsAccess } from "../api/steady-session";
import { watchNetwork } from "../browser/network";
import { WakeLock } from "../browser/screen";
import type { TokenStore } from "../browser/token-store";
import { language, Locale } from "../i18n/locale";
import type { BroadcastState } from "../studio/broadcast";
import { loadCameras, mostCameras, saveCameras } from "../studio/camera-names";
import type { OutgoingStats } from "../studio/outgoing-stats";
import { TalkEar } from "../studio/talk-ear";
import type { Heard } from "../studio/talk-player";
import type { UplinkView } from "../studio/uplink";
import "../ui/camera-form";
import { base, buttons } from "../ui/styles";
import "../ui/volume-slider";
import "./studio-camera";
import type { StudioCamera } from "./studio-camera";
import { studioStyles } from "./studio-styles";
import "./technician-side";

/** One camera of the page, as browser tests and support read it. */
export interface RepairCamera {
  readonly state: BroadcastState;
  readonly pc: RTCPeerConnection | undefined;
  readonly sessionUrl: string | undefined;
  /** What the connection carries; undefined off the air. */
  readonly uplink: UplinkView | undefined;
  stats(): Promise<OutgoingStats | undefined>;
}

/** What browser tests and support read; see web/README.md. The page's own camera is told at once. */
export interface RepairStudio extends RepairCamera {
  readonly cameras: Readonly<Record<string, RepairCamera>>;
  /** Whether customers are heard on a broadcast's own connection. */
  readonly hearsTogether: boolean;
  /** What was heard of customers; undefined off the air. */
  heard(): Promise<Heard | undefined>;
}

declare global {
  interface Window {
    __repairStudio?: RepairStudio;
  }
}

function told(camera: StudioCamera | undefined): RepairCamera {
  return {
    get state() {
      return camera?.state ?? "idle";
    },
    get pc() {
      return camera?.broadcast.peer;
    },
    get sessionUrl() {
      return camera?.broadcast.sessionUrl;
    },
    get uplink() {
      return camera?.uplink;
    },
    stats: () => camera?.broadcast.stats() ?? Promise.resolve(undefined),
  };
}

@customElement("studio-desk")
export class StudioDesk extends LitElement {
  static override styles = [base, buttons, studioStyles];

  @property({ attribute: false }) tokens!: TokenStore;
  @property() orderId = "";
  /** The page's own camera. */
  @property() camera = "main";
  /** Whether the token allows that one only. */
  @property({ type: Boolean }) bound = false;

  @state() private added: readonly string[] = [];
  @state() private viewers: number | undefined;
  @state() private events: LiveEvents | undefined;

  @queryAll("studio-camera") private cameras!: NodeListOf<StudioCamera>;

  private readonly locale = new Locale(this);
  private readonly wakeLock = new WakeLock();
  private readonly listening = new AbortController();
  private ear!: TalkEar;
  private speaking = false;

  private readonly caller = () => ({ token: this.tokens.read(), language: language() });

  protected override willUpdate(): void {
    if (this.hasUpdated) return;
    if (!this.bound) this.added = loadCameras(this.orderId, this.camera);
    this.ear = new TalkEar(this.orderId, {
      events: () => this.events,
      caller: this.caller,
      speaking: () => this.speaking,
      onChange: () => this.requestUpdate(),
    });
  }

  protected override firstUpdated(): void {
    this.events = this.hear();
    this.expose();
    const { signal } = this.listening;
    const each = (action: (each: StudioCamera["broadcast"] | TalkEar) => void) => {
      for (const { broadcast } of this.cameras) action(broadcast);
      action(this.ear);
    };
    const changed = () => {
      this.events?.wake();
      each((one) => one.networkChanged());
    };
    watchNetwork({ changed, perhapsChanged: () => each((one) => one.networkSeemsChanged()) }, signal);
    window.addEventListener("pagehide", () => this.cameras.forEach(({ broadcast }) => broadcast.stop()), { signal });
    window.addEventListener("beforeunload", (event) => this.busy && event.preventDefault(), { signal });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.listening.abort();
    this.ear.close();
    this.events?.close();
    this.wakeLock.want(false);
    delete window.__repairStudio;
  }

  protected override updated(): void {
    this.wakeLock.want(this.busy);
  }

  private get busy(): boolean {
    return [...this.cameras].some(({ state }) => state !== "idle");
  }

  private get names(): readonly string[] {
    return [this.camera, ...this.added];
  }

  override render() {
    const { text } = this.locale;
    const busy = this.hasUpdated && this.busy;
    return html`<div class="cameras">
        ${repeat(
          this.names,
          (name) => name,
          (name) => this.studioCamera(name),
        )}
      </div>
      <div class="side">
        ${busy ? this.sound() : nothing}
        <technician-side .events=${this.events} .own=${this.names}></technician-side>
      </div>
      <section class="more" aria-label=${text("order")}>
        ${this.bound || this.names.length >= mostCameras
          ? nothing
          : html`<camera-form .known=${this.names} @add=${(event: CustomEvent<string>) => this.change([...this.added, event.detail])}></camera-form>`}
        <p class="order"><span class="quiet">${text("order")}</span> <span>${this.orderId}</span></p>
        <button id="leave" ?disabled=${busy} @click=${() => this.dispatchEvent(new Event("leave"))}>${text("studioChangeToken")}</button>
      </section>`;
  }

  private studioCamera(name: string) {
    const further = name !== this.camera;
    return html`<studio-camera
      data-camera=${name}
      .orderId=${this.orderId}
      .name=${name}
      .caller=${this.caller}
      .ear=${this.ear}
      .viewers=${further ? undefined : this.viewers}
      .taken=${() => this.devicesBeside(name)}
      ?further=${further}
      ?beside=${this.names.length > 1}
      @change=${() => this.requestUpdate()}
      @remove=${() => this.change(this.added.filter((each) => each !== name))}
    ></studio-camera>`;
  }

  /** How loud the customers are, while they can be heard. */
  private sound() {
    const { player } = this.ear;
    const { text } = this.locale;
    return html`<div class="sound">
      ${player.blocked ? html`<button id="allow-sound" @click=${() => player.resume()}>${text("talkbackAllowSound")}</button>` : nothing}
      <volume-slider .player=${player}></volume-slider>
      <span class="quiet" aria-hidden="true">${text("talkbackVolume")}</span>
    </div>`;
  }

  private change(added: readonly string[]): void {
    this.added = added;
    saveCameras(this.orderId, added);
  }

  private devicesBeside(name: string): string[] {
    return [...this.cameras].filter((each) => each.name !== name).map(({ deviceId }) => deviceId);
  }

  private expose(): void {
    const { cameras, ear } = this;
    const own = told([...cameras].find(({ name }) => name === this.camera));
    const all = () => Object.fromEntries([...this.cameras].map((each) => [each.name, told(each)]));
    const studio = {
      get cameras() {
        return all();
      },
      get hearsTogether() {
        return ear.together;
      },
      heard: () => ear.heard(),
    };
    window.__repairStudio = Object.defineProperties(studio, Object.getOwnPropertyDescriptors(own)) as RepairStudio;
  }

  private hear(): LiveEvents {
    const events = new LiveEvents(
      () => this.tokens.read() ?? "",
      {
        onConnection: (up) => (this.viewers = up ? this.viewers : undefined),
        onViewers: (count) => (this.viewers = count),
        onSessionClosed: ({ sessionId, reason }) => {
          for (const { broadcast } of this.cameras) broadcast.closedByServer(sessionId, reason);
          this.ear.closedByServer(sessionId, reason);
          if (sessionId === "" && endsAccess(reason)) this.dispatchEvent(new Event("access-ended"));
        },
        onDraining: (retryAfter) => {
          for (const { broadcast } of this.cameras) broadcast.draining(retryAfter);
          this.ear.draining(retryAfter);
        },
        onUplinkState: (state) => this.cameras.forEach((camera) => camera.told(state)),
      },
      this.camera,
    );
    events.on("talk:state", ({ speakers }) => (this.speaking = speakers.length > 0));
    return events;
  }
}

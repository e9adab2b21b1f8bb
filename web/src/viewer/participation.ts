/** What a viewer takes part in besides watching: speaking, writing, choosing among the cameras. */

import type { LayerState } from "../api/event-types";
import type { LiveEvents } from "../api/events";
import type { WatchingSession } from "../api/live-session";
import { Cameras, type CameraWish } from "./cameras";
import { Conversation } from "./conversation";
import { auto } from "./quality";
import { Talk } from "./talk";
import { WishTeller } from "./wish-teller";

export class Participation {
  readonly talk: Talk;
  readonly conversation: Conversation;
  readonly cameras: Cameras;
  /** The pictures of further cameras, by the mid of their lines; another map with each change. */
  thumbnails: ReadonlyMap<string, MediaStream> = new Map();
  private events: LiveEvents | undefined;
  private session: WatchingSession | undefined;
  private told: LayerState | undefined;
  private asked = "";
  private readonly wishes = new WishTeller();
  private scopes: readonly string[] = [];
  private openedConnected = false;

  constructor(
    camera: string,
    private readonly onChange: () => void,
    /** Another camera is shown, or was asked for. */
    private readonly onCamera: () => void,
  ) {
    this.cameras = new Cameras(camera);
    this.talk = new Talk(onChange);
    this.conversation = new Conversation(() => this.you, onChange);
  }

  /** Whether the token allows to speak, and to write. */
  get mayTalk(): boolean {
    return this.scopes.includes("talk");
  }

  /** One's own viewer id; empty while unknown. */
  get you(): string {
    return this.talk.floor?.you ?? "";
  }

  /** Whether a session that is opened now would have lines that the open one has not. */
  get lacking(): boolean {
    const { session } = this;
    if (!session || !this.events?.connected || this.talk.speaking) return false;
    // Where the gateway could be asked, it has refused what is missing.
    if (this.openedConnected) return false;
    return (this.mayTalk && !session.talkSender) || (this.cameras.several && session.thumbnails === undefined);
  }

  allow(scopes: readonly string[]): void {
    this.scopes = scopes;
  }

  listen(events: LiveEvents): void {
    this.events = events;
    this.talk.listen(events);
    this.conversation.listen(events);
    events.on("layer:state", (state) => {
      this.told = state;
      if (state.sessionId === this.session?.sessionId) this.play(state);
    });
  }

  connection(up: boolean): void {
    this.asked = "";
    this.wishes.forget();
    this.talk.connection(up);
  }

  /** Shows this camera on the main picture, in this session and all that follow. */
  select(camera: string): void {
    this.cameras.select(camera);
    this.pursue();
    this.onCamera();
  }

  /** Shows this camera beside the main picture, or not any more. */
  pin(camera: string): void {
    this.cameras.togglePin(camera);
    this.pursue();
    this.onCamera();
  }

  /** The cameras have changed. */
  pursue(): void {
    const { wishes } = this.cameras;
    const asked = JSON.stringify(wishes);
    // What was asked for already shows in the next state.
    if (wishes.length === 0 || asked === this.asked) return;
    this.asked = asked;
    void this.ask(wishes);
  }

  /** A reading of the open session's statistics; the picture beside the main one is so high, in device pixels. */
  observe(report: RTCStatsReport, pinnedHeight: number): void {
    this.talk.observe(report);
    this.fit(pinnedHeight);
  }

  /** A session is asked for: its further pictures come one by one. */
  opening(): void {
    this.openedConnected = this.events?.connected ?? false;
    this.thumbnails = new Map();
  }

  thumbnail(mid: string, track: MediaStreamTrack): void {
    this.thumbnails = new Map([...this.thumbnails, [mid, new MediaStream([track])]]);
    this.onChange();
  }

  opened(session: WatchingSession): void {
    this.session = session;
    this.talk.session(session.talkSender);
    if (this.told?.sessionId === session.sessionId) this.play(this.told);
  }

  closed(): void {
    this.session = undefined;
    this.asked = "";
    this.talk.session(undefined);
    this.cameras.play(undefined);
  }

  close(): void {
    this.talk.close();
  }

  private fit(height: number): void {
    const { pinned } = this.cameras.view;
    const line = this.cameras.pinnedLine;
    if (!pinned || line === undefined || !this.session || !this.events?.connected) return;
    const { sessionId } = this.session;
    const wish = this.wishes.update([sessionId, line, pinned.name].join(), auto, height);
    // A gateway that refuses sends what it thinks best.
    if (wish) void this.events.ask("layer:select", { sessionId, mid: line, ...wish }).catch(() => undefined);
  }

  private async ask(wishes: readonly CameraWish[]): Promise<void> {
    const { events, session } = this;
    if (!events || !session) return;
    const { sessionId } = session;
    const answers = wishes.map((wish) => events.ask("camera:select", { sessionId, ...wish }));
    const refused = await Promise.all(answers).then(() => false, () => true);
    if (session !== this.session) return;
    if (refused) {
      this.asked = "";
      this.cameras.giveUp();
    }
    this.onCamera();
  }

  private play(state: LayerState): void {
    this.asked = "";
    this.cameras.play(state);
    this.pursue();
    this.onCamera();
  }
}

/** Whether the gateway hears the page, waited for as long as that is worth it. */
export function connectedWithin(events: LiveEvents | undefined, milliseconds: number): Promise<boolean> {
  if (!events || events.connected) return Promise.resolve(events !== undefined);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    events.onConnect(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

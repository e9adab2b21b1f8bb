/** What a viewer takes part in besides watching: speaking, writing, choosing among the cameras. */

import type { LayerState } from "../api/event-types";
import type { LiveEvents } from "../api/events";
import type { WatchingSession } from "../api/live-session";
import { Cameras } from "./cameras";
import { Conversation } from "./conversation";
import { Talk } from "./talk";

export class Participation {
  readonly talk: Talk;
  readonly conversation: Conversation;
  readonly cameras: Cameras;
  /** The pictures of further cameras, by the mid of their lines; another map with each change. */
  thumbnails: ReadonlyMap<string, MediaStream> = new Map();
  private events: LiveEvents | undefined;
  private session: WatchingSession | undefined;
  private told: LayerState | undefined;
  private asked: string | undefined;
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
    const talk = this.mayTalk && !session.talkSender && !this.openedConnected;
    return talk || this.cameras.thumbnails > (session.thumbnails ?? 0);
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
    this.talk.connection(up);
  }

  /** Shows this camera on the main picture, in this session and all that follow. */
  select(camera: string): void {
    this.cameras.wanted = camera;
    this.pursue();
    this.onCamera();
  }

  /** The cameras have changed. */
  pursue(): void {
    const { session, told, cameras } = this;
    if (told === undefined || told.sessionId !== session?.sessionId || told.wantedCamera === cameras.wanted) return;
    if (cameras.main?.name !== cameras.wanted || this.asked === cameras.wanted) return;
    this.asked = cameras.wanted;
    void this.events
      ?.ask("camera:select", { sessionId: session.sessionId, camera: cameras.wanted })
      .catch(() => (cameras.wanted = told.wantedCamera))
      .finally(() => {
        this.asked = undefined;
        this.onCamera();
      });
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
    this.talk.session(undefined);
    this.cameras.play(undefined);
  }

  close(): void {
    this.talk.close();
  }

  private play(state: LayerState): void {
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

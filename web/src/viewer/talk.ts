/** Carries out what `talk-state.ts` commands: microphone, the session's sender, questions to the gateway. */

import { Refusal } from "../api/acknowledged";
import type { TalkWelcome as TalkState } from "../api/event-types";
import type { LiveEvents } from "../api/events";
import { SilenceWatch } from "./silence-watch";
import { TalkMicrophone } from "./talk-microphone";
import { isHot, silentTalk, type TalkCommand, type TalkEvent, type TalkFacts, talkStep, type TalkView, talkView } from "./talk-state";

/** What a refusal counts as when no answer comes at all. */
const unreachable = "unreachable";

export class Talk {
  private facts: TalkFacts = silentTalk;
  private readonly microphone: TalkMicrophone;
  private events: LiveEvents | undefined;
  private sender: RTCRtpSender | undefined;
  private connected = false;
  private readonly silence = new SilenceWatch();

  constructor(private readonly onChange: () => void) {
    this.microphone = new TalkMicrophone((microphone) => this.dispatch({ type: "microphone", microphone }));
  }

  get view(): TalkView {
    return talkView(this.facts);
  }

  get floor(): TalkState | undefined {
    return this.facts.floor;
  }

  /** Whether what is said here leaves the page now. */
  get speaking(): boolean {
    return isHot(this.facts);
  }

  /** Whether the button counts as held: nothing has ended that since it was pressed. */
  get held(): boolean {
    return this.facts.held;
  }

  /** Hears the floor from now on. */
  listen(events: LiveEvents): void {
    this.events = events;
    events.on("talk:state", (talk) => this.dispatch({ type: "floor", floor: { you: "", ...talk } }));
  }

  /** The gateway hears the page, or not. */
  connection(up: boolean): void {
    this.connected = up;
    this.tellReady();
  }

  /** The session's line for the microphone; undefined when there is none. A running microphone moves there, silent. */
  session(sender: RTCRtpSender | undefined): void {
    if (this.sender === sender) return;
    this.sender = undefined;
    this.tellReady();
    this.sender = sender;
    this.attach();
    this.tellReady();
  }

  press(): void {
    this.dispatch({ type: "press" });
  }

  release(): void {
    this.dispatch({ type: "release" });
  }

  /** Leaves the queue. */
  withdraw(): void {
    this.dispatch({ type: "withdraw" });
  }

  /** A reading of the session's statistics. */
  observe(report: RTCStatsReport): void {
    if (this.speaking) this.dispatch({ type: "silent", silent: this.silence.observe(report) });
    else this.silence.reset();
  }

  close(): void {
    this.release();
    this.microphone.close();
  }

  private tellReady(): void {
    this.dispatch({ type: "ready", ready: this.connected && this.sender !== undefined });
  }

  private dispatch(event: TalkEvent): void {
    const { facts, commands } = talkStep(this.facts, event);
    const changed = facts !== this.facts;
    this.facts = facts;
    for (const command of commands) this.carryOut(command);
    if (changed) this.onChange();
  }

  private carryOut(command: TalkCommand): void {
    switch (command) {
      case "open":
        void this.open();
        break;
      case "unmute":
        this.microphone.hot = true;
        break;
      case "mute":
        this.microphone.hot = false;
        break;
      default:
        void this.ask(command);
    }
  }

  private async open(): Promise<void> {
    const microphone = await this.microphone.open();
    this.attach();
    this.dispatch({ type: "microphone", microphone });
  }

  /** A sender without a negotiation for it, or one that is closing, refuses: then nobody hears, and `ready` says so. */
  private attach(): void {
    const { track } = this.microphone;
    if (track) void this.sender?.replaceTrack(track).catch(() => undefined);
  }

  private async ask(command: "start" | "stop" | "request" | "withdraw"): Promise<void> {
    try {
      await this.events?.ask(`talk:${command}`, {});
      if (command === "start" || command === "request") this.dispatch({ type: "answer", code: "" });
    } catch (error) {
      // Who takes something back is silent already, whatever the gateway says.
      if (command === "stop" || command === "withdraw") return;
      this.dispatch({ type: "answer", code: error instanceof Refusal ? error.code : unreachable });
    }
  }
}

/** How the viewer page's talk button is held: by a finger or a key, or switched on. */

import type { Talk } from "../viewer/talk";

export class TalkHold {
  /** The microphone was switched on, not held. */
  latched = false;

  constructor(
    private readonly talk: Talk,
    private readonly onChange: () => void,
  ) {}

  press(): void {
    // Pressing while the microphone is switched on switches it off.
    if (this.latched) this.latch(false);
    else this.talk.press();
  }

  letGo(): void {
    if (!this.latched) this.talk.release();
  }

  latch(latched: boolean): void {
    if (latched) this.talk.press();
    else this.talk.release();
    this.set(latched && this.talk.held);
  }

  withdraw(): void {
    this.set(false);
    this.talk.withdraw();
  }

  /** Whatever ends a turn also switches the microphone off. */
  follow(): void {
    if (this.latched && !this.talk.held) this.set(false);
  }

  private set(latched: boolean): void {
    this.latched = latched;
    this.onChange();
  }
}

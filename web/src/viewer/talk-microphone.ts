/** The customer's microphone: asked for once, then kept open and silent between two presses of the talk button. */

import type { Microphone, MicrophoneProblem } from "./talk-state";

const problems: Readonly<Record<string, MicrophoneProblem>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "taken",
  AbortError: "taken",
};

/** What `getUserMedia` threw, as people understand it. */
export function microphoneProblem(error: unknown): MicrophoneProblem {
  if (!(error instanceof Error)) return "failed";
  // Chromium and Firefox have no other sign that the device's own settings forbid it, not the page's.
  if (error.name === "NotAllowedError" && /\bsystem\b/i.test(error.message)) return "system";
  return problems[error.name] ?? "failed";
}

/** Why a microphone that was open has ended: the permission was taken back, the device pulled out, or another app has it. */
async function whyEnded(): Promise<MicrophoneProblem> {
  const asked = "permissions" in navigator ? navigator.permissions.query({ name: "microphone" }) : undefined;
  const permission = await asked?.catch(() => undefined);
  if (permission && permission.state !== "granted") return "denied";
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => undefined);
  return devices?.some(({ kind }) => kind === "audioinput") === false ? "missing" : "taken";
}

/** The technician's voice comes out of the loudspeaker beside the microphone. */
const constraints: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export class TalkMicrophone {
  private current: MediaStreamTrack | undefined;

  /** @param onChange the device was taken away, came back or ended */
  constructor(private readonly onChange: (microphone: Microphone) => void) {}

  get track(): MediaStreamTrack | undefined {
    return this.current;
  }

  /** Opens it, silent. May take as long as a person thinks about the browser's question. */
  async open(): Promise<Microphone> {
    if (!window.isSecureContext || !("mediaDevices" in navigator)) return "insecure";
    this.close();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: constraints });
      const [track] = stream.getAudioTracks();
      if (!track) return "missing";
      this.follow(track);
      return track.muted ? "taken" : "open";
    } catch (error) {
      return microphoneProblem(error);
    }
  }

  /** Lets its sound through, or silence in its place. */
  set hot(hot: boolean) {
    if (this.current) this.current.enabled = hot;
  }

  close(): void {
    this.current?.stop();
    this.current = undefined;
  }

  private follow(track: MediaStreamTrack): void {
    track.enabled = false;
    // Speech, not music: the encoder may favour intelligibility.
    track.contentHint = "speech";
    const tell = (microphone: Microphone) => {
      if (this.current === track) this.onChange(microphone);
    };
    track.addEventListener("mute", () => tell("taken"));
    track.addEventListener("unmute", () => tell("open"));
    track.addEventListener("ended", () => void whyEnded().then(tell));
    this.current = track;
  }
}

import { afterEach, describe, expect, it, vi } from "vitest";
import type { Speaker, TalkWelcome as TalkState } from "../src/api/event-types";
import type { TalkMode } from "../src/api/events";
import { type MessageKey, translate, type Values } from "../src/i18n/format";
import { speakingText } from "../src/ui/speaking";
import type { Participation } from "../src/viewer/participation";
import { microphoneProblem, TalkMicrophone } from "../src/viewer/talk-microphone";
import { isHot, silentTalk, type TalkCommand, type TalkEvent, type TalkFacts, talkStep, talkView } from "../src/viewer/talk-state";

const me = "me";

function floor(mode: TalkMode, more: Partial<TalkState> = {}): TalkState {
  return { mode, speaker: null, speakers: [], queue: [], granted: [], muted: [], mutedAll: false, you: me, ...more };
}

const press: TalkEvent = { type: "press" };
const release: TalkEvent = { type: "release" };
const opened: TalkEvent = { type: "microphone", microphone: "open" };
const tells = (mode: TalkMode, more: Partial<TalkState> = {}): TalkEvent => ({ type: "floor", floor: floor(mode, more) });
const answer = (code: string): TalkEvent => ({ type: "answer", code });
const queued = [
  { viewerId: "other", name: "Other" },
  { viewerId: me, name: "Me" },
];

/** The facts after these events, and the commands of the last. */
function after(from: TalkFacts, ...events: TalkEvent[]): { facts: TalkFacts; commands: readonly TalkCommand[] } {
  let step: { facts: TalkFacts; commands: readonly TalkCommand[] } = { facts: from, commands: [] };
  for (const event of events) step = talkStep(step.facts, event);
  return step;
}

const open = after(silentTalk, { type: "ready", ready: true }, tells("open")).facts;
const request = after(silentTalk, { type: "ready", ready: true }, tells("request")).facts;
/** Whoever has pressed once. */
const spoken = after(open, press, opened, answer(""), release).facts;

describe("an open floor", () => {
  it("asks for the microphone on the first press only", () => {
    const asking = after(open, press);
    expect(asking.commands).toEqual(["open"]);
    expect(talkView(asking.facts).state).toBe("asking");
    const speaking = after(asking.facts, opened);
    expect(speaking.commands).toEqual(["unmute", "start"]);
    expect(talkView(speaking.facts).state).toBe("speaking");
    expect(after(speaking.facts, answer(""), release, press).commands).toEqual(["unmute", "start"]);
  });

  it("is silent once the button is released", () => {
    const { facts, commands } = after(spoken, press, release);
    expect(commands).toEqual(["mute", "stop"]);
    expect(isHot(facts)).toBe(false);
    expect(talkView(facts).state).toBe("idle");
  });

  it("says nothing when the button was let go during the browser's question", () => {
    const { facts, commands } = after(open, press, release, opened);
    expect(commands).toEqual([]);
    expect(isHot(facts)).toBe(false);
  });

  it("tells of no turn while everybody may speak", () => {
    expect(talkView(after(spoken, tells("open", { granted: [me] })).facts).state).toBe("idle");
  });

  it("remembers who one is: only the greeting tells", () => {
    const { facts } = after(spoken, tells("open", { you: "", muted: [me] }));
    expect(talkView(facts).state).toBe("muted");
  });

  it("presses once, however often the key repeats", () => {
    expect(after(spoken, press, press).commands).toEqual([]);
  });

  it("shows a gateway that does not answer", () => {
    const { facts, commands } = after(spoken, press, answer("unreachable"));
    expect(commands).toEqual(["mute"]);
    expect(talkView(facts).state).toBe("refused");
    expect(talkView(after(facts, release, press).facts).state).toBe("speaking");
  });
});

describe("a floor on request", () => {
  const waiting = after(request, press, opened, answer(""), release, tells("request", { queue: queued })).facts;

  it("asks the technician, and says which place one has", () => {
    expect(after(request, press, opened).commands).toEqual(["request"]);
    expect(talkView(waiting)).toEqual({ state: "waiting", place: 2 });
    expect(isHot(waiting)).toBe(false);
  });

  it("asks also when the button was let go during the browser's question", () => {
    expect(after(request, press, release, opened).commands).toEqual(["request"]);
  });

  it("is silent when the turn comes to a button that nobody holds", () => {
    const { facts, commands } = after(waiting, tells("request", { granted: [me] }));
    expect(commands).toEqual([]);
    expect(talkView(facts).state).toBe("turn");
    expect(after(facts, press).commands).toEqual(["unmute", "start"]);
  });

  it("speaks when the turn comes to a button that is held", () => {
    const { facts, commands } = after(waiting, press, tells("request", { granted: [me] }));
    expect(commands).toEqual(["unmute", "start"]);
    expect(talkView(facts).state).toBe("speaking");
  });

  it("waits when the gateway knows of no turn yet", () => {
    const granted = after(request, tells("request", { granted: [me] }), press, opened);
    expect(granted.commands).toEqual(["unmute", "start"]);
    const { facts, commands } = after(granted.facts, answer("talk_waiting"));
    expect(commands).toEqual(["mute"]);
    expect(talkView(facts).state).toBe("waiting");
  });

  it("tells of a request that was turned down, until the next one", () => {
    const { facts } = after(waiting, tells("request"));
    expect(talkView(facts).state).toBe("refused");
    expect(after(facts, press).commands).toEqual(["request"]);
    expect(talkView(after(facts, press, tells("request", { queue: queued })).facts).state).toBe("waiting");
  });

  it("takes a request back without calling that a refusal", () => {
    const { facts, commands } = after(waiting, { type: "withdraw" });
    expect(commands).toEqual(["withdraw"]);
    expect(talkView(after(facts, tells("request")).facts).state).toBe("idle");
  });

  it("lets a turn end by itself without calling that a refusal", () => {
    const turn = after(request, tells("request", { granted: [me] })).facts;
    expect(talkView(after(turn, tells("request")).facts).state).toBe("idle");
  });

  it("wants a new press after the floor was taken back", () => {
    const speaking = after(request, tells("request", { granted: [me] }), press, opened, answer("")).facts;
    const { facts, commands } = after(speaking, tells("request"));
    expect(commands).toEqual(["mute"]);
    expect(talkView(facts).state).toBe("refused");
    expect(isHot(after(facts, tells("request", { granted: [me] })).facts)).toBe(false);
  });
});

describe("what silences", () => {
  const speaking = after(spoken, press, answer("")).facts;

  it.each<[string, TalkEvent]>([
    ["muted", tells("open", { muted: [me] })],
    ["off", tells("off")],
    ["muted", answer("talk_muted")],
    ["off", answer("talk_off")],
  ])("%s, until one presses again", (state, event) => {
    const { facts, commands } = after(speaking, event);
    expect(commands).toEqual(["mute"]);
    expect(talkView(facts).state).toBe(state);
    expect(after(facts, press).commands).toEqual([]);
    const again = after(facts, tells("open")).facts;
    expect(isHot(again)).toBe(false);
    expect(isHot(after(again, press).facts)).toBe(true);
  });

  it("a lost connection, until one presses again", () => {
    const { facts, commands } = after(speaking, { type: "ready", ready: false });
    expect(commands).toEqual(["mute"]);
    expect(talkView(facts).state).toBe("unavailable");
    const back = after(facts, { type: "ready", ready: true }, tells("open", { granted: [me] })).facts;
    expect(isHot(back)).toBe(false);
    expect(after(back, press).commands).toEqual(["unmute", "start"]);
  });

  it("a place in the queue survives a reconnection", () => {
    const waiting = after(request, tells("request", { queue: queued })).facts;
    const back = after(waiting, { type: "ready", ready: false }, { type: "ready", ready: true }, tells("request", { queue: queued }));
    expect(talkView(back.facts)).toEqual({ state: "waiting", place: 2 });
  });

  it("a microphone that another program took, and it can be had again", () => {
    const { facts, commands } = after(speaking, { type: "microphone", microphone: "taken" });
    expect(commands).toEqual(["mute", "stop"]);
    expect(talkView(facts).state).toBe("taken");
    const back = after(facts, opened);
    expect(back.commands).toEqual([]);
    expect(talkView(back.facts).state).toBe("idle");
    expect(after(facts, press).commands).toEqual(["open"]);
  });

  it("a microphone that is not allowed", () => {
    const { facts, commands } = after(open, press, { type: "microphone", microphone: "denied" });
    expect(commands).toEqual([]);
    expect(talkView(facts).state).toBe("denied");
  });
});

describe("a microphone that cannot be had", () => {
  it.each([
    ["NotAllowedError", "denied"],
    ["NotFoundError", "missing"],
    ["NotReadableError", "taken"],
    ["TypeError", "failed"],
  ])("by %s is %s", (name, problem) => {
    expect(microphoneProblem(new DOMException("", name))).toBe(problem);
  });
});

describe("the microphone", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("knows what the device's own settings forbid", () => {
    expect(microphoneProblem(new DOMException("Permission denied by system", "NotAllowedError"))).toBe("system");
    expect(microphoneProblem(new DOMException("Permission denied", "NotAllowedError"))).toBe("denied");
    expect(microphoneProblem("what")).toBe("failed");
  });

  /** An open microphone in a browser like this; `happen` fires an event of its track. */
  async function opened(permission: PermissionState | undefined, devices: readonly string[]) {
    const track = Object.assign(new EventTarget(), { muted: false, enabled: true, stop: vi.fn() });
    vi.stubGlobal("window", { isSecureContext: true });
    vi.stubGlobal("navigator", {
      mediaDevices: {
        getUserMedia: () => Promise.resolve({ getAudioTracks: () => [track] }),
        enumerateDevices: () => Promise.resolve(devices.map((kind) => ({ kind }))),
      },
      ...(permission && { permissions: { query: () => Promise.resolve({ state: permission }) } }),
    });
    const told = vi.fn();
    const microphone = new TalkMicrophone(told);
    expect(await microphone.open()).toBe("open");
    return { told, microphone, track, happen: (type: string) => track.dispatchEvent(new Event(type)) };
  }

  it("is taken while another app has it, and silent until it may be heard", async () => {
    const { told, microphone, track, happen } = await opened("granted", ["audioinput"]);
    expect(track.enabled).toBe(false);
    microphone.hot = true;
    expect(track.enabled).toBe(true);
    happen("mute");
    happen("unmute");
    expect(told.mock.calls).toEqual([["taken"], ["open"]]);
    microphone.close();
    happen("mute");
    expect(told).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["denied", "denied", ["audioinput"]],
    ["prompt", "denied", ["audioinput"]],
    ["granted", "missing", ["videoinput"]],
    ["granted", "taken", ["audioinput"]],
    [undefined, "missing", []],
  ] as const)("says why it ended: permission %s is %s", async (permission, problem, devices) => {
    const { told, happen } = await opened(permission, devices);
    happen("ended");
    await vi.waitFor(() => expect(told.mock.calls).toEqual([[problem]]));
  });
});

describe("an open microphone that gives nothing", () => {
  const silent = (silent: boolean): TalkEvent => ({ type: "silent", silent });

  it("is told while one speaks, and does not end that", () => {
    const { facts, commands } = after(spoken, press, silent(true));
    expect([talkView(facts).state, isHot(facts), commands]).toEqual(["silent", true, []]);
    expect(talkView(after(facts, silent(false)).facts).state).toBe("speaking");
    expect(talkView(after(facts, release).facts).state).toBe("idle");
    expect(talkView(after(facts, release, press).facts).state).toBe("speaking");
  });
});

describe("who speaks", () => {
  const text = (key: MessageKey, values?: Values) => translate("en", key, values);
  const said = (speaking: boolean, ...speakers: Speaker[]) =>
    speakingText(text, { you: me, talk: { speaking, floor: floor("open", { speakers }) } } as unknown as Participation);
  const [anna, boris, nameless] = ["Anna", "Boris", ""].map((name, place) => ({ viewerId: String(place), name })) as [Speaker, Speaker, Speaker];

  it("is said by name", () => {
    expect(said(false)).toBe("");
    expect(said(true, anna)).toBe("You are speaking");
    expect(said(false, { viewerId: me, name: "Me" })).toBe("");
    expect(said(false, nameless)).toBe("Another viewer is speaking");
    expect(said(false, { viewerId: me, name: "Me" }, anna)).toBe("Anna is speaking");
    expect(said(false, anna, boris)).toBe("Anna and Boris are speaking");
    expect(said(false, nameless, boris)).toBe("Boris and 1 other are speaking");
    expect(said(false, anna, boris, nameless)).toBe("Anna and 2 others are speaking");
  });
});

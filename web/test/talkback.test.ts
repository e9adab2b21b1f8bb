import { describe, expect, it, vi } from "vitest";
import { acknowledged, Refusal } from "../src/api/acknowledged";
import type { ClientEvents, Person, ServerEvents, SessionAnswer, TalkWelcome as TalkState } from "../src/api/event-types";
import type { LiveEvents } from "../src/api/events";
import { offerSession } from "../src/api/socket-offer";
import { verdictOn } from "../src/studio/talk-people";
import { heardIn } from "../src/studio/talk-player";
import { deskRows, newlyWaiting, TalkRoom, titled } from "../src/studio/talk-room";

const silence = { mode: "request", speaker: null, speakers: [], queue: [], granted: [], muted: [], mutedAll: false } as const;

function talk(change: Partial<TalkState>): TalkState {
  return { ...silence, you: "", ...change };
}

const anna = { viewerId: "a1", name: "Anna" };
const boris = { viewerId: "b2", name: "Boris" };

describe("what the gateway acknowledges", () => {
  it("gives the answer, or the refusal with the status that HTTP has for it", () => {
    expect(acknowledged({ ok: true, now: 5 }).now).toBe(5);
    const refused = () => acknowledged({ error: "Bitte warten", code: "rate_limited" });
    expect(refused).toThrow(Refusal);
    expect(refused).toThrow(expect.objectContaining({ status: 429, code: "rate_limited", sentence: "Bitte warten" }));
    expect(() => acknowledged({ error: "new", code: "never_heard_of" })).toThrow(expect.objectContaining({ status: 500 }));
  });

  it("is no answer when it is none", () => {
    expect(() => acknowledged(undefined)).toThrow(expect.objectContaining({ status: 0 }));
  });

  it("makes a session of an answered offer", async () => {
    vi.stubGlobal("location", { href: "https://a.example/studio#x" });
    const told: SessionAnswer = { sdp: "v=0", sessionId: "x/1", etag: "e", iceServers: [{ urls: ["stun:a"] }] };
    const ask = vi.fn().mockResolvedValue(told);
    const offer = { sdp: "v=0 offer", kind: "whip", camera: "main" } as const;
    const answer = await offerSession({ connected: true, ask }, offer, 5);
    expect(ask).toHaveBeenCalledWith("session:offer", offer, 5);
    expect(answer).toEqual({ sdp: "v=0", sessionId: "x/1", resource: "https://a.example/sessions/x%2F1", iceServers: [{ urls: ["stun:a"] }] });
    vi.unstubAllGlobals();
  });
});

describe("the floor, as the desk shows it", () => {
  it("has those who wait first, then whose turn it is, then who was silenced", () => {
    const state = talk({ queue: [anna, boris], granted: ["c3", "d4", "e5"], speakers: [{ viewerId: "d4", name: "" }], muted: ["e5", "f6"] });
    expect(deskRows(state)).toEqual([
      { viewerId: "a1", standing: "waiting" },
      { viewerId: "b2", standing: "waiting" },
      { viewerId: "c3", standing: "granted" },
      { viewerId: "d4", standing: "speaking" },
      { viewerId: "e5", standing: "muted" },
      { viewerId: "f6", standing: "muted" },
    ]);
  });

  it("notices who begins to wait", () => {
    const before = talk({ queue: [anna] });
    expect(newlyWaiting(undefined, before)).toEqual(["a1"]);
    expect(newlyWaiting(before, talk({ queue: [anna, boris] }))).toEqual(["b2"]);
    expect(newlyWaiting(before, talk({ queue: [] }))).toEqual([]);
  });

  it("counts those who wait in the title", () => {
    expect(titled("Studio", 0)).toBe("Studio");
    expect(titled("Studio", 2)).toBe("(2) Studio");
  });
});

/** Live events whose gateway is this test. */
class Gateway {
  readonly asked: [string, unknown][] = [];
  refusal: Error | undefined;
  private readonly handlers = new Map<string, (value: never) => void>();

  get events(): Pick<LiveEvents, "on" | "ask"> {
    return this as unknown as LiveEvents;
  }

  on(event: string, handler: (value: never) => void): void {
    this.handlers.set(event, handler);
  }

  ask(event: keyof ClientEvents, data: unknown): Promise<object> {
    this.asked.push([event, data]);
    return this.refusal ? Promise.reject(this.refusal) : Promise.resolve({});
  }

  tell<Event extends keyof ServerEvents>(event: Event, value: ServerEvents[Event]): void {
    this.handlers.get(event)?.(value as never);
  }
}

describe("the room", () => {
  it("says once that somebody asks to speak", () => {
    const gateway = new Gateway();
    const room = new TalkRoom(gateway.events);
    const asked = vi.fn();
    room.addEventListener("asked", asked);
    gateway.tell("talk:state", { ...silence, queue: [anna], you: "me" });
    gateway.tell("talk:state", { ...silence, queue: [anna] });
    expect(asked).toHaveBeenCalledTimes(1);
    expect(room.waiting).toBe(1);
    expect(room.talk?.you).toBe("me");
    gateway.tell("talk:state", { ...silence, queue: [anna, boris] });
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("knows the names of those who have left the queue, and the newest of everybody", () => {
    const gateway = new Gateway();
    const room = new TalkRoom(gateway.events);
    gateway.tell("talk:state", { ...silence, queue: [anna] });
    gateway.tell("talk:state", { ...silence, granted: ["a1"] });
    expect(room.names.get("a1")).toBe("Anna");
    gateway.tell("people", { viewers: [person({ name: "Anna K." }), person(boris)], total: 2 });
    expect([...room.names]).toEqual([["a1", "Anna K."], ["b2", "Boris"]]);
    gateway.tell("talk:state", { ...silence, speakers: [{ viewerId: "a1", name: "" }] });
    expect(room.names.get("a1")).toBe("Anna K.");
  });

  it("carries out, and keeps the last refusal until something works", async () => {
    const gateway = new Gateway();
    const room = new TalkRoom(gateway.events);
    gateway.refusal = new Refusal("talk_muted", "Muted");
    expect(await room.carryOut({ event: "talk:grant", payload: { viewerId: "a1" } })).toBe(false);
    expect(room.problem).toMatchObject({ status: 409, sentence: "Muted" });
    gateway.refusal = undefined;
    expect(await room.carryOut({ event: "talk:mute", payload: { muted: true } })).toBe(true);
    expect(room.problem).toBeUndefined();
    expect(gateway.asked).toEqual([
      ["talk:grant", { viewerId: "a1" }],
      ["talk:mute", { muted: true }],
    ]);
  });
});

const layer = { rid: "h", width: 1280, height: 720, fps: 30, bitrate: 1_500_000 };
const now = 1_700_000_000;

function person(change: Partial<Person>): Person {
  const session = { camera: "main", layer, rtt: 0.05, loss: 0, glassToGlass: 0.3, freezes: 0 };
  return { ...anna, since: now - 600, ...session, talk: "none", ...change };
}

describe("how well a customer sees", () => {
  it.each<[string, Partial<Person>, string]>([
    ["everything fine", {}, "good"],
    ["nothing known but the picture", { loss: null, glassToGlass: null, freezes: null, rtt: null }, "good"],
    ["no picture", { layer: null }, "away"],
    ["some loss", { loss: 0.03 }, "fair"],
    ["much loss", { loss: 0.1 }, "poor"],
    ["late", { glassToGlass: 1.4 }, "fair"],
    ["far behind", { glassToGlass: 5 }, "poor"],
    ["a freeze now and then", { freezes: 6 }, "fair"],
    ["freezing all the time", { freezes: 40 }, "poor"],
  ])("%s", (_, change, verdict) => {
    expect(verdictOn(person(change), now)).toBe(verdict);
  });

  it("does not call one freeze while joining a rate", () => {
    expect(verdictOn(person({ since: now - 5, freezes: 1 }), now)).toBe("good");
    expect(verdictOn(person({ since: now - 5, freezes: 2 }), now)).toBe("fair");
  });
});

describe("what was heard", () => {
  it("adds up all lines and nothing else", () => {
    const entries = [
      { id: "1", type: "inbound-rtp", kind: "audio", packetsReceived: 10, totalAudioEnergy: 0.5 },
      { id: "2", type: "inbound-rtp", kind: "audio", packetsReceived: 5 },
      { id: "3", type: "inbound-rtp", kind: "video", packetsReceived: 100 },
      { id: "4", type: "outbound-rtp", kind: "audio", packetsReceived: 100, totalAudioEnergy: 9 },
    ];
    const report = new Map(entries.map((entry) => [entry.id, entry]));
    expect(heardIn(report)).toEqual({ packets: 15, energy: 0.5 });
  });
});

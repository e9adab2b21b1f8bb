import { describe, expect, it } from "vitest";
import { type Command, initialState, reduce, type ViewerEvent, type ViewerState, viewOf } from "../src/viewer/state";

/** Plays events from the beginning; tells the last state, its view and all commands of the last event. */
function play(...events: readonly ViewerEvent[]) {
  return playFrom(initialState, ...events);
}

function playFrom(from: ViewerState, ...events: readonly ViewerEvent[]) {
  let state = from;
  let commands: readonly Command[] = [];
  for (const event of events) ({ state, commands } = reduce(state, event));
  return { state, commands, view: viewOf(state), kinds: commands.map(({ type }) => type) };
}

const start: ViewerEvent = { type: "start", token: true, webrtc: true };
const granted: ViewerEvent = { type: "granted", live: true };
const eventsUp: ViewerEvent = { type: "events", up: true };
const opened: ViewerEvent = { type: "opened" };
const frames: ViewerEvent = { type: "frames" };
const live: ViewerEvent = { type: "stream", live: true };
const away: ViewerEvent = { type: "stream", live: false };
const conflict: ViewerEvent = { type: "rejected", status: 409, sentence: "", retryAfter: 2 };
const playing = [start, granted, eventsUp, live, opened, frames] as const;

describe("the way to the picture", () => {
  it("asks, opens and plays", () => {
    expect(play(start)).toMatchObject({ view: "loading", kinds: ["ask"] });
    expect(play(start, granted)).toMatchObject({ view: "loading", kinds: ["open"] });
    expect(play(start, granted, opened)).toMatchObject({ view: "loading", kinds: [] });
    expect(play(...playing)).toMatchObject({ view: "playing", kinds: [] });
  });

  it("waits for the technician and opens the moment he is live", () => {
    const waiting = [start, { type: "granted", live: false }, eventsUp] as const;
    expect(play(...waiting).view).toBe("waiting");
    expect(play(...waiting, live)).toMatchObject({ kinds: ["open"] });
    expect(play(...waiting, live, opened, frames).view).toBe("playing");
  });

  it("polls without Socket.IO as the server asks, and rarely with it", () => {
    expect(play(start, granted, conflict)).toMatchObject({
      view: "waiting",
      commands: [{ type: "retry", failures: 1, atLeast: 2 }],
    });
    const [retry] = play(start, eventsUp, { type: "granted", live: false }).commands;
    expect(retry).toMatchObject({ type: "retry", atLeast: 15 });
    expect(play(start, granted, conflict, { type: "retry-due" }).kinds).toEqual(["open"]);
  });

  it("tries soon again when a refusal and the news contradict each other", () => {
    const { view, commands } = play(start, granted, eventsUp, live, conflict);
    expect(view).toBe("loading");
    expect(commands).toEqual([{ type: "retry", failures: 1, atLeast: 0 }]);
  });

  it("asks again when the first question finds no server", () => {
    const { view, kinds } = play(start, { type: "refused", status: 0, sentence: "" });
    expect([view, kinds]).toEqual(["loading", ["retry"]]);
    expect(play(start, { type: "refused", status: 503, sentence: "" }, { type: "retry-due" }).kinds).toEqual(["ask"]);
  });
});

describe("interruptions", () => {
  it.each<ViewerEvent>([{ type: "lost" }, { type: "stalled" }, { type: "closed-by-server", reason: "failed" }])(
    "$type reconnects with the old picture kept",
    (event) => {
      expect(play(...playing, event)).toMatchObject({ view: "reconnecting", kinds: ["close", "retry"] });
      expect(play(...playing, event, { type: "retry-due" }).kinds).toEqual(["open"]);
      expect(play(...playing, event, { type: "retry-due" }, opened, frames).view).toBe("playing");
    },
  );

  it("keeps the session while the technician is away, and resumes on pictures", () => {
    const waiting = play(...playing, away);
    expect(waiting).toMatchObject({ view: "waiting", kinds: [], state: { session: "open" } });
    expect(playFrom(waiting.state, { type: "stalled" })).toMatchObject({ view: "waiting", kinds: [] });
    expect(playFrom(waiting.state, { type: "network" }).kinds).toEqual([]);
    expect(playFrom(waiting.state, live)).toMatchObject({ view: "reconnecting", kinds: [] });
    expect(playFrom(waiting.state, live, frames).view).toBe("playing");
    expect(playFrom(waiting.state, frames).view).toBe("playing");
  });

  it("waits, without failures, when the server ends the session of an absent technician", () => {
    const { view, kinds, state } = play(...playing, away, { type: "lost" });
    expect([view, kinds, state.failures]).toEqual(["waiting", ["close", "retry"], 0]);
    expect(playFrom(state, live).kinds).toEqual(["open"]);
  });

  it("counts failures until the picture is steady", () => {
    const failed: ViewerEvent = { type: "rejected", status: 0, sentence: "" };
    const due: ViewerEvent = { type: "retry-due" };
    const thrice = play(...playing, { type: "lost" }, due, failed, due, failed);
    expect(thrice.commands).toEqual([{ type: "retry", failures: 3, atLeast: 0 }]);
    const flapped = playFrom(thrice.state, due, opened, frames, { type: "lost" });
    expect(flapped.commands.at(-1)).toMatchObject({ failures: 4 });
    const steady = playFrom(thrice.state, due, opened, frames, { type: "steady" }, { type: "lost" });
    expect(steady.commands.at(-1)).toMatchObject({ failures: 1 });
  });

  it("stays away as long as a draining server asks, once", () => {
    const drained = play(...playing, { type: "draining", retryAfter: 7 }, { type: "lost" });
    expect(drained.commands.at(-1)).toMatchObject({ type: "retry", atLeast: 7 });
    const later = playFrom(drained.state, { type: "retry-due" }, opened, frames, { type: "lost" });
    expect(later.commands.at(-1)).toMatchObject({ atLeast: 0 });
  });

  it("honours Retry-After of an overloaded server", () => {
    const busy = play(start, granted, { type: "rejected", status: 503, sentence: "", retryAfter: 5 });
    expect(busy.commands).toEqual([{ type: "retry", failures: 1, atLeast: 5 }]);
  });

  it("uses a network that came back at once, but leaves a moving picture alone", () => {
    expect(play(...playing, { type: "network" }).kinds).toEqual([]);
    expect(play(...playing, { type: "lost" }, { type: "network" }).kinds).toEqual(["open"]);
    expect(play(start, granted, { type: "network" }).kinds).toEqual([]);
    expect(play(start, { type: "network" }).kinds).toEqual(["ask"]);
  });

  it("keeps the session and the old picture while its path is being mended", () => {
    const still = play(...playing, { type: "still" });
    expect(still).toMatchObject({ view: "reconnecting", kinds: [], state: { session: "open" } });
    expect(playFrom(still.state, { type: "network" }).kinds).toEqual([]);
    expect(playFrom(still.state, frames)).toMatchObject({ view: "playing", kinds: [], state: { failures: 0 } });
  });

  it("opens another session at once for one that cannot be mended, unless it was asked to stay away", () => {
    const still = [...playing, { type: "still" }] as const;
    expect(play(...still, { type: "unmendable" })).toMatchObject({ view: "reconnecting", kinds: ["open"], state: { failures: 1 } });
    const drained = play(...still, { type: "draining", retryAfter: 7 }, { type: "unmendable" });
    expect(drained.commands.at(-1)).toMatchObject({ type: "retry", atLeast: 7 });
    expect(play(...playing, away, { type: "unmendable" })).toMatchObject({ view: "waiting", kinds: ["close", "retry"] });
  });

  it("opens only one session for news that come while one is opening", () => {
    expect(play(start, granted, live).kinds).toEqual([]);
    expect(play(start, granted, opened, { type: "retry-due" }).kinds).toEqual([]);
  });
});

describe("ends", () => {
  it("needs a token and WebRTC", () => {
    expect(play({ type: "start", token: false, webrtc: true }).state.end?.code).toBe("no-token");
    expect(play({ type: "start", token: true, webrtc: false }).state.end?.code).toBe("no-webrtc");
  });

  it.each([
    [401, "denied", "error"],
    [403, "denied", "error"],
    [404, "not-found", "error"],
    [422, "unsupported", "error"],
  ])("status %i before any picture is %s", (status, code, view) => {
    const step = play(start, granted, { type: "rejected", status, sentence: "why" });
    expect([step.view, step.state.end?.code, step.state.end?.sentence]).toEqual([view, code, "why"]);
    expect(step.kinds).toEqual(["close"]);
  });

  it.each([
    ["expired", "access-ended"],
    ["revoked", "access-ended"],
    ["kicked", "removed"],
  ])("a session that was %s has ended", (reason, code) => {
    const closed = play(...playing, { type: "closed-by-server", reason });
    expect(closed).toMatchObject({ view: "ended", kinds: ["close"] });
    expect(closed.state.end?.code).toBe(code);
  });

  it("tells a customer who was watching that the access ended", () => {
    const refused = play(...playing, { type: "lost" }, { type: "retry-due" }, { type: "rejected", status: 401, sentence: "" });
    expect([refused.view, refused.state.end?.code]).toEqual(["ended", "access-ended"]);
    expect(play(...playing, { type: "token-refused", sentence: "" }).view).toBe("ended");
  });

  it("stays ended whatever comes, until it is started again", () => {
    const ended = play(...playing, { type: "closed-by-server", reason: "revoked" });
    for (const event of [frames, live, { type: "retry-due" }, { type: "network" }] as const) {
      expect(playFrom(ended.state, event)).toMatchObject({ view: "ended", kinds: [] });
    }
    expect(playFrom(ended.state, start)).toMatchObject({ view: "loading", kinds: ["ask"] });
  });

  it("tries a technician who comes back after a codec that this browser lacks", () => {
    const error = play(start, granted, { type: "rejected", status: 422, sentence: "" });
    expect(playFrom(error.state, live).kinds).toEqual([]);
    expect(playFrom(error.state, away, live)).toMatchObject({ view: "loading", kinds: ["open"] });
  });
});

/**
 * The viewer's states as a pure function: facts and an event go in, facts and commands come out. No clock, no network,
 * no page: `live-viewer.ts` carries out the commands, the page draws what `viewOf` says.
 */

export type View = "loading" | "waiting" | "playing" | "reconnecting" | "ended" | "error";

export type EndCode = "no-token" | "denied" | "not-found" | "unsupported" | "access-ended" | "removed" | "no-webrtc";

export interface End {
  readonly view: "ended" | "error";
  readonly code: EndCode;
  /** The server's own sentence, empty when it sent none. */
  readonly sentence: string;
}

export interface ViewerState {
  /** The token was accepted and the addresses are known. */
  readonly granted: boolean;
  /** Whether the technician publishes; undefined while nobody has told. */
  readonly live: boolean | undefined;
  /** Whether Socket.IO tells us by itself. */
  readonly events: boolean;
  readonly session: "none" | "opening" | "open";
  /** New pictures arrive now. */
  readonly flowing: boolean;
  /** A picture was shown at least once: there is something to freeze. */
  readonly seen: boolean;
  /** Failures in a row. */
  readonly failures: number;
  /** Seconds that a draining server asked us to stay away. */
  readonly holdOff: number;
  readonly end: End | undefined;
}

export type ViewerEvent =
  | { readonly type: "start"; readonly token: boolean; readonly webrtc: boolean }
  | { readonly type: "granted"; readonly live: boolean }
  | { readonly type: "refused"; readonly status: number; readonly sentence: string; readonly retryAfter?: number | undefined }
  | { readonly type: "events"; readonly up: boolean }
  | { readonly type: "stream"; readonly live: boolean }
  | { readonly type: "opened" }
  | { readonly type: "rejected"; readonly status: number; readonly sentence: string; readonly retryAfter?: number | undefined }
  /** The session is over. */
  | { readonly type: "lost" }
  | { readonly type: "unmendable" }
  /** A new session would have what this one lacks. */
  | { readonly type: "outgrown" }
  /** Only a new session brings pictures again. */
  | { readonly type: "stalled" }
  /** No pictures for now; the session is kept. */
  | { readonly type: "still" }
  | { readonly type: "closed-by-server"; readonly reason: string }
  | { readonly type: "frames" }
  | { readonly type: "steady" }
  | { readonly type: "draining"; readonly retryAfter: number }
  | { readonly type: "retry-due" }
  /** The network came back or the page was looked at again. */
  | { readonly type: "network" }
  | { readonly type: "token-refused"; readonly sentence: string };

export type Command =
  /** Ask the server what the token allows. */
  | { readonly type: "ask" }
  /** Open a WHEP session in place of the one there may be. */
  | { readonly type: "open" }
  /** End the session, if there is one, and forget a planned retry. */
  | { readonly type: "close" }
  /** Send `retry-due` after a backoff for so many failures and at least so many seconds. */
  | { readonly type: "retry"; readonly failures: number; readonly atLeast: number };

export interface Step {
  readonly state: ViewerState;
  readonly commands: readonly Command[];
}

export const initialState: ViewerState = {
  granted: false,
  live: undefined,
  events: false,
  session: "none",
  flowing: false,
  seen: false,
  failures: 0,
  holdOff: 0,
  end: undefined,
};

/** Seconds between questions whether the technician is there: slow as a safety net, quicker when nobody tells us. */
const askWithEvents = 15;
const askWithoutEvents = 3;

const accessEnded = /expire|revoke|token|access/i;
const removed = /kick/i;

export function viewOf(state: ViewerState): View {
  if (state.end) return state.end.view;
  if (!state.granted) return "loading";
  if (state.flowing) return "playing";
  if (state.live === false) return "waiting";
  return state.seen ? "reconnecting" : "loading";
}

function stay(state: ViewerState): Step {
  return { state, commands: [] };
}

function finish(state: ViewerState, end: End): Step {
  return { state: { ...state, end, session: "none", flowing: false }, commands: [{ type: "close" }] };
}

function open(state: ViewerState): Step {
  return { state: { ...state, session: "opening", flowing: false }, commands: [{ type: "open" }] };
}

function accessProblem(state: ViewerState, sentence: string): Step {
  if (state.seen) return finish(state, { view: "ended", code: "access-ended", sentence });
  return finish(state, { view: "error", code: "denied", sentence });
}

function waitForTechnician(state: ViewerState, retryAfter?: number): Step {
  const atLeast = state.events ? askWithEvents : (retryAfter ?? askWithoutEvents);
  return {
    state: { ...state, live: false, session: "none", flowing: false, failures: 0 },
    commands: [{ type: "retry", failures: 1, atLeast }],
  };
}

function tryAgain(state: ViewerState, retryAfter = 0): Step {
  const failures = state.failures + 1;
  return {
    state: { ...state, session: "none", flowing: false, failures },
    commands: [{ type: "retry", failures, atLeast: Math.max(retryAfter, state.holdOff) }],
  };
}

function lost(state: ViewerState): Step {
  if (state.session === "none") return stay({ ...state, flowing: false });
  const step = state.live === false ? waitForTechnician(state) : tryAgain(state);
  return { state: step.state, commands: [{ type: "close" }, ...step.commands] };
}

function refused(state: ViewerState, event: ViewerEvent & { type: "refused" }): Step {
  if (event.status === 401 || event.status === 403) return accessProblem(state, event.sentence);
  if (event.status === 404) return finish(state, { view: "error", code: "not-found", sentence: event.sentence });
  return tryAgain(state, event.retryAfter);
}

function rejected(state: ViewerState, event: ViewerEvent & { type: "rejected" }): Step {
  const { status, sentence, retryAfter } = event;
  // Told of the technician while the refusal was on its way, or by news that lag behind it: one of both is old.
  if (status === 409) return state.events && state.live ? tryAgain(state) : waitForTechnician(state, retryAfter);
  if ([400, 406, 415, 422].includes(status)) return finish(state, { view: "error", code: "unsupported", sentence });
  return refused(state, { type: "refused", status, sentence, retryAfter });
}

function stream(state: ViewerState, live: boolean): Step {
  const next = { ...state, live };
  if (!live) return stay({ ...next, flowing: false });
  return state.session === "none" ? open(next) : stay(next);
}

/** An event after the end: only a technician who comes back, perhaps with a codec this browser knows, changes anything. */
function afterEnd(state: ViewerState, event: ViewerEvent): Step {
  if (event.type === "start") return begin(event);
  if (state.end?.code === "unsupported" && event.type === "stream") {
    if (event.live && state.live === false) return open({ ...state, live: true, end: undefined });
    return stay({ ...state, live: event.live });
  }
  return stay(state);
}

function begin(event: ViewerEvent & { type: "start" }): Step {
  if (!event.webrtc) return finish(initialState, { view: "error", code: "no-webrtc", sentence: "" });
  if (!event.token) return finish(initialState, { view: "error", code: "no-token", sentence: "" });
  return { state: initialState, commands: [{ type: "ask" }] };
}

function retryDue(state: ViewerState): Step {
  if (!state.granted) return { state, commands: [{ type: "ask" }] };
  return state.session === "none" ? open(state) : stay(state);
}

/** The way of the open session cannot be mended: long enough was waited already. */
function unmendable(state: ViewerState): Step {
  if (state.live === false || state.holdOff > 0) return lost(state);
  return open({ ...state, failures: state.failures + 1 });
}

export function reduce(state: ViewerState, event: ViewerEvent): Step {
  if (state.end) return afterEnd(state, event);
  switch (event.type) {
    case "start":
      return begin(event);
    case "granted": {
      const known = { ...state, granted: true, failures: 0, live: event.live };
      return event.live ? open(known) : waitForTechnician(known);
    }
    case "refused":
      return refused(state, event);
    case "events":
      return stay({ ...state, events: event.up });
    case "stream":
      return state.granted ? stream(state, event.live) : stay({ ...state, live: event.live });
    case "opened":
      return stay({ ...state, session: "open", holdOff: 0 });
    case "rejected":
      return rejected(state, event);
    case "lost":
      return lost(state);
    case "unmendable":
      return unmendable(state);
    case "outgrown":
      return state.session === "open" ? open(state) : stay(state);
    case "still":
      return stay({ ...state, flowing: false });
    case "stalled":
      // No pictures from a technician who is away is no fault of the connection: the server resumes it by itself.
      return state.live === false ? stay({ ...state, flowing: false }) : lost(state);
    case "closed-by-server":
      if (removed.test(event.reason)) return finish(state, { view: "ended", code: "removed", sentence: "" });
      return accessEnded.test(event.reason)
        ? finish(state, { view: "ended", code: "access-ended", sentence: "" })
        : lost(state);
    case "frames":
      return stay({ ...state, flowing: true, seen: true, live: state.session === "open" ? true : state.live });
    case "steady":
      return stay({ ...state, failures: 0 });
    case "draining":
      return stay({ ...state, holdOff: event.retryAfter });
    case "retry-due":
    case "network":
      return retryDue(state);
    case "token-refused":
      return accessProblem(state, event.sentence);
  }
}

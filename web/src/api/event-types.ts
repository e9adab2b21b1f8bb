/** The live events' payloads. Written by `python -m tools.event_types` from gateway/api/event_schemas.py. */

import { either, flag, list, nothing, nullable, number, object, oneOf, optional, type Reader, text } from "./reading";

/** Asks for the whole state again. */
export interface Watch {
  readonly camera?: string | null;
}

/** A page's own SDP offer: return audio and further cameras may have lines in it. */
export interface SessionOffer {
  readonly sdp: string;
  readonly kind: "whep" | "whip";
  readonly camera?: string;
}

/** The shape of an RTCIceServer. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** An opened session. */
export interface SessionAnswer {
  readonly sdp: string;
  readonly sessionId: string;
  /** Of its ICE session: what If-Match of a restart must say. */
  readonly etag: string;
  readonly iceServers: readonly IceServer[];
}

/** As browsers give it. */
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
  readonly usernameFragment?: string | null;
}

/** A candidate of the page, null after the last. The gateway answers whoever checks, and needs none. */
export interface SessionCandidate {
  readonly sessionId: string;
  readonly candidate?: IceCandidate | string | null;
}

/** One of one's own sessions. */
export interface SessionNamed {
  readonly sessionId: string;
}

/** What one's own session should play. */
export interface LayerSelect {
  readonly sessionId: string;
  /** A layer's rid, or auto. */
  readonly rid?: string;
  readonly maxHeight?: number | null;
  /** One of the session's further video lines; the main one when left out. */
  readonly mid?: string | null;
}

/** The camera that one's own session should show. */
export interface CameraSelect {
  readonly sessionId: string;
  /** Null, with `mid`, takes the pin off. */
  readonly camera: string | null;
  /** Pins it to one of the session's further video lines. */
  readonly mid?: string | null;
}

/** How one's own session plays; what is left out stays as it was said before. */
export interface PlaybackReport {
  readonly sessionId: string;
  readonly glassToGlass?: number | null;
  readonly firstFrame?: number | null;
  readonly freezes?: number | null;
  readonly frozen?: number | null;
  readonly stalled?: boolean | null;
}

/** The gateway's clock. */
export interface ClockReading {
  /** Unix milliseconds. */
  readonly now: number;
}

/** Somebody in the order. */
export interface ViewerNamed {
  readonly viewerId: string;
}

/** Silences somebody, or lets be heard again. */
export interface TalkMute {
  /** Left out: everybody, also those who are yet to come. */
  readonly viewerId?: string | null;
  readonly muted?: boolean;
}

/** How customers get to speak. */
export interface TalkPolicy {
  readonly mode: "open" | "request" | "off";
}

/** Says something in writing. */
export interface ChatSend {
  readonly text: string;
}

/** Who wrote something. */
export interface Author {
  readonly viewerId: string;
  readonly name: string;
  readonly role: "customer" | "technician" | "staff";
}

/** Something said in writing. */
export interface ChatMessage {
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly from: Author;
  readonly text: string;
}

/** Notes something at this moment. */
export interface MarkerAdd {
  readonly label: string;
}

/** Something that happened, and when. */
export interface Marker {
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly label: string;
  readonly by: string;
}

/** A camera of the order. */
export interface Camera {
  readonly name: string;
  readonly live: boolean;
  /** Unix seconds since when it is live. */
  readonly since: number | null;
  readonly codec: string | null;
  readonly layers: readonly Layer[];
}

/** One size in which a camera is broadcast. */
export interface Layer {
  readonly rid: string;
  /** Pixels; 0 while unknown. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly bitrate: number;
  readonly live: boolean;
}

/** The order's cameras. */
export interface StreamState {
  readonly orderId: string;
  readonly cameras: readonly Camera[];
}

/** How many watch. */
export interface Viewers {
  readonly count: number;
}

/** A further video line of a session. */
export interface Line {
  readonly mid: string;
  readonly camera: string | null;
  /** The camera that was pinned to it, live or not; null for a line of thumbnails. */
  readonly pinned: string | null;
}

/** What a viewer's session plays, and what was asked for. Null while nothing plays. */
export interface LayerState {
  readonly sessionId: string;
  readonly camera: string;
  /** Another than `camera` while that one is gone. */
  readonly wantedCamera: string;
  readonly lines: readonly Line[];
  readonly rid: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly fps: number | null;
  readonly bitrate: number | null;
  readonly wanted: string;
  readonly maxHeight: number | null;
}

/** What arrives from a publisher's session. */
export interface UplinkState {
  readonly sessionId: string;
  readonly camera: string;
  readonly bitrate: number;
  readonly loss: number;
  readonly layers: readonly Layer[];
}

/** A session has ended, or with an empty id the connection. */
export interface SessionClosed {
  readonly sessionId: string;
  readonly reason: string;
}

/** The process stops. */
export interface Draining {
  readonly retryAfter: number;
}

/** Somebody who is heard now. */
export interface Speaker {
  readonly viewerId: string;
  /** Empty where a customer's page says none. */
  readonly name: string;
}

/** Somebody in the queue. */
export interface Waiting {
  readonly viewerId: string;
  readonly name: string;
}

/** Who may speak, and who does; people by viewer id. */
export interface TalkState {
  readonly mode: "open" | "request" | "off";
  /** Of those who speak, the one who began first. */
  readonly speaker: string | null;
  readonly speakers: readonly Speaker[];
  /** The longest first. */
  readonly queue: readonly Waiting[];
  /** Whose turn it is, the longest first. */
  readonly granted: readonly string[];
  readonly muted: readonly string[];
  /** Whether those who are yet to come will be muted. */
  readonly mutedAll: boolean;
}

/** Somebody who watches, or waits for the picture. */
export interface Person {
  readonly viewerId: string;
  readonly name: string;
  readonly since: number;
  /** Null without a session that plays. */
  readonly camera: string | null;
  readonly layer: ViewedLayer | null;
  readonly rtt: number | null;
  readonly loss: number | null;
  readonly glassToGlass: number | null;
  readonly freezes: number | null;
  readonly talk: "none" | "waiting" | "granted" | "speaking" | "muted";
}

/** What somebody sees now. */
export interface ViewedLayer {
  readonly rid: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly bitrate: number;
}

/** Who watches. */
export interface People {
  /** Those who speak or want to first, then who came first. */
  readonly viewers: readonly Person[];
  /** How many there are, named or not. */
  readonly total: number;
}

/** The newest messages, oldest first. */
export interface ChatHistory {
  readonly messages: readonly ChatMessage[];
}

/** All markers of the order, oldest first. */
export interface Markers {
  readonly markers: readonly Marker[];
}

/** The same for somebody who just came. */
export interface TalkWelcome {
  readonly mode: "open" | "request" | "off";
  /** Of those who speak, the one who began first. */
  readonly speaker: string | null;
  readonly speakers: readonly Speaker[];
  /** The longest first. */
  readonly queue: readonly Waiting[];
  /** Whose turn it is, the longest first. */
  readonly granted: readonly string[];
  readonly muted: readonly string[];
  /** Whether those who are yet to come will be muted. */
  readonly mutedAll: boolean;
  /** One's own viewer id; it never changes. */
  readonly you: string;
}

/** What a page sends, and what the answer has beside `ok`. */
export interface ClientEvents {
  readonly "watch": { readonly data: Watch; readonly answer: Readonly<Record<string, never>> };
  readonly "session:offer": { readonly data: SessionOffer; readonly answer: SessionAnswer };
  readonly "session:candidate": { readonly data: SessionCandidate; readonly answer: Readonly<Record<string, never>> };
  readonly "session:close": { readonly data: SessionNamed; readonly answer: Readonly<Record<string, never>> };
  readonly "layer:select": { readonly data: LayerSelect; readonly answer: Readonly<Record<string, never>> };
  readonly "camera:select": { readonly data: CameraSelect; readonly answer: Readonly<Record<string, never>> };
  readonly "playback:report": { readonly data: PlaybackReport; readonly answer: Readonly<Record<string, never>> };
  readonly "clock:read": { readonly data: Readonly<Record<string, never>>; readonly answer: ClockReading };
  readonly "talk:request": { readonly data: Readonly<Record<string, never>>; readonly answer: Readonly<Record<string, never>> };
  readonly "talk:start": { readonly data: Readonly<Record<string, never>>; readonly answer: Readonly<Record<string, never>> };
  readonly "talk:stop": { readonly data: Readonly<Record<string, never>>; readonly answer: Readonly<Record<string, never>> };
  readonly "talk:withdraw": { readonly data: Readonly<Record<string, never>>; readonly answer: Readonly<Record<string, never>> };
  readonly "talk:grant": { readonly data: ViewerNamed; readonly answer: Readonly<Record<string, never>> };
  readonly "talk:deny": { readonly data: ViewerNamed; readonly answer: Readonly<Record<string, never>> };
  readonly "talk:mute": { readonly data: TalkMute; readonly answer: Readonly<Record<string, never>> };
  readonly "talk:policy": { readonly data: TalkPolicy; readonly answer: Readonly<Record<string, never>> };
  readonly "viewer:kick": { readonly data: ViewerNamed; readonly answer: Readonly<Record<string, never>> };
  readonly "chat:send": { readonly data: ChatSend; readonly answer: ChatMessage };
  readonly "marker:add": { readonly data: MarkerAdd; readonly answer: Marker };
}

/** What a page is told. */
export interface ServerEvents {
  readonly "stream:state": StreamState;
  readonly "viewers": Viewers;
  readonly "layer:state": LayerState;
  readonly "uplink:state": UplinkState;
  readonly "session:closed": SessionClosed;
  readonly "server:draining": Draining;
  readonly "talk:state": TalkState | TalkWelcome;
  readonly "people": People;
  readonly "chat:history": ChatHistory;
  readonly "chat:message": ChatMessage;
  readonly "markers": Markers;
  readonly "marker": Marker;
}

/** The most characters that a page may send. */
export const longest = {
  chat: { text: 1000 },
  marker: { label: 120 },
} as const;

const readIceServer: Reader<IceServer> = object({
  urls: list(text),
  username: optional(text),
  credential: optional(text),
});

const readSessionAnswer: Reader<SessionAnswer> = object({
  sdp: text,
  sessionId: text,
  etag: text,
  iceServers: list(readIceServer),
});

const readClockReading: Reader<ClockReading> = object({
  now: number,
});

const readAuthor: Reader<Author> = object({
  viewerId: text,
  name: text,
  role: oneOf("customer", "technician", "staff"),
});

const readChatMessage: Reader<ChatMessage> = object({
  id: text,
  at: number,
  from: readAuthor,
  text: text,
});

const readMarker: Reader<Marker> = object({
  id: text,
  at: number,
  label: text,
  by: text,
});

const readLayer: Reader<Layer> = object({
  rid: text,
  width: number,
  height: number,
  fps: number,
  bitrate: number,
  live: flag,
});

const readCamera: Reader<Camera> = object({
  name: text,
  live: flag,
  since: nullable(number),
  codec: nullable(text),
  layers: list(readLayer),
});

const readStreamState: Reader<StreamState> = object({
  orderId: text,
  cameras: list(readCamera),
});

const readViewers: Reader<Viewers> = object({
  count: number,
});

const readLine: Reader<Line> = object({
  mid: text,
  camera: nullable(text),
  pinned: nullable(text),
});

const readLayerState: Reader<LayerState> = object({
  sessionId: text,
  camera: text,
  wantedCamera: text,
  lines: list(readLine),
  rid: nullable(text),
  width: nullable(number),
  height: nullable(number),
  fps: nullable(number),
  bitrate: nullable(number),
  wanted: text,
  maxHeight: nullable(number),
});

const readUplinkState: Reader<UplinkState> = object({
  sessionId: text,
  camera: text,
  bitrate: number,
  loss: number,
  layers: list(readLayer),
});

const readSessionClosed: Reader<SessionClosed> = object({
  sessionId: text,
  reason: text,
});

const readDraining: Reader<Draining> = object({
  retryAfter: number,
});

const readSpeaker: Reader<Speaker> = object({
  viewerId: text,
  name: text,
});

const readWaiting: Reader<Waiting> = object({
  viewerId: text,
  name: text,
});

const readTalkState: Reader<TalkState> = object({
  mode: oneOf("open", "request", "off"),
  speaker: nullable(text),
  speakers: list(readSpeaker),
  queue: list(readWaiting),
  granted: list(text),
  muted: list(text),
  mutedAll: flag,
});

const readViewedLayer: Reader<ViewedLayer> = object({
  rid: text,
  width: number,
  height: number,
  fps: number,
  bitrate: number,
});

const readPerson: Reader<Person> = object({
  viewerId: text,
  name: text,
  since: number,
  camera: nullable(text),
  layer: nullable(readViewedLayer),
  rtt: nullable(number),
  loss: nullable(number),
  glassToGlass: nullable(number),
  freezes: nullable(number),
  talk: oneOf("none", "waiting", "granted", "speaking", "muted"),
});

const readPeople: Reader<People> = object({
  viewers: list(readPerson),
  total: number,
});

const readChatHistory: Reader<ChatHistory> = object({
  messages: list(readChatMessage),
});

const readMarkers: Reader<Markers> = object({
  markers: list(readMarker),
});

const readTalkWelcome: Reader<TalkWelcome> = object({
  mode: oneOf("open", "request", "off"),
  speaker: nullable(text),
  speakers: list(readSpeaker),
  queue: list(readWaiting),
  granted: list(text),
  muted: list(text),
  mutedAll: flag,
  you: text,
});

/** Reads what a page is told. */
export const told: { readonly [Event in keyof ServerEvents]: Reader<ServerEvents[Event]> } = {
  "stream:state": readStreamState,
  "viewers": readViewers,
  "layer:state": readLayerState,
  "uplink:state": readUplinkState,
  "session:closed": readSessionClosed,
  "server:draining": readDraining,
  "talk:state": either(readTalkWelcome, readTalkState),
  "people": readPeople,
  "chat:history": readChatHistory,
  "chat:message": readChatMessage,
  "markers": readMarkers,
  "marker": readMarker,
};

/** Reads what a page is answered. */
export const answered: { readonly [Event in keyof ClientEvents]: Reader<ClientEvents[Event]["answer"]> } = {
  "watch": nothing,
  "session:offer": readSessionAnswer,
  "session:candidate": nothing,
  "session:close": nothing,
  "layer:select": nothing,
  "camera:select": nothing,
  "playback:report": nothing,
  "clock:read": readClockReading,
  "talk:request": nothing,
  "talk:start": nothing,
  "talk:stop": nothing,
  "talk:withdraw": nothing,
  "talk:grant": nothing,
  "talk:deny": nothing,
  "talk:mute": nothing,
  "talk:policy": nothing,
  "viewer:kick": nothing,
  "chat:send": readChatMessage,
  "marker:add": readMarker,
};

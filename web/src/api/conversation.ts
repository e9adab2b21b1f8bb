/** What people of an order say to each other and about it: the floor, chat and markers, as the gateway tells them. */

import { isObject } from "./http";

/** How a customer gets to speak: by pressing, by asking, or not at all. */
export type TalkMode = "open" | "request" | "off";

export interface Waiting {
  readonly viewerId: string;
  readonly name: string;
}

/** Who may speak and who does; people by viewer id. */
export interface TalkState {
  readonly mode: TalkMode;
  /** The loudest of those who speak now. */
  readonly speaker: string | undefined;
  readonly speakers: readonly string[];
  /** The longest first. */
  readonly queue: readonly Waiting[];
  /** Whose turn it is. */
  readonly granted: readonly string[];
  readonly muted: readonly string[];
  readonly mutedAll: boolean;
  /** One's own id. */
  readonly you: string;
}

export type ChatRole = "customer" | "technician" | "staff";

export interface ChatMessage {
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly viewerId: string;
  readonly name: string;
  readonly role: ChatRole;
  readonly text: string;
}

/** What the technician noted, and when. */
export interface Marker {
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly label: string;
  readonly by: string;
}

/** What one's own session shows besides its layers. */
export interface CameraState {
  readonly sessionId: string;
  /** On the main line; undefined while unknown. */
  readonly camera: string | undefined;
  readonly wanted: string | undefined;
  /** What each further video line shows, by mid. */
  readonly lines: ReadonlyMap<string, string | undefined>;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function name(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Ids are texts or numbers. */
function identity(value: unknown): string {
  return typeof value === "number" ? String(value) : text(value);
}

function instant(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function list<Item>(value: unknown, parse: (item: unknown) => Item | undefined): Item[] {
  return Array.isArray(value) ? value.map(parse).filter((item) => item !== undefined) : [];
}

function parseWaiting(value: unknown): Waiting | undefined {
  if (!isObject(value) || typeof value.viewerId !== "string") return undefined;
  return { viewerId: value.viewerId, name: text(value.name) };
}

export function parseTalkState(value: unknown): TalkState | undefined {
  if (!isObject(value)) return undefined;
  const { mode } = value;
  if (mode !== "open" && mode !== "request" && mode !== "off") return undefined;
  return {
    mode,
    speaker: name(value.speaker),
    speakers: list(value.speakers, name),
    queue: list(value.queue, parseWaiting),
    granted: list(value.granted, name),
    muted: list(value.muted, name),
    mutedAll: value.mutedAll === true,
    you: text(value.you),
  };
}

export function parseChatMessage(value: unknown): ChatMessage | undefined {
  if (!isObject(value) || typeof value.text !== "string") return undefined;
  const from = isObject(value.from) ? value.from : {};
  const { role } = from;
  return {
    id: identity(value.id),
    at: instant(value.at),
    viewerId: text(from.viewerId),
    name: text(from.name),
    role: role === "technician" || role === "staff" ? role : "customer",
    text: value.text,
  };
}

/** The oldest first. */
export function parseChatHistory(value: unknown): ChatMessage[] {
  return list(isObject(value) ? value.messages : undefined, parseChatMessage);
}

export function parseMarker(value: unknown): Marker | undefined {
  if (!isObject(value) || typeof value.label !== "string") return undefined;
  const by = isObject(value.by) ? text(value.by.name) : text(value.by);
  return { id: identity(value.id), at: instant(value.at), label: value.label, by };
}

export function parseMarkers(value: unknown): Marker[] {
  return list(isObject(value) ? value.markers : undefined, parseMarker);
}

/** From `layer:state`. */
export function parseCameraState(value: unknown): CameraState | undefined {
  if (!isObject(value) || typeof value.sessionId !== "string") return undefined;
  const lines = list(value.lines, (line) =>
    isObject(line) && typeof line.mid === "string" ? ([line.mid, name(line.camera)] as const) : undefined,
  );
  const camera = name(value.camera);
  return { sessionId: value.sessionId, camera, wanted: name(value.wantedCamera) ?? camera, lines: new Map(lines) };
}

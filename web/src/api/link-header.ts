/** ICE servers from Link header fields (RFC 9725, section 4.6). */

const parameter = /;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s]+))/gy;

interface Link {
  readonly target: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Links of a field value (RFC 8288); commas inside `<…>` and quotes do not split. Garbage is skipped. */
export function parseLinks(value: string): Link[] {
  const links: Link[] = [];
  const target = /<([^>]*)>/g;
  for (let match = target.exec(value); match !== null; match = target.exec(value)) {
    const parameters = new Map<string, string>();
    parameter.lastIndex = target.lastIndex;
    for (let found = parameter.exec(value); found !== null; found = parameter.exec(value)) {
      const name = (found[1] ?? "").toLowerCase();
      const text = found[2]?.replace(/\\(.)/g, "$1") ?? found[3] ?? "";
      if (!parameters.has(name)) parameters.set(name, text);
      target.lastIndex = parameter.lastIndex;
    }
    links.push({ target: match[1] ?? "", parameters });
  }
  return links;
}

export function parseIceServers(value: string | null): RTCIceServer[] {
  return parseLinks(value ?? "")
    .filter(({ parameters }) => parameters.get("rel")?.split(/\s+/).includes("ice-server"))
    .map(({ target, parameters }) => {
      const server: RTCIceServer = { urls: target };
      const username = parameters.get("username");
      const credential = parameters.get("credential");
      if (username !== undefined) server.username = username;
      if (credential !== undefined) server.credential = credential;
      return server;
    });
}

/** ICE servers as JSON answers carry them; anything else is left out. */
export function iceServersOf(value: unknown): RTCIceServer[] {
  if (!Array.isArray(value)) return [];
  return value.filter((entry): entry is RTCIceServer => {
    if (typeof entry !== "object" || entry === null) return false;
    const { urls } = entry as { urls?: unknown };
    return typeof urls === "string" || (Array.isArray(urls) && urls.every((url) => typeof url === "string"));
  });
}

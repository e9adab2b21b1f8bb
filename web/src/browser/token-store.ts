/** Where a page finds and keeps its token. The address bar loses it at once, so that it is never shared by a copied link. */

export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A token under one key, in every store that is given; stores that refuse (private windows) are passed over. */
export class TokenStore {
  private token: string | undefined;

  constructor(
    private readonly key: string,
    private readonly stores: readonly KeyValueStore[],
  ) {}

  read(): string | undefined {
    if (this.token !== undefined) return this.token;
    for (const store of this.stores) {
      const found = attempt(() => store.getItem(this.key));
      if (found) return (this.token = found);
    }
    return undefined;
  }

  write(token: string): void {
    this.token = token;
    for (const store of this.stores) attempt(() => store.setItem(this.key, token));
  }

  clear(): void {
    this.token = undefined;
    for (const store of this.stores) attempt(() => store.removeItem(this.key));
  }
}

function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function browserStores(): KeyValueStore[] {
  return [attempt(() => sessionStorage), attempt(() => localStorage)].filter((store) => store !== undefined);
}

/** The customer's token; the key is the one the shop's site writes. */
export function watchTokens(): TokenStore {
  return new TokenStore("liveStreamToken", browserStores());
}

/** The technician's token: kept for this tab only. */
export function publishTokens(): TokenStore {
  const store = attempt(() => sessionStorage);
  return new TokenStore("liveStudioToken", store ? [store] : []);
}

export interface Address {
  /** Query and fragment parameters together; the fragment wins. */
  readonly parameters: URLSearchParams;
  /** The address without its token. */
  readonly clean: string;
}

/** Splits an address into its parameters and what may stay in the address bar. */
export function readAddress(href: string): Address {
  const url = new URL(href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const parameters = new URLSearchParams(url.search);
  for (const [name, value] of fragment) parameters.set(name, value);
  url.searchParams.delete("token");
  if (fragment.has("token")) {
    fragment.delete("token");
    url.hash = fragment.toString();
  }
  return { parameters, clean: url.pathname + url.search + url.hash };
}

/** Parameters of this page's address; a token in it is moved into `tokens` and out of the address bar. */
export function takeAddress(tokens: TokenStore): URLSearchParams {
  const { parameters, clean } = readAddress(location.href);
  const token = parameters.get("token")?.trim();
  if (token) {
    tokens.write(token);
    history.replaceState(history.state, "", clean);
  }
  return parameters;
}

/** A link with another token, pasted into the same tab, changes only the fragment: the page begins anew with it. */
export function restartOnNewToken(tokens: TokenStore): void {
  window.addEventListener("hashchange", () => {
    if (!readAddress(location.href).parameters.has("token")) return;
    takeAddress(tokens);
    location.reload();
  });
}

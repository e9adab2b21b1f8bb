/** Notices that the device went into another network. */

export interface NetworkListener {
  /** It did. */
  readonly changed: () => void;
  /** It may have: browsers that do not name the kind of network tell of changed speed in the same way. */
  readonly perhapsChanged: () => void;
}

/** The Network Information API, as far as a browser has it: Safari and Firefox do not. */
interface Connection extends EventTarget {
  readonly type?: string;
}

/** Milliseconds: one change is told by several events. */
const settling = 50;

export function watchNetwork(listener: NetworkListener, signal: AbortSignal): void {
  const { connection } = navigator as { readonly connection?: Connection };
  let type = connection?.type;
  let timer: number | undefined;
  let certain = false;
  const note = (sure: boolean) => {
    certain ||= sure;
    timer ??= window.setTimeout(() => {
      if (!signal.aborted) (certain ? listener.changed : listener.perhapsChanged)();
      timer = undefined;
      certain = false;
    }, settling);
  };
  window.addEventListener("online", () => note(true), { signal });
  connection?.addEventListener(
    "change",
    () => {
      // Into no network at all is no place to send anything.
      const another = connection.type !== type && connection.type !== "none";
      type = connection.type;
      if (navigator.onLine) note(another);
    },
    { signal },
  );
}

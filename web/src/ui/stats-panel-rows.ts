/** What the statistics overlay says of a connection, line by line. Pure. */

import type { Locale } from "../i18n/locale";
import type { Figures } from "../viewer/connection-figures";

type Text = Locale["text"];

/** What the overlay says beside what `getStats` has. */
export interface SessionFigures {
  /** Rid of the layer that plays; empty without simulcast. */
  readonly layer: string;
  /** Seconds from the camera to the screen; undefined while unknown. */
  readonly delay: number | undefined;
  readonly id: string;
}

const unknown = "–";

function milliseconds(text: Text, seconds: number | undefined): string {
  return seconds === undefined ? unknown : text("milliseconds", { count: Math.round(seconds * 1000) });
}

/** Label and value of each line. */
export function rows(text: Text, figures: Figures, { layer, delay, id }: SessionFigures): [string, string][] {
  const { width, height, framesPerSecond, bitrate, loss, freezes, frozen, way } = figures;
  const rate = framesPerSecond === undefined ? "" : `, ${text("perSecond", { count: Math.round(framesPerSecond) })}`;
  const froze = freezes === undefined ? unknown : `${freezes}, ${text("seconds", { count: Math.round((frozen ?? 0) * 10) / 10 })}`;
  return [
    [text("codec"), figures.codec || unknown],
    [text("resolution"), width > 0 ? `${width}×${height}${rate}` : unknown],
    [text("layer"), layer || unknown],
    [text("bitrate"), bitrate === undefined ? unknown : text("kilobits", { count: Math.round(bitrate / 1000) })],
    [text("packetLoss"), loss === undefined ? unknown : text("percent", { count: Math.round(loss * 1000) / 10 })],
    [text("roundTrip"), milliseconds(text, figures.roundTrip)],
    [text("figuresBuffer"), milliseconds(text, figures.buffer)],
    [text("figuresFreezes"), froze],
    [text("figuresDelay"), milliseconds(text, delay)],
    [text("figuresWay"), way ? `${way.local} → ${way.remote}, ${way.protocol.toUpperCase()}` : unknown],
    // The whole of it would open the session.
    [text("figuresSession"), id.slice(0, 6) || unknown],
  ];
}

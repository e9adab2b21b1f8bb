/** Who speaks to the technician now, as a sentence. */

import type { Locale } from "../i18n/locale";
import type { Participation } from "../viewer/participation";

/** Empty when nobody does. */
export function speakingText(text: Locale["text"], part: Participation): string {
  const { talk, you } = part;
  if (talk.speaking) return text("speakingYou");
  const others = talk.floor?.speakers.filter(({ viewerId }) => viewerId !== you) ?? [];
  const [name, other] = others.map((each) => each.name).filter(Boolean);
  if (others.length === 0) return "";
  if (name === undefined) return text("speakingOther");
  if (others.length === 1) return text("speakingNamed", { name });
  return others.length === 2 && other !== undefined
    ? text("speakingTwo", { name, other })
    : text("speakingMany", { name, count: others.length - 1 });
}

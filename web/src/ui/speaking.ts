/** Who speaks to the technician now, as a sentence. */

import type { Locale } from "../i18n/locale";
import type { Participation } from "../viewer/participation";

/** Empty when nobody does. */
export function speakingText(text: Locale["text"], part: Participation): string {
  const { talk, you } = part;
  if (talk.speaking) return text("speakingYou");
  const other = talk.floor?.speakers.find(({ viewerId }) => viewerId !== you);
  if (!other) return "";
  return other.name === "" ? text("speakingOther") : text("speakingNamed", { name: other.name });
}

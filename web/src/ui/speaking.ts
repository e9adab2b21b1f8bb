/** Who speaks to the technician now, as a sentence. */

import type { Locale } from "../i18n/locale";
import type { Participation } from "../viewer/participation";

/** Empty when nobody does. Others are named where anything has told their name. */
export function speakingText(text: Locale["text"], part: Participation): string {
  const { talk, conversation, you } = part;
  if (talk.speaking) return text("speakingYou");
  const others = talk.floor?.speakers.filter((viewerId) => viewerId !== you) ?? [];
  const [first] = others;
  if (first === undefined) return "";
  const known = conversation.messages.find(({ from }) => from.viewerId === first && from.name !== "");
  return known ? text("speakingNamed", { name: known.from.name }) : text("speakingOther");
}

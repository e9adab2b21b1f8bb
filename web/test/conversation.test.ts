import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../src/api/event-types";
import { Conversation } from "../src/viewer/conversation";

function message(id: string, at: number, viewerId = "other"): ChatMessage {
  return { id, at, from: { viewerId, name: "", role: "technician" }, text: id };
}

describe("chat", () => {
  const chat = () => new Conversation(() => "me", () => undefined);

  it("counts what others say while nobody looks", () => {
    const conversation = chat();
    conversation.history([message("1", 1)]);
    expect(conversation.unread).toBe(0);
    conversation.said([message("2", 2), message("3", 3, "me")]);
    expect(conversation.unread).toBe(1);
    conversation.look(true);
    conversation.said([message("4", 4)]);
    expect(conversation.unread).toBe(0);
    conversation.look(false);
    conversation.said([message("5", 5)]);
    expect(conversation.unread).toBe(1);
  });

  it("keeps order and identity when the history comes again", () => {
    const conversation = chat();
    conversation.history([message("1", 1), message("2", 2)]);
    conversation.said([message("4", 4)]);
    conversation.history([message("2", 2), message("3", 3), message("4", 4)]);
    expect(conversation.messages.map(({ id }) => id)).toEqual(["1", "2", "3", "4"]);
    expect(conversation.unread).toBe(2);
  });
});

import { describe, expect, it } from "vitest";
import type { Camera, ChatMessage, LayerState } from "../src/api/event-types";
import { Cameras } from "../src/viewer/cameras";
import { Conversation } from "../src/viewer/conversation";

function camera(name: string, live = true): Camera {
  return { name, live, since: null, codec: null, layers: [] };
}

function playing(shown: string, lines: Record<string, string> = {}, wantedCamera = "main"): LayerState {
  const played = { rid: "h", width: 1280, height: 720, fps: 30, bitrate: 1_000_000, wanted: "auto", maxHeight: null };
  const further = Object.entries(lines).map(([mid, camera]) => ({ mid, camera, pinned: null }));
  return { sessionId: "s", camera: shown, wantedCamera, lines: further, ...played };
}

function message(id: string, at: number, viewerId = "other"): ChatMessage {
  return { id, at, from: { viewerId, name: "", role: "technician" }, text: id };
}

describe("cameras", () => {
  it("offers no choice where there is only one", () => {
    const cameras = new Cameras("main");
    cameras.know([camera("main"), camera("microscope", false)]);
    expect(cameras.view.tiles).toEqual([]);
    expect(cameras.thumbnails).toBe(0);
  });

  it("finds each live camera's line, by name", () => {
    const cameras = new Cameras("main");
    cameras.know([camera("microscope"), camera("main"), camera("bench", false)]);
    cameras.play(playing("main", { "3": "main", "4": "microscope" }));
    expect(cameras.thumbnails).toBe(2);
    expect(cameras.view).toEqual({
      shown: "main",
      away: undefined,
      tiles: [
        { name: "main", mid: "3", shown: true },
        { name: "microscope", mid: "4", shown: false },
      ],
    });
  });

  it("says who is away while another one stands in", () => {
    const cameras = new Cameras("microscope");
    cameras.know([camera("main"), camera("microscope", false)]);
    cameras.play(playing("microscope"));
    expect(cameras.view.away).toBeUndefined();
    expect(cameras.main?.live).toBe(false);
    cameras.play(playing("main"));
    expect(cameras.view).toMatchObject({ away: "microscope", shown: "main" });
    expect(cameras.main?.name).toBe("main");
  });

  it("begins with one that is live", () => {
    const cameras = new Cameras("main");
    cameras.know([camera("main", false), camera("microscope")]);
    expect(cameras.first).toBe("microscope");
    cameras.know([camera("main"), camera("microscope")]);
    expect(cameras.first).toBeUndefined();
    cameras.know([]);
    expect([cameras.main, cameras.first]).toEqual([undefined, undefined]);
    expect(new Cameras("microscope").first).toBe("microscope");
  });

  it("asks for no more thumbnails than fit", () => {
    const cameras = new Cameras("main");
    cameras.know(["a", "b", "c", "d", "e"].map((name) => camera(name)));
    expect(cameras.thumbnails).toBe(3);
    expect(cameras.view.tiles).toHaveLength(5);
  });
});

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

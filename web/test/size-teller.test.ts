import { describe, expect, it } from "vitest";
import { SizeTeller, sessionId, shownHeight } from "../src/viewer/size-teller";

describe("SizeTeller", () => {
  it("tells a new session once", () => {
    const teller = new SizeTeller();
    expect(teller.update("a", 400)).toBe(600);
    expect(teller.update("a", 400)).toBeUndefined();
    expect(teller.update("b", 400)).toBe(600);
  });

  it("tells a size that changed, not one that trembles", () => {
    const teller = new SizeTeller();
    teller.update("a", 400);
    expect(teller.update("a", 430)).toBeUndefined();
    expect(teller.update("a", 800)).toBe(1200);
    expect(teller.update("a", 100)).toBe(150);
  });

  it("has nothing to tell without a session or a picture", () => {
    const teller = new SizeTeller();
    expect(teller.update("", 400)).toBeUndefined();
    expect(teller.update("a", 0)).toBeUndefined();
    expect(teller.update("a", Number.NaN)).toBeUndefined();
  });

  it("never asks for more than the gateway takes", () => {
    expect(new SizeTeller().update("a", 9_000)).toBe(10_000);
  });
});

describe("sessionId", () => {
  it("is the last part of the session's URL", () => {
    expect(sessionId("https://live.example.com/sessions/x_1")).toBe("x_1");
    expect(sessionId(undefined)).toBe("");
  });
});

describe("shownHeight", () => {
  it("leaves the bars above and below out", () => {
    expect(shownHeight(320, 600, 1280, 720)).toBe(180);
    expect(shownHeight(2000, 360, 1280, 720)).toBe(360);
    expect(shownHeight(320, 600, 0, 0)).toBe(600);
  });
});

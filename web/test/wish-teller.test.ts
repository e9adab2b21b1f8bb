import { describe, expect, it } from "vitest";
import { shownHeight, WishTeller } from "../src/viewer/wish-teller";

describe("the size of the window", () => {
  it("is told once a session", () => {
    const teller = new WishTeller();
    expect(teller.update("a", "auto", 400)).toEqual({ rid: "auto", maxHeight: 600 });
    expect(teller.update("a", "auto", 400)).toBeUndefined();
    expect(teller.update("b", "auto", 400)).toEqual({ rid: "auto", maxHeight: 600 });
  });

  it("is told when it changed, not when it trembles", () => {
    const teller = new WishTeller();
    teller.update("a", "auto", 400);
    expect(teller.update("a", "auto", 430)).toBeUndefined();
    expect(teller.update("a", "auto", 800)).toEqual({ rid: "auto", maxHeight: 1200 });
    expect(teller.update("a", "auto", 100)).toEqual({ rid: "auto", maxHeight: 150 });
  });

  it("is not told without a session or a picture", () => {
    const teller = new WishTeller();
    expect(teller.update("", "auto", 400)).toBeUndefined();
    expect(teller.update("a", "auto", 0)).toBeUndefined();
    expect(teller.update("a", "auto", Number.NaN)).toBeUndefined();
  });

  it("never asks for more than the gateway takes", () => {
    expect(new WishTeller().update("a", "auto", 9_000)).toEqual({ rid: "auto", maxHeight: 10_000 });
  });
});

describe("a chosen layer", () => {
  it("is told once a session, and then no size", () => {
    const teller = new WishTeller();
    teller.update("a", "auto", 400);
    expect(teller.update("a", "m", 400)).toEqual({ rid: "m" });
    expect(teller.update("a", "m", 900)).toBeUndefined();
    expect(teller.update("b", "m", 900)).toEqual({ rid: "m" });
    expect(teller.update("b", "l", 900)).toEqual({ rid: "l" });
  });

  it("gives way to the size of the window, also to one that was told before", () => {
    const teller = new WishTeller();
    teller.update("a", "auto", 400);
    teller.update("a", "m", 400);
    expect(teller.update("a", "auto", 400)).toEqual({ rid: "auto", maxHeight: 600 });
  });

  it("is told again to a gateway that may not have heard it", () => {
    const teller = new WishTeller();
    teller.update("a", "m", 400);
    teller.forget();
    expect(teller.update("a", "m", 400)).toEqual({ rid: "m" });
  });
});

describe("shownHeight", () => {
  it("leaves the bars above and below out", () => {
    expect(shownHeight(320, 600, 1280, 720)).toBe(180);
    expect(shownHeight(2000, 360, 1280, 720)).toBe(360);
    expect(shownHeight(320, 600, 0, 0)).toBe(600);
  });
});

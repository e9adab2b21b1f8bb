import { describe, expect, it } from "vitest";
import { catalogue, chooseLanguage, formatDuration, type Language, languages, type MessageKey, translate } from "../src/i18n/format";
import type { Message } from "../src/i18n/messages";

const keys = Object.keys(catalogue.en) as MessageKey[];

function texts(message: Message): string[] {
  return typeof message === "string" ? [message] : Object.values(message);
}

function placeholders(message: Message): string[] {
  return [...new Set(texts(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();
}

describe.each(languages)("%s", (language) => {
  const messages = catalogue[language];

  it("has every text and no other", () => {
    expect(Object.keys(messages).sort()).toEqual([...keys].sort());
    for (const key of keys) expect(texts(messages[key]).every((text) => text.trim() !== ""), key).toBe(true);
  });

  it("fills in the same values as English", () => {
    for (const key of keys) expect(placeholders(messages[key]), key).toEqual(placeholders(catalogue.en[key]));
  });

  it("has every plural form of its language", () => {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const key of keys) {
      const message = messages[key];
      if (typeof message !== "string") expect(Object.keys(message).sort(), key).toEqual([...categories].sort());
    }
  });

  it("translates: what is not short differs from English", () => {
    if (language === "en") return;
    const same = keys.filter((key) => {
      const [own, english] = [texts(messages[key])[0], texts(catalogue.en[key])[0]];
      return own === english && (own ?? "").replace(/\{\w+\}/g, "").length > 8;
    });
    expect(same).toEqual([]);
  });
});

describe("plural forms", () => {
  it.each<[Language, number, string]>([
    ["ru", 1, "1 зритель"],
    ["ru", 3, "3 зрителя"],
    ["ru", 11, "11 зрителей"],
    ["ru", 21, "21 зритель"],
    ["cs", 1, "1 divák"],
    ["cs", 4, "4 diváci"],
    ["cs", 5, "5 diváků"],
    ["en", 0, "0 viewers"],
    ["en", 1, "1 viewer"],
  ])("%s counts %i as %s", (language, count, text) => {
    expect(translate(language, "viewers", { count })).toBe(text);
  });
});

describe("choosing and writing", () => {
  it("takes the first language there is", () => {
    expect(chooseLanguage([null, "de-DE", "cs-CZ", "ru"])).toBe("cs");
    expect(chooseLanguage(["CZ"])).toBe("cs");
    expect(chooseLanguage(["ru_RU"])).toBe("ru");
    expect(chooseLanguage(["de", undefined])).toBe("en");
  });

  it("leaves a value that is missing visible", () => {
    expect(translate("en", "onAirFor")).toBe("On the air for {time}");
  });

  it.each([
    [0, "0:00"],
    [-5, "0:00"],
    [65_000, "1:05"],
    [3_600_000, "1:00:00"],
    [36_061_999, "10:01:01"],
  ])("%i ms is %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

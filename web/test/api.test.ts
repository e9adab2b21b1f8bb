import { afterEach, describe, expect, it, vi } from "vitest";
import { parseInstant, parsePayload, renewalDelay, validateToken } from "../src/api/auth";
import { backoff } from "../src/api/backoff";
import { answered, told } from "../src/api/event-types";
import { playedLayer } from "../src/api/events";
import { reachable, request } from "../src/api/http";
import { iceServersOf, parseIceServers, parseLinks } from "../src/api/link-header";
import { orderCodecs, withStereoOpus } from "../src/api/offer";
import { fitting } from "../src/api/reading";
import { ApiError, parseRetryAfter, sentenceOf } from "../src/api/problem";

afterEach(() => vi.unstubAllGlobals());

describe("Link", () => {
  it("reads ICE servers with and without credentials", () => {
    const field =
      '<stun:stun.example:3478>; rel="ice-server", ' +
      '<turn:turn.example:3478?transport=udp>; rel="ice-server"; username="12:a,b"; credential="p;q\\"r"; credential-type="password"';
    expect(parseIceServers(field)).toEqual([
      { urls: "stun:stun.example:3478" },
      { urls: "turn:turn.example:3478?transport=udp", username: "12:a,b", credential: 'p;q"r' },
    ]);
  });

  it("leaves other relations out", () => {
    const field = '</sessions/1/layer>; rel="urn:ietf:params:whep:ext:core:layer", <stun:s>;rel=ice-server';
    expect(parseIceServers(field)).toEqual([{ urls: "stun:s" }]);
  });

  it.each([null, "", "garbage", "<", "<a", ";;;,,,", '<a>; rel="', "<a>; =; rel"])("takes %j without complaint", (field) => {
    expect(parseIceServers(field)).toEqual([]);
  });

  it("keeps the first of a repeated parameter (RFC 8288, 3.3)", () => {
    expect(parseLinks("<a>; rel=one; rel=two")[0]?.parameters.get("rel")).toBe("one");
  });

  it("takes only well-formed servers from JSON", () => {
    expect(iceServersOf([{ urls: "stun:a" }, { urls: ["turn:b"] }, { urls: 1 }, null, "x"])).toHaveLength(2);
    expect(iceServersOf({ urls: "stun:a" })).toEqual([]);
  });
});

describe("backoff", () => {
  it("doubles up to its cap, half of it random", () => {
    const policy = { first: 1, most: 8 };
    const steps = [1, 2, 3, 4, 9].map((failures) => backoff(failures, 0, () => 1, policy));
    expect(steps).toEqual([1, 2, 4, 8, 8]);
    expect(backoff(3, 0, () => 0, policy)).toBe(2);
  });

  it("never comes earlier than the server asked", () => {
    expect(backoff(1, 5, () => 0)).toBe(5);
    expect(backoff(1, 5, () => 1)).toBeGreaterThan(5);
  });
});

describe("problems", () => {
  it.each([
    ["22", 22],
    ["0", 0],
    ["-3", 0],
    ["Thu, 01 Jan 1970 00:01:00 GMT", 50],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ])("Retry-After %j is %j seconds", (value, seconds) => {
    expect(parseRetryAfter(value, 10_000)).toBe(seconds);
  });

  it("prefers the sentence in the caller's language", () => {
    expect(sentenceOf({ title: "t", detail: "d", error: "e" })).toBe("e");
    expect(sentenceOf({ title: "t", detail: "" })).toBe("t");
    expect(sentenceOf({ error: { no: "text" } })).toBe("");
    expect(sentenceOf("text")).toBe("");
  });

  it("turns a refusal into status, sentence and waiting time", async () => {
    const answer = new Response('{"error":"Příliš rychle"}', { status: 429, headers: { "Retry-After": "7" } });
    const fetched = vi.fn().mockResolvedValue(answer);
    vi.stubGlobal("fetch", fetched);
    const refusal = await request("/x", { token: "t", language: "cs" }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 429, sentence: "Příliš rychle", retryAfter: 7 });
    const headers = (fetched.mock.calls[0]?.[1] as { headers: Headers }).headers;
    expect([headers.get("Authorization"), headers.get("Accept-Language")]).toEqual(["Bearer t", "cs"]);
  });

  it("gives status 0 to a server that does not answer", async () => {
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("network")));
    await expect(request("/x", {})).rejects.toMatchObject({ status: 0 });
    expect(ApiError.from(new TypeError("x")).status).toBe(0);
  });
});

describe("tokens", () => {
  it("reads scopes as text or list", () => {
    const payload = parsePayload({ sub: "s", orderId: "o", scope: "watch talk", exp: 100 });
    expect(payload).toMatchObject({ scopes: ["watch", "talk"], expiresAt: 100_000, camera: undefined });
    expect(parsePayload({ orderId: "o", scope: ["publish"], camera: "main" })).toMatchObject({
      scopes: ["publish"],
      camera: "main",
      expiresAt: undefined,
    });
    expect(parsePayload({ sub: "s" })).toBeUndefined();
  });

  it("counts an unexpected answer as a token that is not valid", async () => {
    vi.stubGlobal("fetch", vi.fn().mockResolvedValue(new Response('{"valid":true}')));
    await expect(validateToken({ token: "t" })).rejects.toMatchObject({ status: 401 });
  });

  it("understands every way to write an instant", () => {
    expect(parseInstant(1_700_000_000)).toBe(1_700_000_000_000);
    expect(parseInstant(1_700_000_000_000)).toBe(1_700_000_000_000);
    expect(parseInstant("1970-01-01T00:00:01Z")).toBe(1000);
    expect(parseInstant("tomorrow")).toBeUndefined();
    expect(parseInstant(null)).toBeUndefined();
  });

  it("renews in time, within what a timer can count", () => {
    expect(renewalDelay(14_400_000, 0)).toBe(11_520_000);
    expect(renewalDelay(100_000, 0)).toBe(40_000);
    expect(renewalDelay(1000, 5000)).toBe(0);
    expect(renewalDelay(10 ** 12, 0)).toBe(2 ** 31 - 1);
  });
});

describe("addresses", () => {
  it.each([
    ["/whep/o", "http://localhost:8080/live-stream", "http://localhost:8080/whep/o"],
    ["http://localhost:8080/whep/o", "http://192.168.1.5:8080/live-stream", "http://192.168.1.5:8080/whep/o"],
    ["https://gw.example/whep/o?a=1", "http://127.0.0.1:9000/", "http://127.0.0.1:9000/whep/o?a=1"],
    ["http://gw.example/whep/o", "https://gw.example/", "https://gw.example/whep/o"],
    ["https://edge.example/whep/o", "https://gw.example/", "https://edge.example/whep/o"],
  ])("%s from %s is %s", (url, page, wanted) => {
    expect(reachable(url, page)).toBe(wanted);
  });
});

describe("events", () => {
  const layer = { rid: "h", width: 1280, height: 720, fps: 25, bitrate: 1_800_000, live: true };
  const main = { name: "main", live: true, since: 5, codec: "H264", layers: [layer] };

  it("reads what fits its type, and in lists leaves out what does not", () => {
    const state = { orderId: "o", cameras: [main, { name: "bench" }, { live: true }, 7] };
    const bench = { name: "bench", live: false, since: null, codec: null, layers: [] };
    expect(fitting(told["stream:state"], state)).toEqual({ orderId: "o", cameras: [main, bench] });
    const broken = { ...main, layers: [layer, { ...layer, fps: "many" }, null] };
    expect(fitting(told["stream:state"], { orderId: "o", cameras: [broken] })?.cameras).toEqual([main]);
  });

  it.each([undefined, null, "h", [], {}, { orderId: "o", cameras: "none" }, { orderId: 5, cameras: [] }])("does not take %j for a state", (value) => {
    expect(fitting(told["stream:state"], value)).toBeUndefined();
  });

  it("leaves out members that it does not know", () => {
    expect(fitting(told.viewers, { count: 3, more: 1 })).toEqual({ count: 3 });
    expect(fitting(told["session:closed"], { reason: "expired" })).toBeUndefined();
  });

  it("tells a welcome from a change of the floor", () => {
    const floor = { mode: "open", speaker: null, speakers: [], queue: [], granted: [], muted: [], mutedAll: false };
    expect(fitting(told["talk:state"], { ...floor, you: "me" })).toEqual({ ...floor, you: "me" });
    expect(fitting(told["talk:state"], floor)).toEqual(floor);
    expect(fitting(told["talk:state"], { ...floor, mode: "loud" })).toBeUndefined();
  });

  it("reads answers, with what may be left out", () => {
    const answer = { ok: true, sdp: "v=0", sessionId: "s", etag: "1", iceServers: [{ urls: ["stun:a"] }, { urls: ["turn:b"], username: "u", credential: "c" }] };
    const { ok, ...session } = answer;
    expect(ok).toBe(true);
    expect(fitting(answered["session:offer"], answer)).toEqual(session);
    expect(fitting(answered["clock:read"], { ok: true })).toBeUndefined();
    expect(fitting(answered["talk:stop"], { ok: true })).toEqual({});
  });

  it("does not hide a mistake of its own", () => {
    const broken = () => {
      throw new TypeError("ours");
    };
    expect(() => fitting(broken, {})).toThrow(TypeError);
  });

  it("knows what a session plays", () => {
    const state = { sessionId: "s", camera: "main", wantedCamera: "main", lines: [], wanted: "auto", maxHeight: null };
    expect(playedLayer({ ...state, ...layer })).toEqual(layer);
    expect(playedLayer({ ...state, rid: null, width: null, height: null, fps: null, bitrate: null })).toBeUndefined();
  });
});

describe("offers", () => {
  const sdp = [
    "v=0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:63 red/48000/2",
    "a=fmtp:63 111/111",
    "",
  ].join("\r\n");

  it("asks for stereo in Opus only, once", () => {
    const stereo = withStereoOpus(sdp);
    expect(stereo).toContain("a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n");
    expect(stereo).toContain("a=fmtp:63 111/111\r\n");
    expect(withStereoOpus(stereo)).toBe(stereo);
  });

  const codecs = [
    { mimeType: "video/VP8" },
    { mimeType: "video/rtx" },
    { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=0;profile-level-id=42e01f" },
    { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1;profile-level-id=640034" },
    { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1;profile-level-id=42e01f" },
  ];

  it("puts the widest playable H264 first and loses nothing", () => {
    const ordered = orderCodecs(codecs, "auto");
    expect(ordered[0]).toBe(codecs[4]);
    expect(ordered[1]).toBe(codecs[3]);
    expect(new Set(ordered)).toEqual(new Set(codecs));
    expect(orderCodecs(codecs, "VP8")[0]).toBe(codecs[0]);
    expect(orderCodecs([{ mimeType: "video/VP8" }], "H264")).toHaveLength(1);
  });
});

import { afterEach, describe, expect, it, vi } from "vitest";
import { addVideo, offerExtensions, temporalLayers } from "../src/api/video-line";

const captureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
const descriptor = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const other = "http://www.webrtc.org/experiments/rtp-hdrext/corruption-detection";

const h264 = { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1;profile-level-id=42e01f" };
const vp8 = { mimeType: "video/VP8" };
const encodings = [{ rid: "l", maxBitrate: 100 }, { rid: "h", maxBitrate: 2000, maxFramerate: 25 }];

interface Init {
  readonly sendEncodings: (RTCRtpEncodingParameters & { scalabilityMode?: string })[];
}

/** A browser that takes what `accepts` says, and what its encoders are said to do. */
function browser(accepts: (init: Init) => boolean, encodingInfo?: (asked: MediaEncodingConfiguration) => unknown) {
  vi.stubGlobal("RTCRtpSender", { getCapabilities: () => ({ codecs: [vp8, h264] }) });
  vi.stubGlobal("navigator", encodingInfo ? { mediaCapabilities: { encodingInfo } } : {});
  const transceiver = { setCodecPreferences: vi.fn() };
  const addTransceiver = vi.fn((_: unknown, init: Init) => {
    if (!accepts(init)) throw new DOMException("no such mode", "OperationError");
    return transceiver;
  });
  const track = { getSettings: () => ({ width: 640, height: 480 }) } as unknown as MediaStreamTrack;
  const add = async () => {
    await addVideo({ addTransceiver } as unknown as RTCPeerConnection, { track, streams: [], encodings, codec: "auto" });
    return addTransceiver.mock.lastCall?.[1].sendEncodings.map(({ rid, scalabilityMode }) => [rid, scalabilityMode]);
  };
  return { add, addTransceiver, transceiver };
}

const layered = [["l", temporalLayers], ["h", temporalLayers]];
const plain = [["l", undefined], ["h", undefined]];

describe("the line for the picture", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("asks for temporal layers in each encoding", async () => {
    const { add, transceiver } = browser(() => true);
    expect(await add()).toEqual(layered);
    expect(transceiver.setCodecPreferences).toHaveBeenCalledWith([h264, vp8]);
  });

  it("does without where the browser refuses them, and hides no other refusal", async () => {
    const refusing = browser(({ sendEncodings }) => sendEncodings.every((each) => !("scalabilityMode" in each)));
    expect(await refusing.add()).toEqual(plain);
    expect(refusing.addTransceiver).toHaveBeenCalledTimes(2);
    await expect(browser(() => false).add()).rejects.toThrow("no such mode");
  });

  it.each([
    ["makes them", true, true, true, layered],
    ["knows none", false, false, false, plain],
    ["would need the processor for them", true, false, true, plain],
    ["needs the processor anyway", true, false, false, layered],
  ])("asks for what the encoder can: it %s", async (_, supported, withLayers, without, expected) => {
    const asked: (MediaEncodingConfiguration & { video?: { scalabilityMode?: string } })[] = [];
    const { add } = browser(
      () => true,
      (question) => {
        asked.push(question);
        const about = question.video?.scalabilityMode;
        return Promise.resolve(about ? { supported, powerEfficient: withLayers } : { supported: true, powerEfficient: without });
      },
    );
    expect(await add()).toEqual(expected);
    const contentType = "video/H264;packetization-mode=1;profile-level-id=42e01f";
    expect(asked[0]).toEqual({ type: "webrtc", video: { contentType, width: 640, height: 480, bitrate: 2000, framerate: 25 } });
  });

  it("asks for them where nobody knows beforehand", async () => {
    expect(await browser(() => true, () => Promise.reject(new TypeError("webrtc"))).add()).toEqual(layered);
  });
});

describe("header extensions", () => {
  const offered = [
    { uri: captureTime, direction: "stopped" },
    { uri: descriptor, direction: "sendonly" },
    { uri: other, direction: "stopped" },
  ];

  function transceiver(known: unknown, refuses = false) {
    const set = vi.fn(() => {
      if (refuses) throw new DOMException("mandatory", "InvalidModificationError");
    });
    const line = { getHeaderExtensionsToNegotiate: () => known, setHeaderExtensionsToNegotiate: set };
    return { set, line: line as unknown as RTCRtpTransceiver };
  }

  it("offers what the gateway uses and the browser left out, and nothing else", () => {
    const { set, line } = transceiver(offered);
    offerExtensions(line);
    expect(set).toHaveBeenCalledWith([{ uri: captureTime, direction: "sendrecv" }, offered[1], offered[2]]);
  });

  it("leaves well alone", () => {
    const { set, line } = transceiver(offered.slice(1));
    offerExtensions(line);
    expect(set).not.toHaveBeenCalled();
    offerExtensions({} as RTCRtpTransceiver);
  });

  it("goes on where they are refused", () => {
    const { set, line } = transceiver(offered, true);
    offerExtensions(line);
    expect(set).toHaveBeenCalledOnce();
  });
});

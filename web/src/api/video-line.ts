/**
 * The line for the picture that is published: its codec, and temporal layers in each encoding, so that the gateway can
 * leave frames out for a viewer before it takes a smaller picture.
 */

import { type CodecChoice, orderCodecs } from "./offer";

export interface VideoLine {
  readonly track: MediaStreamTrack;
  readonly streams: MediaStream[];
  readonly encodings: RTCRtpEncodingParameters[];
  readonly codec: CodecChoice;
}

/** One spatial layer, three temporal ones: all frames, half of them, a quarter. */
export const temporalLayers = "L1T3";

/** What browsers can send but do not offer: who captured when, and which frames need which. */
const wantedExtensions = [
  "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
];

interface HeaderExtension {
  readonly uri: string;
  readonly direction: RTCRtpTransceiverDirection;
}

/** Of WebRTC's SVC extension. */
interface Layering {
  readonly scalabilityMode?: string;
}

/** Of WebRTC's extensions; Chromium has it. */
interface ExtensibleTransceiver {
  getHeaderExtensionsToNegotiate?(): HeaderExtension[];
  setHeaderExtensionsToNegotiate?(extensions: readonly HeaderExtension[]): void;
}

/** Offers what the browser left out; one that cannot be asked, or refuses, offers what it likes. */
export function offerExtensions(line: RTCRtpTransceiver): void {
  const transceiver: RTCRtpTransceiver & ExtensibleTransceiver = line;
  const known = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  const left = (each: HeaderExtension) => each.direction === "stopped" && wantedExtensions.includes(each.uri);
  if (!known.some(left)) return;
  try {
    transceiver.setHeaderExtensionsToNegotiate?.(
      known.map((each) => (left(each) ? { ...each, direction: "sendrecv" } : each)),
    );
  } catch {
    // As before, then.
  }
}

/** Whether the encoder makes temporal layers, and does so with the same hardware as without them. */
async function makesLayers(codec: RTCRtpCodec | undefined, { track, encodings }: VideoLine): Promise<boolean> {
  if (!codec || !("mediaCapabilities" in navigator)) return true;
  const { width = 1280, height = 720 } = track.getSettings();
  const { maxBitrate = 1_000_000, maxFramerate = 30 } = encodings.at(-1) ?? {};
  const contentType = [codec.mimeType, codec.sdpFmtpLine].filter(Boolean).join(";");
  const video = { contentType, width, height, bitrate: maxBitrate, framerate: maxFramerate };
  const ask = (more: Partial<VideoConfiguration>) =>
    navigator.mediaCapabilities.encodingInfo({ type: "webrtc", video: { ...video, ...more } });
  try {
    const [plain, layered] = await Promise.all([ask({}), ask({ scalabilityMode: temporalLayers })]);
    return layered.supported && (layered.powerEfficient || !plain.powerEfficient);
  } catch {
    // Not every browser can be asked about calls; the encoder may do it all the same.
    return true;
  }
}

function preferCodecs(transceiver: RTCRtpTransceiver, codecs: RTCRtpCodec[]): void {
  if (!("setCodecPreferences" in transceiver)) return;
  try {
    transceiver.setCodecPreferences(codecs);
  } catch {
    // Some versions refuse codecs that they can only send; their own order is fine then.
  }
}

function add(peer: RTCPeerConnection, line: VideoLine, more: Layering): RTCRtpTransceiver {
  const sendEncodings = line.encodings.map((encoding) => ({ ...encoding, ...more }));
  return peer.addTransceiver(line.track, { direction: "sendonly", streams: line.streams, sendEncodings });
}

/** Adds the line to a connection, as good as the browser can. */
export async function addVideo(peer: RTCPeerConnection, line: VideoLine): Promise<void> {
  const codecs = orderCodecs(RTCRtpSender.getCapabilities("video")?.codecs ?? [], line.codec);
  const layered = await makesLayers(codecs[0], line);
  let transceiver: RTCRtpTransceiver;
  try {
    transceiver = add(peer, line, layered ? { scalabilityMode: temporalLayers } : {});
  } catch (error) {
    if (!layered) throw error;
    transceiver = add(peer, line, {});
  }
  preferCodecs(transceiver, codecs);
  offerExtensions(transceiver);
}

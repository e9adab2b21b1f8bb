/** English: two cameras beside each other, what the player can do besides playing, and how the connection is. */
export const en = {
  cameraMainShort: "Main",
  cameraPin: "Show beside the main picture: {camera}",
  cameraUnpin: "Do not show beside any more: {camera}",
  cameraPinnedAway: "{camera} is away. The picture comes back here by itself.",
  cameraSwap: "Swap the two pictures",

  more: "More",
  pip: "Picture in picture",
  figures: "Statistics",
  figuresBuffer: "Jitter buffer",
  figuresFreezes: "Freezes",
  figuresDelay: "Camera to screen",
  figuresWay: "Way",
  figuresSession: "Session",
  copy: "Copy",
  copied: "Copied",

  keys: "Keys",
  keySpace: "Space",
  keyTalk: "Hold to speak",
  keyMute: "Sound on or off",
  keyHelp: "This list",

  talkEarlyText: "You can speak as soon as the technician is on the air.",
  talkSilent: "Nothing is heard",
  talkSilentText: "Your microphone gives no sound. Is it switched off, or does another app use it?",
  talkSystem: "Microphone is blocked",
  talkSystemText: "Your device does not give this browser the microphone. Allow it in the device’s settings, then press again.",
  speakingTwo: "{name} and {other} are speaking",
  speakingMany: { one: "{name} and {count} other are speaking", other: "{name} and {count} others are speaking" },
};

/** The viewer page's layout: the picture takes all there is, header and controls stay calm around it. */

import { css } from "lit";

export const viewerStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100vh;
    height: 100dvh;
    min-height: 420px;
    --tile: clamp(96px, 24vw, 10.5rem);
  }
  page-header {
    padding: max(8px, env(safe-area-inset-top)) max(16px, env(safe-area-inset-right)) 8px
      max(16px, env(safe-area-inset-left));
  }
  main {
    position: relative;
    display: grid;
    flex: 1;
    grid-template: minmax(0, 1fr) auto / minmax(0, 1fr);
    min-height: 0;
    background: #06090b;
  }
  main.chatting {
    grid-template-columns: minmax(0, 1fr) clamp(300px, 26vw, 460px);
  }
  chat-panel {
    grid-row: 1 / -1;
    grid-column: 2;
    border-left-width: 1px;
  }
  .stage {
    position: relative;
    min-height: 0;
    overflow: hidden;
    container: stage / size;
  }
  .panes {
    position: absolute;
    inset: 0;
    display: grid;
    grid-auto-columns: minmax(0, 1fr);
    grid-auto-rows: minmax(0, 1fr);
    grid-auto-flow: column;
    gap: 2px;
  }
  .panes .main {
    position: relative;
    min-width: 0;
    min-height: 0;
    overflow: hidden;
  }
  @container stage (max-aspect-ratio: 4/3) {
    .panes {
      grid-auto-flow: row;
    }
    /* The strip lies over the other picture. */
    .several .main:not(:last-child) viewer-overlay {
      padding-bottom: 20px;
    }
  }
  stats-panel {
    position: absolute;
    top: calc(2rem + 20px);
    left: max(12px, env(safe-area-inset-left));
    width: min(23rem, 100% - 24px);
    max-height: calc(100% - 2rem - 28px);
  }
  camera-strip {
    position: absolute;
    inset: auto 0 8px;
    width: max-content;
    max-width: calc(100% - 16px);
    margin-inline: auto;
  }
  .away {
    justify-self: center;
    padding: 6px 14px;
    border-radius: var(--radius-small);
    background: rgb(11 16 19 / 82%);
    color: var(--warm);
    font-weight: 600;
    text-align: center;
  }
  video,
  canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  .top {
    position: absolute;
    top: 12px;
    left: max(12px, env(safe-area-inset-left));
    right: 12px;
    display: grid;
    gap: 12px;
    pointer-events: none;
  }
  .invitation {
    position: absolute;
    bottom: 24px;
    left: 50%;
    width: max-content;
    max-width: calc(100% - 32px);
    min-height: 3.5rem;
    padding-inline: 1.6em;
    font-size: 1.0625rem;
    box-shadow: var(--shadow);
    translate: -50% 0;
  }
  .several .invitation {
    bottom: calc(var(--tile) * 9 / 16 + 40px);
  }
  .several viewer-overlay {
    padding-bottom: calc(var(--tile) * 9 / 16 + 28px);
  }
  .bar {
    padding: 6px max(12px, env(safe-area-inset-right)) max(6px, env(safe-area-inset-bottom))
      max(12px, env(safe-area-inset-left));
    border-top: 1px solid var(--line);
    background: var(--paper);
  }
  talk-button {
    padding-block: 4px 6px;
  }
  main:fullscreen .bar {
    position: absolute;
    inset: auto 0 0;
    border: 0;
    background: linear-gradient(transparent, rgb(0 0 0 / 75%) 30%);
    transition: opacity 0.25s;
  }
  main.chatting:fullscreen .bar {
    right: clamp(300px, 26vw, 460px);
  }
  main:fullscreen camera-strip {
    bottom: 8.5rem;
  }
  main:fullscreen .invitation {
    bottom: 9.5rem;
  }
  main.several:fullscreen .invitation {
    bottom: calc(8.5rem + var(--tile) * 9 / 16 + 24px);
  }
  main:fullscreen live-badges {
    transition: opacity 0.25s;
  }
  main.idle:fullscreen {
    cursor: none;
  }
  main.idle:fullscreen .bar:not(:focus-within),
  main.idle:fullscreen camera-strip:not(:focus-within),
  main.idle:fullscreen live-badges {
    opacity: 0;
  }
  @media (max-width: 720px) {
    main.chatting {
      grid-template: minmax(90px, 1fr) minmax(250px, 4fr) auto / minmax(0, 1fr);
    }
    chat-panel {
      grid-row: 2;
      grid-column: 1;
      border-width: 1px 0 0;
    }
    .chatting .bar {
      grid-row: 3;
    }
    .chatting camera-strip,
    .chatting #sound-on {
      display: none;
    }
    main.chatting:fullscreen .bar {
      position: static;
      background: var(--paper);
    }
  }
  @media (max-height: 480px) and (orientation: landscape) {
    :host {
      min-height: 300px;
    }
    page-header {
      padding-block: 2px;
    }
    .bar {
      display: flex;
      align-items: center;
      gap: 8px;
      padding-block: 2px;
    }
    player-controls {
      flex: 1;
      min-width: 0;
    }
    talk-button {
      padding: 0;
    }
    camera-strip {
      inset: 4px 8px auto auto;
    }
    main.chatting {
      grid-template: minmax(0, 1fr) auto / minmax(0, 1fr) minmax(250px, 40%);
    }
    chat-panel {
      grid-row: 1;
      grid-column: 2;
      border-width: 0 0 0 1px;
    }
    .chatting .bar {
      grid-row: 2;
      grid-column: 1 / -1;
    }
    .invitation,
    .several .invitation {
      bottom: 12px;
      min-height: 48px;
    }
    .several viewer-overlay {
      padding-bottom: 20px;
    }
    stats-panel {
      width: min(38rem, 100% - 24px);
    }
  }
`;

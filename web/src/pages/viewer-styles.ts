/** The viewer page's layout: the picture takes all there is, header and controls stay calm around it. */

import { css } from "lit";

export const viewerStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100vh;
    height: 100dvh;
    min-height: 420px;
  }
  page-header {
    padding: max(8px, env(safe-area-inset-top)) max(16px, env(safe-area-inset-right)) 8px
      max(16px, env(safe-area-inset-left));
  }
  main {
    position: relative;
    display: flex;
    flex: 1;
    flex-direction: column;
    min-height: 0;
    background: #06090b;
  }
  .stage {
    position: relative;
    flex: 1;
    min-height: 0;
    overflow: hidden;
  }
  video,
  canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  live-badges {
    position: absolute;
    top: 12px;
    left: max(12px, env(safe-area-inset-left));
    right: 12px;
    pointer-events: none;
  }
  .invitation {
    position: absolute;
    bottom: 24px;
    left: 50%;
    width: max-content;
    max-width: calc(100% - 32px);
    min-height: 56px;
    padding-inline: 1.6em;
    font-size: 1.0625rem;
    box-shadow: var(--shadow);
    translate: -50% 0;
  }
  player-controls {
    padding: 6px max(12px, env(safe-area-inset-right)) max(6px, env(safe-area-inset-bottom))
      max(12px, env(safe-area-inset-left));
    border-top: 1px solid var(--line);
    background: var(--paper);
  }
  main:fullscreen player-controls {
    position: absolute;
    inset: auto 0 0;
    border: 0;
    background: linear-gradient(transparent, rgb(0 0 0 / 75%));
    transition: opacity 0.25s;
  }
  main:fullscreen .invitation {
    bottom: 84px;
  }
  main:fullscreen live-badges {
    transition: opacity 0.25s;
  }
  main.idle:fullscreen {
    cursor: none;
  }
  main.idle:fullscreen player-controls:not(:focus-within),
  main.idle:fullscreen live-badges {
    opacity: 0;
  }
  @media (max-height: 480px) and (orientation: landscape) {
    :host {
      min-height: 300px;
    }
    page-header {
      padding-block: 2px;
    }
    .invitation {
      bottom: 12px;
      min-height: 48px;
    }
  }
`;

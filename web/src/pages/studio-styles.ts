/** The studio's layout: the picture, choices and figures on the left, the customers on the right; one column on a phone. */

import { css } from "lit";

export const studioStyles = css`
  :host {
    display: grid;
    grid-template: "stage side" auto "below side" 1fr / minmax(0, 1fr) minmax(320px, 26rem);
    align-items: start;
    gap: 16px 24px;
    padding-block: 8px 40px;
  }
  .stage,
  .below {
    display: grid;
    grid-area: stage;
    grid-template-columns: minmax(0, 1fr);
    gap: 16px;
    min-width: 0;
  }
  .below {
    grid-area: below;
  }
  technician-side {
    grid-area: side;
  }
  .picture {
    position: relative;
    overflow: hidden;
    aspect-ratio: 16 / 9;
    max-height: 72vh;
    border-radius: var(--radius);
    background: var(--sunken);
  }
  video {
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
  live-badges {
    position: absolute;
    top: 12px;
    left: 12px;
    right: 12px;
  }
  .cover {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 16px;
    padding: 24px;
    background: rgb(6 9 11 / 80%);
    text-align: center;
  }
  .cover p {
    max-width: 32rem;
  }
  .bar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 12px;
  }
  .level {
    overflow: hidden;
    width: 96px;
    height: 8px;
    border-radius: 4px;
    background: var(--surface);
  }
  .level span {
    display: block;
    height: 100%;
    border-radius: 4px;
    background: var(--accent);
    scale: 0 1;
    transform-origin: left;
    transition: scale 0.1s linear;
  }
  .state {
    display: flex;
    flex: 1;
    align-items: center;
    gap: 10px;
    min-width: 9rem;
    color: var(--muted);
    font-weight: 600;
  }
  .state::before {
    content: "";
    flex: none;
    width: 10px;
    height: 10px;
    border-radius: 50%;
    background: var(--muted);
  }
  .state[data-state="live"] {
    color: var(--ink);
  }
  .state[data-state="live"]::before {
    background: var(--live);
  }
  .state[data-state="connecting"]::before,
  .state[data-state="reconnecting"]::before {
    background: var(--warm);
  }
  #go-live,
  #end-live {
    min-height: 52px;
    padding-inline: 1.6em;
  }
  outgoing-table,
  .aside {
    padding: 20px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
  }
  .aside {
    display: grid;
    gap: 20px;
    --surface: #1b242b;
  }
  dl {
    display: grid;
    gap: 4px;
    margin: 0;
  }
  dl div {
    display: flex;
    gap: 10px;
    min-width: 0;
  }
  dt {
    color: var(--muted);
  }
  dd {
    overflow: hidden;
    margin: 0;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  @media (max-width: 900px) {
    :host {
      grid-template: "stage" "side" "below" / minmax(0, 1fr);
    }
  }
  @media (max-width: 480px) {
    .bar #go-live,
    .bar #end-live {
      flex-basis: 100%;
    }
    outgoing-table,
    .aside {
      padding: 16px;
    }
  }
`;

/** The studio's layout: cameras with their choices on the left, the customers on the right; one column on a phone. */

import { css } from "lit";

export const studioStyles = css`
  :host {
    display: grid;
    grid-template: "cameras side" auto "more side" 1fr / minmax(0, 1fr) minmax(320px, 26rem);
    align-items: start;
    gap: 16px 24px;
    padding-block: 8px 40px;
  }
  .cameras {
    display: grid;
    grid-area: cameras;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr));
    align-items: start;
    gap: 24px 16px;
    min-width: 0;
  }
  .side {
    display: grid;
    grid-area: side;
    grid-template-columns: minmax(0, 1fr);
    gap: 8px;
    min-width: 0;
  }
  .sound {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 12px;
  }
  .sound volume-slider {
    flex: 1 1 10rem;
  }
  .more {
    display: grid;
    grid-area: more;
    grid-template-columns: minmax(0, 1fr);
    gap: 20px;
    min-width: 0;
    padding: 20px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
  }
  .order {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
    overflow-wrap: anywhere;
  }
  #leave {
    justify-self: start;
  }
  @media (max-width: 900px) {
    :host {
      display: flex;
      flex-direction: column;
      align-items: stretch;
    }
    .cameras {
      display: contents;
    }
    .side {
      order: 2;
    }
    .more {
      order: 4;
    }
  }
  @media (max-width: 480px) {
    .more {
      padding: 16px;
    }
  }
`;

export const cameraStyles = css`
  :host {
    display: grid;
    align-content: start;
    gap: 16px;
    min-width: 0;
  }
  .stage,
  .below {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 16px;
    min-width: 0;
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 12px;
    min-height: 44px;
  }
  h2 {
    overflow: hidden;
    font-size: 1.125rem;
    text-overflow: ellipsis;
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
  outgoing-table,
  .aside {
    padding: 20px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
  }
  .aside {
    --surface: #1b242b;
  }
  summary {
    min-height: 44px;
    margin: -14px -20px;
    padding: 14px 20px;
    border-radius: var(--radius);
    font-size: 1.0625rem;
    font-weight: 650;
    line-height: 1.2;
    cursor: pointer;
  }
  details[open] summary {
    margin-bottom: 4px;
  }
  summary span {
    font-weight: 400;
  }
  @media (max-width: 900px) {
    :host {
      display: contents;
    }
    .below {
      order: 3;
    }
  }
  @media (max-width: 480px) {
    outgoing-table,
    .aside {
      padding: 16px;
    }
  }
`;

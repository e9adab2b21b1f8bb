/** What the panels beside the picture share: headings, rows of people, small buttons. */

import { css } from "lit";

export const panel = css`
  h2 {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 10px;
    font-size: 1.0625rem;
  }
  .badge {
    padding: 4px 10px;
    border-radius: 999px;
    background: var(--warm);
    color: #17130a;
    font-size: 0.8125rem;
    font-weight: 700;
    letter-spacing: 0;
  }
  .small {
    min-height: 2.375rem;
    padding: 0.3em 0.9em;
    font-size: 0.9375rem;
  }
  .small:not(.primary, .danger) {
    border-color: color-mix(in srgb, var(--ink) 22%, transparent);
    background: color-mix(in srgb, var(--ink) 7%, transparent);
  }
  ul {
    display: grid;
    gap: 8px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px 12px;
    padding: 10px 12px;
    border: 1px solid var(--line);
    border-radius: var(--radius-small);
  }
  .who {
    flex: 1 1 9rem;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .deeds {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
`;

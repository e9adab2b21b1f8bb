/** Styles that several components share: buttons, fields, focus rings. */

import { css } from "lit";

export const base = css`
  :host {
    box-sizing: border-box;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  h1,
  h2,
  h3,
  p {
    margin: 0;
  }
  h1,
  h2,
  h3 {
    line-height: 1.15;
    letter-spacing: -0.015em;
    text-wrap: balance;
  }
  a {
    color: var(--accent);
  }
  svg {
    display: block;
    flex: none;
  }
  :focus-visible {
    outline: 3px solid var(--focus);
    outline-offset: 2px;
  }
  .quiet {
    color: var(--muted);
  }
  .hidden-text {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation-duration: 0.01ms !important;
      animation-iteration-count: 1 !important;
      transition-duration: 0.01ms !important;
    }
  }
`;

export const buttons = css`
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.6em;
    min-height: 2.75rem;
    padding: 0.55em 1.15em;
    border: 1px solid var(--line);
    border-radius: 999px;
    background: var(--surface);
    color: var(--ink);
    font: inherit;
    font-weight: 600;
    line-height: 1.25;
    text-decoration: none;
    cursor: pointer;
    transition:
      background-color 0.15s,
      border-color 0.15s;
  }
  button:hover:not(:disabled),
  .button:hover {
    border-color: var(--muted);
  }
  button:disabled {
    opacity: 0.55;
    cursor: default;
  }
  .primary {
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
  }
  .primary:hover:not(:disabled) {
    border-color: transparent;
    background: var(--accent-strong);
  }
  .danger {
    border-color: transparent;
    background: var(--live);
    color: #fff;
  }
  .icon {
    width: 2.75rem;
    padding: 0;
    border-color: transparent;
    background: transparent;
  }
  .icon:hover:not(:disabled) {
    border-color: transparent;
    background: color-mix(in srgb, var(--ink) 10%, transparent);
  }
`;

export const fields = css`
  label {
    font-weight: 600;
  }
  input:not([type="checkbox"], [type="range"], [type="radio"]),
  select,
  textarea {
    width: 100%;
    min-height: 2.875rem;
    padding: 0.55em 0.8em;
    border: 1px solid var(--line);
    border-radius: var(--radius-small);
    background: var(--surface);
    color: var(--ink);
    font: inherit;
    text-overflow: ellipsis;
  }
  select:disabled {
    opacity: 0.6;
  }
  input[type="checkbox"],
  input[type="radio"],
  input[type="range"] {
    accent-color: var(--accent);
  }
  .field {
    display: grid;
    gap: 6px;
    min-width: 0;
  }
  .problem {
    padding: 0.7em 0.9em;
    border-radius: var(--radius-small);
    background: color-mix(in srgb, var(--danger) 12%, transparent);
    color: var(--danger);
  }
  .problem:empty {
    display: none;
  }
`;

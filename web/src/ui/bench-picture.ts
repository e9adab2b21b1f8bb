/** The shop window's picture: a device under the technician's camera. Decoration only. */

import { html } from "lit";

export const benchPicture = () => html`<svg viewBox="0 0 480 400" aria-hidden="true">
  <rect x="8" y="24" width="464" height="352" rx="28" fill="var(--surface)" stroke="var(--line)" stroke-width="2" />
  <path d="M8 292h464v56a28 28 0 0 1-28 28H36a28 28 0 0 1-28-28z" fill="var(--sunken)" />
  <path d="M8 292h464" stroke="var(--line)" stroke-width="2" />
  <g fill="none" stroke="var(--muted)" stroke-width="6" stroke-linecap="round" stroke-linejoin="round">
    <path d="M404 300V128L318 88" />
    <path d="M372 300h64" />
  </g>
  <g transform="rotate(24 300 84)">
    <rect x="262" y="62" width="74" height="44" rx="12" fill="var(--ink)" />
    <circle cx="280" cy="84" r="12" fill="var(--accent)" />
    <circle cx="280" cy="84" r="5" fill="var(--surface)" />
  </g>
  <path d="M262 104L96 292h246z" fill="var(--accent)" opacity="0.13" />
  <g>
    <rect x="104" y="176" width="124" height="206" rx="20" transform="rotate(-62 166 279)" fill="var(--ink)" />
    <rect x="112" y="184" width="108" height="190" rx="13" transform="rotate(-62 166 279)" fill="var(--surface)" />
    <g transform="rotate(-62 166 279)">
      <rect x="120" y="250" width="92" height="116" rx="9" fill="var(--sunken)" stroke="var(--line)" stroke-width="2" />
      <rect x="122" y="194" width="56" height="46" rx="7" fill="var(--accent)" opacity="0.85" />
      <path d="M132 206h36M132 217h24M132 228h30" stroke="var(--on-accent)" stroke-width="3.5" stroke-linecap="round" />
      <circle cx="198" cy="204" r="8" fill="none" stroke="var(--muted)" stroke-width="4" />
      <circle cx="198" cy="230" r="8" fill="none" stroke="var(--muted)" stroke-width="4" />
    </g>
  </g>
  <g transform="translate(330 296) rotate(-38)">
    <rect x="0" y="-8" width="74" height="17" rx="8.5" fill="var(--live)" />
    <path d="M0 .5h-56" stroke="var(--muted)" stroke-width="6" stroke-linecap="round" />
  </g>
  <g>
    <rect x="36" y="52" width="92" height="34" rx="17" fill="var(--live)" />
    <circle cx="56" cy="69" r="5.5" fill="#fff" />
    <path d="M72 62v14h8M86 62v14M92 62l4.5 14L101 62M107 62v14h8M107 62h8M107 69h6" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" />
  </g>
</svg>`;

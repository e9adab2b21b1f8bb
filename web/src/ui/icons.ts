/** Line icons as inline SVG; they take the text's colour and are hidden from screen readers. */

import { svg, html, type SVGTemplateResult, type TemplateResult } from "lit";

function icon(paths: SVGTemplateResult, size = 24): TemplateResult {
  return html`<svg
    width="${size / 16}rem"
    height="${size / 16}rem"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    ${paths}
  </svg>`;
}

export const playIcon = () => icon(svg`<path d="M8 5.5v13l10.5-6.5z" fill="currentColor" />`);
export const closeIcon = () => icon(svg`<path d="M6 6l12 12M18 6L6 18" />`);
export const eyeIcon = () =>
  icon(svg`<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" /><circle cx="12" cy="12" r="3" />`);
export const eyeOffIcon = () =>
  icon(svg`<path d="M10 5.8c.6-.2 1.3-.3 2-.3 6 0 9.5 6.5 9.5 6.500a17 17 0 0 1-2.7 3.400M6.3 7.500A17 17 0 0 0 2.5 12S6 18.5 12 18.500c1.6 0 3-.4 4.3-1.100M4 4l16 16" />`);
export const soundIcon = (size?: number) =>
  icon(svg`<path d="M4 9.5v5h3.500l4.5 4v-13l-4.5 4z" /><path d="M15.5 9a4.2 4.2 0 0 1 0 6M18 6.500a7.8 7.8 0 0 1 0 11" />`, size);
export const mutedIcon = (size?: number) =>
  icon(svg`<path d="M4 9.5v5h3.500l4.5 4v-13l-4.5 4z" /><path d="M16 9.500l5 5M21 9.500l-5 5" />`, size);
export const fullscreenIcon = () => icon(svg`<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" />`);
export const fullscreenExitIcon = () => icon(svg`<path d="M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5" />`);
export const checkIcon = () => icon(svg`<path d="M5 12.500l4.5 4.500L19 7.500" />`, 20);
export const chevronUpIcon = () => icon(svg`<path d="M6 14.500l6-6 6 6" />`, 16);
export const peopleIcon = () =>
  icon(svg`<circle cx="9" cy="8.5" r="3.3" /><path d="M3 19c.5-3.5 3-5.3 6-5.300s5.5 1.8 6 5.300M15.5 5.500a3.3 3.3 0 0 1 0 6M17.5 14c2 .7 3.2 2.4 3.5 5" />`, 20);
export const globeIcon = () =>
  icon(svg`<circle cx="12" cy="12" r="8.5" /><path d="M3.5 12h17M12 3.500c2.4 2.3 3.5 5.2 3.5 8.500s-1.1 6.2-3.5 8.500c-2.4-2.3-3.5-5.2-3.5-8.500s1.1-6.2 3.5-8.500z" />`, 20);
export const lockIcon = () => icon(svg`<rect x="5" y="10.5" width="14" height="9.5" rx="2.5" /><path d="M8 10.500V8a4 4 0 0 1 8 0v2.5" />`, 28);
export const clockIcon = () => icon(svg`<circle cx="12" cy="12" r="8.5" /><path d="M12 7v5l3.3 2" />`, 44);
export const alertIcon = () => icon(svg`<path d="M12 4l9 15.500H3z" /><path d="M12 10v4.500M12 17v.1" />`, 44);
export const doneIcon = () => icon(svg`<circle cx="12" cy="12" r="8.5" /><path d="M8 12.300l2.8 2.700L16 9.5" />`, 44);
export const cameraIcon = () => icon(svg`<rect x="3" y="6.5" width="12.5" height="11" rx="2.5" /><path d="M15.5 10.500L21 7.500v9l-5.5-3" />`, 20);
export const screenIcon = () => icon(svg`<rect x="3" y="4.5" width="18" height="12" rx="2" /><path d="M9 20h6M12 16.500V20" />`, 20);

/** The mark: a lens with a driver's slot. */
export const mark = () => html`<svg width="32" height="32" viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="9" fill="var(--accent)" />
  <circle cx="16" cy="16" r="8.5" fill="none" stroke="var(--on-accent)" stroke-width="2.5" />
  <path d="M12.5 19.500l7-7" stroke="var(--on-accent)" stroke-width="3" stroke-linecap="round" />
</svg>`;

export const micIcon = () => icon(svg`<rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />`);
export const micOffIcon = () =>
  icon(svg`<path d="M15 9.5V6a3 3 0 0 0-6 0v5a3 3 0 0 0 4.5 2.600M5.5 11.500a6.5 6.5 0 0 0 10 5.500M18.5 11.500a6.5 6.5 0 0 1-.9 3.300M12 18v3M4 4l16 16" />`);
export const chatIcon = () => icon(svg`<path d="M4 6.5A2.5 2.5 0 0 1 6.500 4h11A2.5 2.5 0 0 1 20 6.500v7a2.5 2.5 0 0 1-2.500 2.500H10l-4.500 4v-4A2.5 2.5 0 0 1 4 13.500z" />`);
export const handIcon = () =>
  icon(svg`<path d="M8 12.500V6a1.500 1.500 0 0 1 3 0v5-6.500a1.500 1.500 0 0 1 3 0V11v-5a1.500 1.500 0 0 1 3 0v7.500c0 4-2 7-5.500 7-3 0-4.500-1.500-6-4.500L4 13a1.400 1.400 0 0 1 2.400-1.400z" />`);
export const flagIcon = () => icon(svg`<path d="M6 20.500V4.500h11l-2.500 4 2.500 4H6" />`, 20);
export const sendIcon = () => icon(svg`<path d="M4.500 12L20 4.500 15 20l-3.500-6.500z" /><path d="M11.500 13.500L20 4.500" />`);
export const pinIcon = (size = 20) => icon(svg`<path d="M9 4h6l-.8 6.2 3.300 3.300h-11l3.300-3.300zM12 13.500V20" />`, size);
export const pipIcon = () => icon(svg`<rect x="3" y="5" width="18" height="14" rx="2" /><rect x="12" y="11.5" width="6.5" height="5" rx="1" fill="currentColor" />`);
export const chartIcon = () => icon(svg`<path d="M4 20h16M7 16.500v-5M12 16.500V6M17 16.500v-8" />`);
export const keyboardIcon = () => icon(svg`<rect x="3" y="6.5" width="18" height="11" rx="2" /><path d="M7 10.200h.1M11 10.200h.1M15 10.200h.1M8 14h8" />`);
export const moreIcon = () => icon(svg`<path d="M5.500 12h.1M12 12h.1M18.500 12h.1" stroke-width="3.500" />`);
export const swapIcon = () => icon(svg`<path d="M4 8.500h14M14.500 5l3.500 3.500-3.500 3.500M20 15.500H6M9.500 12L6 15.500 9.500 19" />`, 20);

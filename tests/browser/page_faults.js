// What can be seen to be wrong with a page, whatever it shows: text cut off or over other text, controls out of
// reach, a page that scrolls sideways, and the texts themselves, for a comparison between languages.
window.pageFaults = async (language) => {
  const slack = 1.5; // pixels that rounding may cost

  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
  const childrenOf = (node) => {
    if (node.localName === "slot" && node.assignedNodes().length > 0) return node.assignedNodes();
    return (node.shadowRoot ?? node).childNodes;
  };
  function* within(node) {
    yield node;
    for (const child of childrenOf(node)) yield* within(child);
  }
  function* ancestorsOf(node) {
    for (let each = parentOf(node); each; each = parentOf(each)) yield each;
  }
  const insideOf = (node, selector) => {
    if (node.matches?.(selector)) return node;
    for (const each of ancestorsOf(node)) if (each.matches(selector)) return each;
    return null;
  };
  const contains = (outer, node) => node === outer || [...ancestorsOf(node)].includes(outer);

  const root = () => {
    const modal = [...within(document.body)].filter((node) => node.matches?.("dialog:modal"));
    return modal.at(-1) ?? document.body;
  };
  const speak = () => {
    for (const node of within(document.body)) {
      if (node.localName !== "language-switcher") continue;
      const select = node.shadowRoot.querySelector("select");
      select.value = language;
      select.dispatchEvent(new Event("change"));
    }
  };
  const settled = async () => {
    for (let count = 0; count < 2; count += 1) {
      await new Promise(requestAnimationFrame);
      const roots = [...within(document.body)].map((node) => node.shadowRoot).filter(Boolean);
      for (const each of [document, ...roots].flatMap((root) => root.getAnimations())) {
        if (each.effect?.getComputedTiming().iterations !== Infinity) each.finish();
      }
    }
  };

  const shown = (element) => {
    if (!element.checkVisibility({ visibilityProperty: true })) return false;
    // What only screen readers get.
    const unseen = (each) => getComputedStyle(each).clipPath === "inset(50%)";
    return !unseen(element) && ![...ancestorsOf(element)].some(unseen);
  };
  const nameOf = (node) => {
    const element = node.nodeType === Node.TEXT_NODE ? parentOf(node) : node;
    const host = element.getRootNode().host?.localName;
    const own = element.id ? `#${element.id}` : [element.localName, ...element.classList].join(".");
    return host ? `${host} ${own}` : own;
  };

  /** The part of a box that ancestors leave to be seen, and by how much the hidden ones of them cut it. */
  const clipped = (node, box) => {
    const seen = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
    const cut = { across: 0, down: 0 };
    for (const each of ancestorsOf(node)) {
      const { overflowX, overflowY, display } = getComputedStyle(each);
      if (display === "contents" || display === "inline" || each === document.documentElement || each === document.body) continue;
      const frame = each.getBoundingClientRect();
      if (overflowX !== "visible") {
        if (!/auto|scroll/.test(overflowX)) cut.across = Math.max(cut.across, frame.left - seen.left, seen.right - frame.right);
        seen.left = Math.max(seen.left, frame.left);
        seen.right = Math.min(seen.right, frame.right);
      }
      if (overflowY !== "visible") {
        if (!/auto|scroll/.test(overflowY)) cut.down = Math.max(cut.down, frame.top - seen.top, seen.bottom - frame.bottom);
        seen.top = Math.max(seen.top, frame.top);
        seen.bottom = Math.min(seen.bottom, frame.bottom);
      }
    }
    return { seen, cut, empty: seen.right - seen.left < 1 || seen.bottom - seen.top < 1 };
  };
  const topAt = (x, y) => {
    let found = document.elementFromPoint(x, y);
    for (;;) {
      const deeper = found?.shadowRoot?.elementFromPoint(x, y);
      if (!deeper || deeper === found) return found;
      found = deeper;
    }
  };

  speak();
  await settled();
  const faults = [];
  const texts = new Set([document.title]);
  const width = document.documentElement.clientWidth;
  const page = document.scrollingElement;
  if (page.scrollWidth > width) faults.push(`the page scrolls sideways by ${page.scrollWidth - width} px`);

  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  const widthOf = (text, element) => {
    const style = getComputedStyle(element);
    canvas.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return canvas.measureText(text).width;
  };
  const roomIn = (element) => {
    const { paddingLeft, paddingRight } = getComputedStyle(element);
    return element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  };

  const checkControl = (control) => {
    const box = control.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) return;
    const { seen, cut, empty } = clipped(control, box);
    const name = nameOf(control);
    if (cut.across > slack || cut.down > slack) faults.push(`${name} is cut off`);
    if (seen.left < -slack || seen.right > width + slack) faults.push(`${name} is beside the page`);
    if (seen.top + page.scrollTop < -slack || seen.bottom + page.scrollTop > page.scrollHeight + slack)
      faults.push(`${name} is above or below the page`);
    const [x, y] = [(seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2];
    if (empty || x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return;
    const top = topAt(x, y);
    const label = insideOf(control, "label");
    if (top && !contains(control, top) && !(label && contains(label, top)) && !insideOf(top, "[role=menu]"))
      faults.push(`${name} lies under ${nameOf(top)}`);
    const text = control.localName === "select" ? control.selectedOptions[0]?.text : control.value ? "" : control.placeholder;
    const hidden = getComputedStyle(control).color === "rgba(0, 0, 0, 0)";
    if (text && !hidden && widthOf(text, control) > roomIn(control) + slack) faults.push(`${name} has no room for “${text}”`);
  };

  const written = [];
  const checkText = (node) => {
    const text = node.data.trim();
    texts.add(text);
    const range = document.createRange();
    range.selectNodeContents(node);
    const button = insideOf(parentOf(node), "button, a, label, summary, select");
    for (const line of range.getClientRects()) {
      if (line.width < 1) continue;
      const { seen, cut, empty } = clipped(node, line);
      // A line's box is higher than its letters.
      if (cut.across > slack || cut.down > line.height / 4) faults.push(`“${text}” is cut off (${nameOf(node)})`);
      if (empty) continue;
      if (seen.left < -slack || seen.right > width + slack) faults.push(`“${text}” is beside the page`);
      const frame = button && getComputedStyle(button).display !== "inline" && button.getBoundingClientRect();
      if (frame && (line.left < frame.left - slack || line.right > frame.right + slack || line.bottom > frame.bottom + slack))
        faults.push(`“${text}” does not fit ${nameOf(button)}`);
      written.push({ node, text, ...seen });
    }
  };

  const controls = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  for (const node of within(root())) {
    if (node.nodeType === Node.TEXT_NODE) {
      const parent = parentOf(node);
      if (node.data.trim() && parent && !["option", "style", "script"].includes(parent.localName) && shown(parent)) checkText(node);
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      if (!node.checkVisibility({ visibilityProperty: true })) continue;
      for (const name of ["aria-label", "placeholder", "title", "alt"]) {
        const value = node.getAttribute(name)?.trim();
        if (value) texts.add(value);
      }
      if (node.matches(controls) && shown(node)) checkControl(node);
      if (node.matches("[role=log]") && node.scrollHeight - node.scrollTop - node.clientHeight > slack)
        faults.push(`${nameOf(node)} does not show its end`);
    }
  }

  const over = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  written.forEach((a, place) => {
    for (const b of written.slice(place + 1)) {
      if (a.node === b.node || !over(a, b)) continue;
      if ([a, b].some(({ node }) => insideOf(parentOf(node), "[role=menu]"))) continue;
      faults.push(`“${a.text}” and “${b.text}” lie over each other`);
    }
  });
  for (const text of texts) {
    if (/\{\w+\}|^[a-z]+(?:[A-Z][a-z]+)+$|undefined|NaN|\[object/.test(text)) faults.push(`“${text}” is no sentence`);
  }
  const spread = Math.max(...written.map(({ right }) => right)) - Math.min(...written.map(({ left }) => left));
  const letters = Math.min(...written.map(({ node }) => parseFloat(getComputedStyle(parentOf(node)).fontSize)));
  return { faults: [...new Set(faults)], texts: [...texts], spread: spread / width, letters };
};

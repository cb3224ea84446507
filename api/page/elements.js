// Making and changing elements; text only ever goes in as text.

const TURNING = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** The text without signs that turn the direction of reading, by which a name can be made to look like another. */
export function readable(text) {
  return String(text).replace(TURNING, "").replace(CONTROL, " ");
}

export function element(tag, className = "", ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content.map((part) => (part instanceof Node ? part : readable(part))));
  return made;
}

/** Sets the words that show when the pointer rests on it. */
export function setTitle(node, text) {
  node.title = readable(text);
}

const SVG = "http://www.w3.org/2000/svg";

export function drawn(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function icon(name) {
  const svg = drawn("svg", { class: "icon", "aria-hidden": "true" });
  svg.append(drawn("use", { href: `#i-${name}` }));
  return svg;
}

export function setIcon(svg, name) {
  const use = svg.firstElementChild;
  if (use.getAttribute("href") !== `#i-${name}`) use.setAttribute("href", `#i-${name}`);
}

/** Sets the text only where it differs, so that nothing is laid out anew without need. */
export function setText(node, text) {
  const shown = readable(text);
  if (node.textContent !== shown) node.textContent = shown;
}

/** Puts `wanted` into `parent` in that order, moving only what is out of place. */
export function arrange(parent, wanted) {
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
  while (at) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}

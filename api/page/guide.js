// How a printer is set up: the server's own text, ready to be copied, with a name that is free filled in.

import { ask } from "./api.js";
import { element } from "./elements.js";
import { refusedClients } from "./refused.js";

const HIDDEN = "••••••••";
const NOT_OURS = "...";
const TYPED_MS = 300;

/** Fills the guide. `close` is called when it is to go, where there is a farm to go back to. */
export async function drawGuide(parent, close = null) {
  const setup = await ask("/setup");
  const ways = element("div", "ways", ...setup.ways.map((way) => wayOf(way, setup)));
  const head = element(
    "div", "welcome",
    element("h2", "", close ? "Add a printer" : "Waiting for the first printer"),
    element("p", "", "Printers appear by themselves as soon as they publish to the broker. ",
      "Set one up in one of these ways; nothing needs to be entered on this side."),
    nameOf(setup, ways),
  );
  if (close) head.prepend(closing(close));
  parent.replaceChildren(head, ways, refusedClients(), element("p", "pulse", element("i"), "Listening for printers"));
}

function closing(close) {
  const button = element("button", "copy close", "Back to the farm");
  button.type = "button";
  button.addEventListener("click", close);
  return button;
}

/** The name that is filled in, for typing over: each printer needs its own. */
function nameOf(setup, ways) {
  const input = element("input");
  Object.assign(input, { type: "text", value: setup.name, maxLength: 100, autocomplete: "off", spellcheck: false });
  input.setAttribute("aria-describedby", "name-told");
  const told = element("span", "told", "Free, and filled in below. Each printer needs a name of its own.");
  told.id = "name-told";
  let timer = null;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => fillIn(input, told, ways), TYPED_MS);
  });
  return element("label", "naming", element("span", "", "Name of the printer"), input, told);
}

async function fillIn(input, told, ways) {
  const name = input.value.trim();
  if (!name) return;
  try {
    const setup = await ask("/setup", { name });
    if (input.value.trim() !== name) return;
    ways.replaceChildren(...setup.ways.map((way) => wayOf(way, setup)));
    told.textContent = "Filled in below. Each printer needs a name of its own.";
    input.removeAttribute("aria-invalid");
  } catch {
    told.textContent = "This cannot be a name: it becomes a level of topics, without / + and #.";
    input.setAttribute("aria-invalid", "true");
  }
}

function row(label, text, secret) {
  return [
    element("dt", "", label),
    element("dd", "", secret ? hiddenText(text) : element("code", "", text), copyButton(text, label)),
  ];
}

/** One way to set a printer up; a secret is copied with the block but not shown in it. */
function wayOf(way, { password }) {
  const made = element("section", "way", element("h3", "", way.title));
  made.append(element("ol", "", ...way.steps.map((step) => element("li", "", step))));
  if (way.fields.length) {
    const fields = element("dl", "fields");
    for (const { label, value, secret } of way.fields) {
      if (value === null) fields.append(element("dt", "tick", label), element("dd", "", "tick"));
      else if (value === NOT_OURS) fields.append(element("dt", "", label), element("dd", "", "as set at the broker"));
      else fields.append(...row(label, value, secret));
    }
    made.append(fields);
  }
  if (way.block !== null) {
    const shown = element("pre", "", password ? way.block.replaceAll(password, HIDDEN) : way.block);
    made.append(element("div", "block", copyButton(way.block, `settings for ${way.title}`), shown));
  }
  return made;
}

function hiddenText(text) {
  const shown = element("code", "secret", HIDDEN);
  const button = element("button", "link", "show");
  button.type = "button";
  button.addEventListener("click", () => {
    const open = shown.textContent === text;
    shown.textContent = open ? HIDDEN : text;
    button.textContent = open ? "show" : "hide";
  });
  return element("span", "", shown, " ", button);
}

function copyButton(text, what) {
  const button = element("button", "copy", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy ${what}`);
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text)) ? "Copied" : "Not allowed";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  return button;
}

/** Copies also where the page came over plain HTTP, where browsers offer no clipboard. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", "unseen");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

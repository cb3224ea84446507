// What needs a look and is of no single printer: messages that are dropped, clients that are refused.

import { arrange, element, icon, setText } from "./elements.js";
import { ago, clock } from "./format.js";

/** Draws the needs; one that did not change keeps its element, so that it is not read out again. */
export function drawNotices(list, needs, nowMs) {
  const drawn = new Map([...list.children].map((node) => [node.dataset.drawn, node]));
  const farm = needs.filter((need) => need.printer_id === null);
  arrange(list, farm.map((need) => drawn.get(JSON.stringify(need)) ?? notice(need, nowMs)));
  list.hidden = farm.length === 0;
  drawNoticeTimes(list, nowMs);
}

export function drawNoticeTimes(list, nowMs) {
  for (const node of list.querySelectorAll("[data-at]")) setText(node, `last ${ago(Number(node.dataset.at), nowMs)}`);
}

function notice(need, nowMs) {
  const made = element("li", "notice", icon("alert"), element("p", "", element("strong", "", need.task)));
  made.dataset.drawn = JSON.stringify(need);
  if (need.words) made.lastElementChild.append(" ", element("span", "words", need.words));
  if (need.since) {
    const at = element("time", "when");
    at.dataset.at = Date.parse(need.since);
    at.title = clock(Date.parse(need.since), nowMs);
    made.append(at);
  }
  return made;
}

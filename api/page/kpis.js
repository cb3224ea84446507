// The indicators: figure, what it is made of, how sure it is, and its series.

import { ask } from "./api.js";
import { element } from "./elements.js";
import { count, hours, percent, percentRange, plural } from "./format.js";
import { sparkline } from "./sparkline.js";

export const WINDOWS = [
  ["1h", "1 h"], ["8h", "8 h"], ["24h", "24 h"], ["7d", "7 d"], ["30d", "30 d"],
  ["today", "Today"], ["week", "This week"], ["month", "This month"],
];

// Short windows show the day around them: two points make no line.
const SERIES_OF = {
  "1h": ["24h", "hour"], "8h": ["24h", "hour"], "24h": ["24h", "hour"], today: ["24h", "hour"],
  "7d": ["7d", "day"], week: ["7d", "day"], "30d": ["30d", "day"], month: ["30d", "day"],
};

const DAY_MS = 86400000;

const NAMES = { utilization: "Utilization", print_success_rate: "Print success", throughput: "Throughput" };

const WORKING = {
  utilization({ amounts, counts }) {
    const { utilized_hours: used = 0, available_hours: available = 0 } = amounts;
    return `${hours(used)} printed of ${hours(available)} available · ${plural(counts.printers ?? 0, "printer")}`;
  },
  print_success_rate({ counts }) {
    const told = [`${count(counts.succeeded)} of ${plural(counts.attempts, "print")}`];
    if (counts.cancelled) told.push(`${count(counts.cancelled)} cancelled`);
    if (counts.unknown) told.push(`${count(counts.unknown)} unknown`);
    return told.join(" · ");
  },
  throughput({ counts, amounts, window }) {
    const told = [`from ${plural(counts.succeeded, "print")}`];
    const short = Date.parse(window.to) - Date.parse(window.from) < 2 * DAY_MS;
    if (short && amounts.units_per_hour) told.push(`${rate(amounts.units_per_hour)} an hour`);
    else if (amounts.units_per_day) told.push(`${rate(amounts.units_per_day)} a day`);
    return told.join(" · ");
  },
};

/** Fetches the figures and their series; `scope` narrows them to a group. */
export async function fetchFigures(window, scope) {
  return (await ask("/kpis", { window, ...scope })).items;
}

export async function fetchSeries(window, scope) {
  const [span, period] = SERIES_OF[window];
  const rows = await Promise.all(
    Object.keys(NAMES).map((id) => ask(`/kpis/${id}/series`, { window: span, period, ...scope })),
  );
  return new Map(rows.map(({ items }, place) => [Object.keys(NAMES)[place], { span, points: items[0]?.points ?? [] }]));
}

let drawn = "";

export function drawFigures(parent, figures, series) {
  parent.setAttribute("aria-busy", "false");
  const wanted = JSON.stringify([figures, [...series]]);
  if (wanted === drawn) return;
  drawn = wanted;
  parent.replaceChildren(...figures.filter(({ id }) => id in NAMES).map((figure) => card(figure, series.get(figure.id))));
}

/** Says why there are no figures, rather than to let old ones stand. */
export function drawNoFigures(parent, reason) {
  drawn = "";
  parent.setAttribute("aria-busy", "false");
  parent.replaceChildren(element("p", "nothing", `The figures cannot be had at present: ${reason}. Trying again by itself.`));
}

function rate(number) {
  return number < 100 ? number.toFixed(1) : count(number);
}

function card(figure, series) {
  const made = element("article", "kpi", element("h3", "", NAMES[figure.id]));
  made.dataset.kpi = figure.id;
  made.append(
    element("div", "main", value(figure), line(figure, series)),
    ...(figure.unit === "ratio" && figure.value != null ? [scale(figure)] : []),
    element("p", "working", WORKING[figure.id](figure)),
    element("p", "surety", ...surety(figure)),
  );
  return made;
}

function value({ value: number, unit }) {
  if (number == null) return element("p", "value none", "no data");
  if (unit === "ratio") return element("p", "value", (number * 100).toFixed(1), element("span", "unit", "%"));
  return element("p", "value", count(number), element("span", "unit", "units"));
}

function line(figure, series) {
  const points = series?.points ?? [];
  const ratio = figure.unit === "ratio";
  const known = points.filter(({ value }) => value != null);
  const words = ratio ? percent : count;
  const label = known.length
    ? `Course over ${series.span}: lowest ${words(Math.min(...known.map((p) => p.value)))}, ` +
      `highest ${words(Math.max(...known.map((p) => p.value)))}`
    : "No course yet";
  return sparkline(points, { ceiling: ratio ? 1 : null, bars: !ratio, label });
}

/** From 0 to 100 %: the interval as a band, what the unknown could change as a thin line, the value as a mark. */
function scale(figure) {
  const scale = element("div", "scale");
  scale.setAttribute("aria-hidden", "true");
  if (figure.low != null && figure.high > figure.low) scale.append(band("range", figure.low, figure.high));
  if (figure.interval_low != null) scale.append(band("interval", figure.interval_low, figure.interval_high));
  scale.append(band("mark", figure.value, figure.value));
  return scale;
}

function band(className, from, to) {
  const made = element("i", className);
  made.style.setProperty("--from", from.toFixed(4));
  made.style.setProperty("--to", to.toFixed(4));
  return made;
}

function surety(figure) {
  const told = [];
  if (figure.interval_low != null) {
    told.push(element("span", "", `95 % interval ${percentRange(figure.interval_low, figure.interval_high)}`));
  }
  if (figure.value != null && figure.high - figure.low > 0.0005) {
    const range = figure.unit === "ratio"
      ? percentRange(figure.low, figure.high)
      : `${count(figure.low)}–${count(figure.high)}`;
    const possible = element("span", "", `${range} with the unknown`);
    possible.title = "Where the figure would lie at worst and at best if everything unknown were known";
    told.push(possible);
  }
  const share = figure.observed_share;
  const seen = element("span", "observed", share == null ? "nothing observed" : `observed ${percent(share)}`);
  if (share != null && share < 0.95) seen.classList.add("little");
  told.push(seen);
  return told;
}

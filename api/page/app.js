// The page: joins the live stream with the parts that show it.

import { drawAlerts, drawAlertTimes } from "./alerts.js";
import { ask, throttled } from "./api.js";
import { element, icon, readable, setText } from "./elements.js";
import { clock, count, duration, setTimeZone } from "./format.js";
import { drawGuide } from "./guide.js";
import { drawJobs, drawJobTimes } from "./jobs.js";
import { drawFigures, drawNoFigures, fetchSeries, fetchFigures, WINDOWS } from "./kpis.js";
import { drawNotices, drawNoticeTimes } from "./notices.js";
import { STATES } from "./states.js";
import { Stream } from "./stream.js";
import { Floor } from "./tiles.js";

const $ = (id) => document.getElementById(id);

const FIGURES_PAUSE_MS = 1000;
const COURSES_PAUSE_MS = 30000;
const FIGURES_EVERY_MS = 30000;
const JOBS_SHOWN = 30;
const TIMES_EVERY_MS = 5000;

const chosen = new URLSearchParams(location.search);
let figuresWindow = WINDOWS.some(([name]) => name === chosen.get("window")) ? chosen.get("window") : "24h";
let farmAheadMs = 0;
let lastTickMs = null;
let lostSince = null;

const now = () => Date.now() + farmAheadMs;

const floor = new Floor({ hands: $("hands"), others: $("others") });
floor.now = now;
floor.onDrawn = (moved) => {
  if (moved) drawFloorHead();
};

const shownFigures = { key: "", figures: [], series: new Map() };

function figuresKey() {
  return `${figuresWindow} ${floor.filter.group}`;
}

function figuresScope() {
  return floor.filter.group === "*" ? {} : { group: floor.filter.group };
}

/** Takes in what was fetched for `key`, unless something else has been chosen meanwhile. */
function showFigures(key, fetched) {
  if (key !== figuresKey()) return;
  if (shownFigures.key !== key) Object.assign(shownFigures, { key, figures: [], series: new Map() });
  Object.assign(shownFigures, fetched);
  if (shownFigures.figures.length) drawFigures($("kpis"), shownFigures.figures, shownFigures.series);
}

const refreshFigures = throttled(async () => {
  const key = figuresKey();
  try {
    showFigures(key, { figures: await fetchFigures(figuresWindow, figuresScope()) });
  } catch (error) {
    if (key === figuresKey()) drawNoFigures($("kpis"), error.message);
    throw error;
  }
}, FIGURES_PAUSE_MS);

const refreshCourses = throttled(async () => {
  const key = figuresKey();
  showFigures(key, { series: await fetchSeries(figuresWindow, figuresScope()) });
}, COURSES_PAUSE_MS);

function chooseFigures() {
  $("kpis").setAttribute("aria-busy", "true");
  refreshFigures.now();
  refreshCourses.now();
}

const refreshJobs = throttled(async () => {
  const parameters = new URLSearchParams({ limit: JOBS_SHOWN, ...figuresScope() });
  for (const outcome of ["succeeded", "failed", "cancelled", "unknown"]) parameters.append("outcome", outcome);
  drawJobs($("jobs"), (await ask("/jobs", parameters)).items, now());
}, FIGURES_PAUSE_MS);

const stream = new Stream({
  status: showStatus,
  snapshot(farm) {
    setTimeZone(farm.time_zone);
    setText($("site"), farm.site === "main" ? "" : farm.site);
    $("leave").hidden = !farm.guarded;
    setFarmTime(farm.at);
    floor.replaceAll(farm.printers);
    showAlerts(farm.alerts);
    showAttention(farm.attention);
    showEmpty(farm.printers.length === 0);
    chooseFigures();
    refreshJobs();
  },
  feed(entry) {
    if (entry.kind.startsWith("job.")) refreshJobs();
    if (entry.kind.startsWith("job.") || entry.kind === "spans.revised") refreshCourses();
    refreshFigures();
  },
  printers(printers) {
    showEmpty(false);
    floor.change(printers);
  },
  gone(ids) {
    floor.remove(ids);
  },
  alerts: showAlerts,
  attention: showAttention,
  tick(tick) {
    setFarmTime(tick.at);
    showStale(tick);
  },
});

function setFarmTime(at) {
  farmAheadMs = Date.parse(at) - Date.now();
  lastTickMs = Date.parse(at);
  drawClock();
}

function drawClock() {
  setText($("clock"), clock(now(), now()));
}

function showStatus(kind) {
  const pill = $("live");
  if (kind === "lost" && lostSince === null) {
    lostSince = now();
    // Where the session has ended this leads to the sign-in form.
    ask("/kpis/catalogue").catch(() => {});
  }
  if (kind === "live" && lostSince !== null) {
    lostSince = null;
    refreshCourses();
  }
  if (pill.dataset.kind !== kind) {
    pill.dataset.kind = kind;
    setText(pill.lastElementChild, kind === "live" ? "Live" : "Reconnecting");
  }
  drawWarning();
}

let staleShards = [];
let shards = 0;

function showStale(tick) {
  staleShards = tick.stale_shards;
  shards = tick.shards;
  drawWarning();
}

function staleText() {
  const since = Math.min(...staleShards.map((each) => Date.parse(each.booked_at)));
  const silent = `has booked nothing for ${duration((now() - since) / 1000)}`;
  if (shards === staleShards.length) return `The collector ${silent}. States and figures may be out of date.`;
  const held = staleShards.reduce((sum, each) => sum + each.printers, 0);
  const names = staleShards.map((each) => each.shard).join(", ");
  return `Collector ${names} ${silent}. States and figures of ${held} printers may be out of date.`;
}

function drawWarning() {
  const lost = lostSince !== null;
  const known = lastTickMs === null ? "No figures yet." : `What you see is from ${clock(lastTickMs, now())}.`;
  let text = "";
  if (lost) text = `Connection lost. ${known} Reconnecting by itself.`;
  else if (staleShards.length) text = staleText();
  const box = $("warning");
  box.hidden = text === "";
  setText(box, text);
  document.body.classList.toggle("stale", text !== "");
}

function showAlerts(list) {
  floor.setAlerted(new Set(list.map((alert) => alert.printer_id).filter(Boolean)));
  setText($("alert-count"), list.length ? count(list.length) : "");
  drawAlerts($("alerts"), list, now());
  document.title = list.length ? `(${list.length}) Layerline` : "Layerline";
}

let attention = { quiet: false, needs: [] };

function showAttention(found) {
  if (found === null) return;
  attention = found;
  floor.setNeeds(found.needs);
  drawNotices($("notices"), found.needs, now());
  if (floor.shown) drawFloorHead();
}

const ADD = "#add";
let isEmpty = false;
let guide = "";

function showEmpty(empty) {
  isEmpty = empty;
  showGuide();
}

/** The guide stands where there is no printer yet, and where somebody wants to add one. */
function showGuide() {
  const wanted = isEmpty ? "first" : location.hash === ADD ? "another" : "";
  $("farm").hidden = wanted !== "";
  $("empty").hidden = wanted === "";
  $("find").hidden = wanted !== "";
  $("add").hidden = wanted !== "";
  if (wanted === guide) return;
  guide = wanted;
  const close = wanted === "another" ? () => (location.hash = "") : null;
  if (wanted) drawGuide($("empty"), close).catch(() => (guide = ""));
}

function drawFloorHead() {
  const counts = floor.counts();
  const all = Object.values(counts).reduce((sum, number) => sum + number, 0);
  setText($("printer-count"), count(all));
  drawStates(counts);
  drawMix(counts, all);
  drawGroups();
  const { hands, others } = floor.shown;
  const filtered = hands + others < all;
  $("placeholders").hidden = true;
  $("hands-part").hidden = hands === 0;
  $("others-part").hidden = others === 0;
  const unseen = attention.needs.length > 0 || hands > 0 || filtered || others === 0;
  $("all-well").hidden = unseen || !attention.quiet;
  $("not-known").hidden = unseen || attention.quiet;
  $("no-match").hidden = hands + others > 0;
  setText($("hands-count"), count(hands));
  setText($("others-count"), count(others));
}

function drawStates(counts) {
  const wanted = Object.keys(STATES).filter((state) => counts[state] || floor.filter.states.has(state));
  const box = $("states");
  for (const chip of [...box.children]) if (!wanted.includes(chip.dataset.state)) chip.remove();
  for (const state of wanted) {
    const chip = box.querySelector(`[data-state="${state}"]`) ?? box.appendChild(stateChip(state));
    setText(chip.querySelector("b"), count(counts[state] ?? 0));
    chip.setAttribute("aria-pressed", floor.filter.states.has(state));
  }
}

function stateChip(state) {
  const chip = element("button", "chip", icon(state), element("b"), element("span", "", STATES[state].word.toLowerCase()));
  chip.type = "button";
  chip.dataset.state = state;
  chip.addEventListener("click", () => {
    const states = new Set(floor.filter.states);
    if (!states.delete(state)) states.add(state);
    setFilter({ states });
  });
  return chip;
}

function drawMix(counts, all) {
  const parts = Object.keys(STATES).filter((state) => counts[state]);
  $("mix").replaceChildren(
    ...parts.map((state) => {
      const part = element("i");
      part.dataset.state = state;
      part.style.setProperty("flex-grow", counts[state] / all);
      return part;
    }),
  );
}

function drawGroups() {
  const names = floor.groups();
  const select = $("group");
  select.parentElement.hidden = names.length < 2;
  const wanted = ["*", ...names];
  if ([...select.options].map((option) => option.value).join("\n") === wanted.join("\n")) return;
  select.replaceChildren(
    ...wanted.map((name) => new Option(name === "*" ? "All groups" : readable(name) || "No group", name)),
  );
  select.value = wanted.includes(floor.filter.group) ? floor.filter.group : "*";
  if (select.value !== floor.filter.group) setFilter({ group: "*" });
}

function setFilter(changes) {
  const regroup = "group" in changes && changes.group !== floor.filter.group;
  floor.setFilter(changes);
  drawFloorHead();
  keepInAddress();
  if (regroup) {
    chooseFigures();
    refreshJobs.now();
  }
}

/** Keeps the choices in the address, so that a bookmark on the wall screen opens them again. */
function keepInAddress() {
  const { text, group } = floor.filter;
  const choices = new URLSearchParams();
  if (figuresWindow !== "24h") choices.set("window", figuresWindow);
  if (group !== "*") choices.set("group", group);
  if (text) choices.set("find", text);
  history.replaceState(null, "", `${location.pathname}${choices.size ? `?${choices}` : ""}${location.hash}`);
}

function drawWindows() {
  $("windows").replaceChildren(
    ...WINDOWS.map(([name, word]) => {
      const radio = element("input");
      Object.assign(radio, { type: "radio", name: "window", value: name, checked: name === figuresWindow });
      radio.addEventListener("change", () => {
        figuresWindow = name;
        keepInAddress();
        chooseFigures();
      });
      return element("label", "", radio, element("span", "", word));
    }),
  );
}

function clearFilter() {
  $("search").value = "";
  $("group").value = "*";
  setFilter({ text: "", group: "*", states: new Set() });
}

function listen() {
  $("search").addEventListener("input", () => setFilter({ text: $("search").value.trim().toLowerCase() }));
  $("group").addEventListener("change", () => setFilter({ group: $("group").value }));
  $("find").addEventListener("submit", (event) => event.preventDefault());
  $("show-all").addEventListener("click", clearFilter);
  addEventListener("hashchange", showGuide);
  $("theme").addEventListener("click", () => window.layerlineTheme.toggle());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input[type=search], select, textarea");
    if (event.key === "Escape" && event.target === $("search")) {
      clearFilter();
      $("search").blur();
    } else if (event.key === "/" && !typing) {
      event.preventDefault();
      $("search").focus();
    } else if (event.key === "t" && !typing) {
      window.layerlineTheme.toggle();
    }
  });
}

function keepTime() {
  setInterval(drawClock, 1000);
  setInterval(() => {
    if (document.hidden) return;
    floor.drawTimes();
    drawAlertTimes($("alerts"), now());
    drawNoticeTimes($("notices"), now());
    drawJobTimes($("jobs"), now());
    drawWarning();
  }, TIMES_EVERY_MS);
  setInterval(() => {
    if (document.hidden || lostSince !== null) return;
    refreshFigures();
    refreshCourses();
  }, FIGURES_EVERY_MS);
}

floor.filter.group = chosen.get("group") ?? "*";
floor.filter.text = chosen.get("find") ?? "";
$("search").value = floor.filter.text;
drawWindows();
listen();
keepTime();
stream.open();

// The printers as tiles: one element each, changed in place.

import { arrange, element, icon, readable, setIcon, setText, setTitle } from "./elements.js";
import { ago, byName, clock, duration } from "./format.js";
import { calmOrder, STATES } from "./states.js";

// What an alert asks for comes right behind a printer in error.
const ALERT_RANK = 0.5;
// So long after it was heard, or without a known state, what a printer measured is of then.
const OLD_MS = 120000;

class Tile {
  constructor(printer) {
    this.name = element("h4", "name");
    this.badge = element("span", "badge");
    this.badgeIcon = icon("unknown");
    this.badgeWord = element("span");
    this.badge.append(this.badgeIcon, this.badgeWord);
    this.since = element("span", "since");
    this.file = element("p", "file");
    // Each name in its own direction, so that what does not fit is its end and never its beginning.
    for (const named of [this.name, this.file]) named.dir = "auto";
    this.task = element("strong", "task");
    this.fill = element("span");
    this.bar = element("div", "progress", this.fill);
    this.bar.setAttribute("role", "progressbar");
    this.bar.setAttribute("aria-valuemin", "0");
    this.bar.setAttribute("aria-valuemax", "100");
    this.share = element("span", "share");
    this.left = element("span", "left");
    this.run = element("div", "run", this.bar, this.share);
    this.nozzle = reading("nozzle", "Nozzle");
    this.bed = reading("bed", "Bed");
    this.layer = reading("layers", "Layer");
    this.streak = element("span", "streak");
    this.say = element("p", "say", this.task, this.left);
    this.words = element("p", "words");
    this.foot = element("p", "foot", this.nozzle.node, this.bed.node, this.layer.node, this.streak);
    this.node = element(
      "li", "tile",
      element("div", "head", this.name, this.badge, this.file, this.since),
      this.run, this.say, this.words, this.foot,
    );
    this.node.dataset.id = printer.id;
    this.alerted = false;
    this.needs = [];
    this.update(printer);
  }

  update(printer) {
    this.printer = printer;
    this.sinceMs = Date.parse(printer.since);
    this.heardMs = Date.parse(printer.heard_at);
    this.found = `${printer.name} ${printer.model ?? ""} ${printer.job?.file ?? ""}`.toLowerCase();
  }

  setNeeds(needs, alerted) {
    this.alerted = alerted;
    this.needs = needs;
  }

  /** How urgently it needs hands, 0 most; null where it needs none. */
  get rank() {
    const ranks = this.needs.map((need) => need.rank);
    if (this.alerted) ranks.push(ALERT_RANK);
    return ranks.length ? Math.min(...ranks) : null;
  }

  draw(nowMs) {
    const { printer } = this;
    const { state, job } = printer;
    this.node.dataset.state = state;
    this.node.classList.toggle("alerted", this.alerted);
    this.node.classList.toggle("unobserved", !printer.observed);
    setText(this.name, printer.name);
    setTitle(this.name, printer.name);
    setIcon(this.badgeIcon, state);
    setText(this.badgeWord, STATES[state]?.word ?? state);
    setText(this.file, job?.file ?? (job ? "File not known" : this.rest()));
    setTitle(this.file, job?.file ?? "");
    this.file.classList.toggle("none", !job);
    const [need] = this.needs;
    setText(this.task, need?.task ?? (this.alerted ? "See the alert" : ""));
    const more = this.needs.slice(1).map((each) => `${each.task}. ${each.words ?? ""}`);
    const told = need?.words && need.words !== job?.file ? [need.words] : [];
    setText(this.words, [...told, ...more].join(" · "));
    setTitle(this.words, this.words.textContent);
    this.drawRun(job);
    this.drawReadings(printer.readings);
    const failed = printer.failed_streak;
    setText(this.streak, failed >= 2 ? `${failed} failed in a row` : "");
    this.drawTime(nowMs);
  }

  rest() {
    return [this.printer.model, this.printer.group].filter(Boolean).join(" · ");
  }

  drawRun(job) {
    const known = job != null && job.progress != null;
    this.run.hidden = !known;
    if (!known) return;
    const share = Math.max(0, Math.min(1, job.progress));
    const text = `${Math.floor(share * 100)} %`;
    this.fill.style.setProperty("--share", share.toFixed(3));
    this.bar.setAttribute("aria-valuenow", Math.floor(share * 100));
    this.bar.setAttribute("aria-label", readable(`Progress of ${this.printer.name}`));
    setText(this.share, text);
  }

  drawReadings(readings) {
    this.nozzle.show(degrees(readings.nozzle, readings.nozzle_target));
    this.bed.show(degrees(readings.bed, readings.bed_target));
    const layers = this.printer.job && readings.layer != null;
    this.layer.show(layers ? `${readings.layer}${readings.layers ? `/${readings.layers}` : ""}` : "");
  }

  drawTime(nowMs) {
    const away = this.printer.state === "offline" || this.printer.state === "unknown";
    const old = away || !this.printer.observed || nowMs - this.heardMs > OLD_MS;
    this.foot.classList.toggle("old", old);
    this.foot.title = old ? `as measured ${ago(this.heardMs, nowMs)}` : "";
    for (const part of [this.nozzle, this.bed, this.layer]) part.age(old);
    setText(this.since, duration((nowMs - this.sinceMs) / 1000));
    this.since.title = `since ${clock(this.sinceMs, nowMs)}, last heard ${ago(this.heardMs, nowMs)}`;
    setText(this.left, away ? `last heard ${ago(this.heardMs, nowMs)}` : this.timeLeft(nowMs));
  }

  timeLeft(nowMs) {
    const job = this.printer.job;
    if (job?.done_at == null) return "";
    if (this.printer.state !== "printing") return `${duration(job.time_left_seconds)} of printing left`;
    const endsMs = Date.parse(job.done_at);
    if (endsMs <= nowMs) return "about to end";
    return `${duration((endsMs - nowMs) / 1000)} left · ${clock(endsMs, nowMs)}`;
  }
}

function reading(name, label) {
  const value = element("span");
  const node = element("span", "reading", icon(name), element("span", "unseen", `${label} `), value);
  node.title = label;
  return {
    node,
    text: "",
    old: false,
    show(text) {
      this.text = text;
      this.draw();
    },
    /** A figure that is old is not shown as if it were measured now. */
    age(old) {
      this.old = old;
      this.draw();
    },
    draw() {
      node.hidden = this.text === "" || this.old;
      setText(value, this.text);
    },
  };
}

function degrees(value, target) {
  if (value == null) return "";
  return target > 0 ? `${Math.round(value)}/${Math.round(target)}°` : `${Math.round(value)}°`;
}

/** All tiles, in two parts: those that need hands, longest waiting first, and the others by name. */
export class Floor {
  constructor(parts) {
    this.parts = parts;
    this.tiles = new Map();
    this.changed = new Map();
    this.removed = new Set();
    this.alerted = new Set();
    this.needs = new Map();
    this.filter = { text: "", group: "*", states: new Set() };
    this.planned = false;
    this.now = () => Date.now();
    this.onDrawn = () => {};
  }

  replaceAll(printers) {
    const kept = new Set(printers.map((printer) => printer.id));
    for (const id of this.tiles.keys()) if (!kept.has(id)) this.removed.add(id);
    this.change(printers);
  }

  change(printers) {
    for (const printer of printers) {
      this.changed.set(printer.id, printer);
      this.removed.delete(printer.id);
    }
    this.plan();
  }

  remove(ids) {
    for (const id of ids) {
      this.changed.delete(id);
      this.removed.add(id);
    }
    this.plan();
  }

  setAlerted(ids) {
    this.alerted = ids;
    this.judgeAnew((tile) => tile.alerted !== ids.has(tile.printer.id));
  }

  /** What needs a look, as the server has it, most urgent first. */
  setNeeds(needs) {
    this.needs = grouped(needs);
    this.judgeAnew((tile) => JSON.stringify(tile.needs) !== JSON.stringify(this.needsOf(tile.printer.id)));
  }

  needsOf(id) {
    return this.needs.get(id) ?? [];
  }

  judgeAnew(differs) {
    for (const tile of this.tiles.values()) {
      if (differs(tile)) this.changed.set(tile.printer.id, this.changed.get(tile.printer.id) ?? tile.printer);
    }
    this.plan();
  }

  setFilter(changes) {
    Object.assign(this.filter, changes);
    this.arrangeAll();
  }

  plan() {
    if (this.planned) return;
    this.planned = true;
    requestAnimationFrame(() => {
      this.planned = false;
      this.draw();
    });
  }

  draw() {
    const nowMs = this.now();
    let moved = this.removed.size > 0;
    for (const id of this.removed) this.tiles.delete(id);
    for (const [id, printer] of this.changed) {
      let tile = this.tiles.get(id);
      const before = tile && place(tile);
      if (tile) tile.update(printer);
      else this.tiles.set(id, (tile = new Tile(printer)));
      tile.setNeeds(this.needsOf(id), this.alerted.has(id));
      tile.draw(nowMs);
      if (before !== place(tile)) moved = true;
    }
    this.changed.clear();
    this.removed.clear();
    if (moved) this.arrangeAll();
    this.onDrawn(moved);
  }

  drawTimes() {
    const nowMs = this.now();
    for (const tile of this.tiles.values()) tile.drawTime(nowMs);
  }

  arrangeAll() {
    const shown = [...this.tiles.values()].filter((tile) => this.matches(tile));
    const hands = shown.filter((tile) => tile.rank !== null).sort(byUrgency);
    const others = shown.filter((tile) => tile.rank === null).sort(byCalm);
    arrange(this.parts.hands, hands.map((tile) => tile.node));
    arrange(this.parts.others, others.map((tile) => tile.node));
    this.shown = { hands: hands.length, others: others.length };
  }

  matches({ printer, found }) {
    const { text, group, states } = this.filter;
    return (
      (text === "" || found.includes(text)) &&
      (group === "*" || (printer.group ?? "") === group) &&
      (states.size === 0 || states.has(printer.state))
    );
  }

  /** How many printers of the chosen group are in each state. */
  counts() {
    const counts = {};
    for (const { printer } of this.tiles.values()) {
      if (this.filter.group === "*" || (printer.group ?? "") === this.filter.group) {
        counts[printer.state] = (counts[printer.state] ?? 0) + 1;
      }
    }
    return counts;
  }

  groups() {
    const names = new Set([...this.tiles.values()].map(({ printer }) => printer.group ?? ""));
    return [...names].sort(byName);
  }
}

/** What decides where a tile stands and whether it is shown. */
function place(tile) {
  const { printer } = tile;
  return `${tile.rank} ${printer.state} ${tile.sinceMs} ${printer.name} ${printer.group} ${tile.found}`;
}

function byUrgency(a, b) {
  return a.rank - b.rank || a.sinceMs - b.sinceMs || byName(a.printer.name, b.printer.name);
}

function byCalm(a, b) {
  return calmOrder(a.printer) - calmOrder(b.printer) || byName(a.printer.name, b.printer.name);
}

function grouped(needs) {
  const found = new Map();
  for (const need of needs) found.set(need.printer_id, [...(found.get(need.printer_id) ?? []), need]);
  return found;
}

// Open alerts with what they rest on.

import { arrange, element, icon, setText, setTitle } from "./elements.js";
import { ago, clock, duration } from "./format.js";

const CAUSES = {
  thermal: "thermal", printer_error: "printer error", connection: "connection", host: "host",
  power: "power", filament: "filament", adhesion: "adhesion", file: "file", operator: "operator",
};

export function cause(name) {
  return CAUSES[name] ?? "cause unknown";
}

/** Draws the alerts; one that did not change keeps its element, so that it is not read out again. */
export function drawAlerts(list, alerts, nowMs) {
  const drawn = new Map([...list.children].map((node) => [node.dataset.drawn, node]));
  const wanted = alerts.map((alert) => drawn.get(JSON.stringify(alert)) ?? entry(alert, nowMs));
  if (wanted.length === 0) wanted.push(drawn.get("none") ?? quiet());
  arrange(list, wanted);
  drawAlertTimes(list, nowMs);
}

export function drawAlertTimes(list, nowMs) {
  for (const node of list.querySelectorAll("[data-at]")) setText(node, ago(Number(node.dataset.at), nowMs));
}

function quiet() {
  const made = element("li", "quiet", icon("finished"), "No open alert.");
  made.dataset.drawn = "none";
  return made;
}

function entry(alert, nowMs) {
  const firedMs = Date.parse(alert.fired_at);
  const made = element(
    "li", "alert",
    element("p", "title", icon("alert"), element("span", "", ...title(alert))),
    element("p", "summary", alert.summary),
  );
  made.dataset.severity = alert.severity;
  made.dataset.drawn = JSON.stringify(alert);
  if (alert.jobs.length) made.append(element("ol", "evidence", ...alert.jobs.map((job) => proof(job, nowMs))));
  const since = element("span");
  since.dataset.at = firedMs;
  since.title = clock(firedMs, nowMs);
  made.append(element("p", "when", since, ` · ${told(alert)}`));
  const seenTo = attended(alert, nowMs);
  if (seenTo) made.append(element("p", "when attended", seenTo));
  return made;
}

/** Who sees to it, and whether a silence keeps it from being told. */
function attended({ acknowledged, silenced }, nowMs) {
  const words = [];
  if (acknowledged) {
    const until = clock(Date.parse(acknowledged.until), nowMs);
    words.push(`${acknowledged.by} sees to it until ${until}${acknowledged.note ? `: ${acknowledged.note}` : ""}`);
  }
  if (silenced.length) words.push(`silenced by ${silenced.join(", ")}`);
  return words.join(" · ");
}

/** The printer's name stands by itself: written from right to left, it would take the figures behind it along. */
function title({ title: words, printer }) {
  if (!printer || !words.startsWith(printer)) return [words];
  return [element("bdi", "", printer), words.slice(printer.length)];
}

function proof(job, nowMs) {
  const mark = icon(job.outcome === "succeeded" ? "finished" : job.outcome ?? "unknown");
  const why = job.outcome === "failed" ? cause(job.cause) : job.outcome;
  const ended = job.ended_at ? clock(Date.parse(job.ended_at), nowMs) : "under way";
  const made = element(
    "li", `outcome-${job.outcome}`, mark,
    element("bdi", "file", job.file ?? "File not known"),
    element("span", "why", `${why} · ${ended}`, element("span", "after", ` · after ${duration(job.printing_seconds)}`)),
  );
  setTitle(made, job.detail ?? "");
  return made;
}

/** Whether somebody was told, which an alert that nobody hears must not hide. */
function told({ deliveries }) {
  const places = new Map(deliveries.map((delivery) => [delivery.receiver, delivery.state]));
  const by = (...states) => [...places].filter(([, state]) => states.includes(state)).map(([name]) => name);
  const words = [];
  if (by("delivered", "partial").length) words.push(`told ${by("delivered", "partial").join(", ")}`);
  if (by("pending").length) words.push(`still trying ${by("pending").join(", ")}`);
  if (by("silenced").length) words.push(`silenced for ${by("silenced").join(", ")}`);
  if (by("failed").length) words.push(`could not tell ${by("failed").join(", ")}`);
  return words.join(" · ") || "shown here only";
}

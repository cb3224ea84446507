// The jobs that ended last.

import { cause } from "./alerts.js";
import { element, icon, setText, setTitle } from "./elements.js";
import { ago, clock, duration } from "./format.js";

const WORDS = { succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled", unknown: "Unknown" };
const ICONS = { succeeded: "finished", failed: "failed", cancelled: "cancelled", unknown: "unknown" };

export function drawJobs(parent, jobs, nowMs) {
  if (jobs.length === 0) {
    parent.replaceChildren(element("p", "quiet", "No job has ended yet."));
    return;
  }
  const head = element("tr", "", ...["Outcome", "File", "Ended"].map(heading));
  const table = element("table", "", element("thead", "", head), element("tbody", "", ...jobs.map((job) => row(job, nowMs))));
  parent.replaceChildren(table);
}

export function drawJobTimes(parent, nowMs) {
  for (const node of parent.querySelectorAll("[data-at]")) setText(node, ago(Number(node.dataset.at), nowMs));
}

function heading(text) {
  const made = element("th", "", text);
  made.scope = "col";
  return made;
}

function row(job, nowMs) {
  const endedMs = Date.parse(job.ended_at);
  const outcome = element("td", `outcome outcome-${job.outcome}`, icon(ICONS[job.outcome]), element("span", "", WORDS[job.outcome]));
  const ended = element("td", "ended", ago(endedMs, nowMs));
  ended.dataset.at = endedMs;
  ended.title = clock(endedMs, nowMs);
  const file = element(
    "td", "what",
    element("bdi", "file", job.file ?? "File not known"),
    element(
      "span", "where",
      element("bdi", "", job.printer),
      element("span", "", ["", reason(job), duration(job.printing_seconds)].filter((part, i) => i === 0 || part).join(" · ")),
    ),
  );
  setTitle(file, [job.file, job.detail, `${duration(job.printing_seconds)} of printing`].filter(Boolean).join("\n"));
  return element("tr", "", outcome, file, ended);
}

function reason(job) {
  if (job.outcome === "failed") return cause(job.cause);
  if (job.outcome === "cancelled" && job.cancelled_by) return `by ${job.cancelled_by === "person" ? "a person" : "the system"}`;
  return "";
}

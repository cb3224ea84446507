// How figures and times are put into words. Times are shown on the farm's clock.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

let clockFormat = clockOf("UTC");
let dayFormat = dayOf("UTC");

function clockOf(timeZone) {
  return new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
}

function dayOf(timeZone) {
  return new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "short", day: "numeric", month: "short" });
}

export function setTimeZone(timeZone) {
  clockFormat = clockOf(timeZone);
  dayFormat = dayOf(timeZone);
}

/** `09:41` of an instant in milliseconds, with the day where it is not today's. */
export function clock(ms, nowMs) {
  const time = clockFormat.format(ms);
  return dayFormat.format(ms) === dayFormat.format(nowMs) ? time : `${dayFormat.format(ms)} ${time}`;
}

/** `3 d 4 h`, `2 h 05 min`, `7 min`, `< 1 min`. */
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < MINUTE) return "< 1 min";
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min`;
  if (s < DAY) return `${Math.floor(s / HOUR)} h ${String(Math.floor((s % HOUR) / MINUTE)).padStart(2, "0")} min`;
  return `${Math.floor(s / DAY)} d ${Math.floor((s % DAY) / HOUR)} h`;
}

/** How long ago, in one unit: `now`, `7 min ago`, `3 h ago`, `2 d ago`. */
export function ago(ms, nowMs) {
  const s = Math.max(0, (nowMs - ms) / 1000);
  if (s < MINUTE) return "now";
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min ago`;
  if (s < DAY) return `${Math.floor(s / HOUR)} h ago`;
  return `${Math.floor(s / DAY)} d ago`;
}

export function percent(ratio, digits = 1) {
  return `${(ratio * 100).toFixed(digits)} %`;
}

/** A range of ratios as `85.1–93.4 %`. */
export function percentRange(low, high) {
  return `${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)} %`;
}

export function count(number) {
  return Math.round(number).toLocaleString("en");
}

/** `1 print`, `3 prints`. */
export function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

export function hours(number) {
  return `${number < 100 ? number.toFixed(1) : count(number)} h`;
}

const ordering = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Compares names as people sort them: bay2 before bay10. */
export function byName(a, b) {
  return ordering.compare(a, b);
}

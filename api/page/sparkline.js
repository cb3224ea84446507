// A small line of an indicator over time. Gaps stay gaps.

import { drawn } from "./elements.js";

const WIDTH = 160;
const HEIGHT = 44;
const MARGIN = 4;

/** `points` are `{value}` in order; the scale goes from 0 to `ceiling`, or to the highest. Amounts are `bars`. */
export function sparkline(points, { ceiling = null, bars = false, label = "" } = {}) {
  const svg = drawn("svg", {
    class: "sparkline",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": label,
  });
  const values = points.map((point) => point.value).filter((value) => value != null);
  if (values.length === 0) return svg;
  const top = ceiling ?? Math.max(...values, 1e-9);
  const y = (value) => HEIGHT - MARGIN - (value / top) * (HEIGHT - 2 * MARGIN);
  svg.append(...(bars ? columns(points, y) : lines(points, y)));
  return svg;
}

function columns(points, y) {
  const step = (WIDTH - 2 * MARGIN) / points.length;
  return points.flatMap(({ value }, index) => {
    if (value == null) return [];
    const height = Math.max(1, HEIGHT - MARGIN - y(value));
    return [drawn("rect", {
      class: "column",
      x: (MARGIN + index * step + step * 0.12).toFixed(1),
      y: (HEIGHT - MARGIN - height).toFixed(1),
      width: (step * 0.76).toFixed(1),
      height: height.toFixed(1),
    })];
  });
}

function lines(points, y) {
  const x = (index) => MARGIN + (index / Math.max(1, points.length - 1)) * (WIDTH - 2 * MARGIN);
  return runs(points).flatMap((run) => {
    const line = run.map(({ index, value }) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join("L");
    if (run.length === 1) return [drawn("path", { class: "line lone", d: `M${line}h.01` })];
    const first = x(run[0].index).toFixed(1);
    const last = x(run.at(-1).index).toFixed(1);
    return [
      drawn("path", { class: "area", d: `M${first},${HEIGHT - MARGIN}L${line}L${last},${HEIGHT - MARGIN}Z` }),
      drawn("path", { class: "line", d: `M${line}` }),
    ];
  });
}

function runs(points) {
  const found = [];
  let run = null;
  points.forEach(({ value }, index) => {
    if (value == null) run = null;
    else if (run) run.push({ index, value });
    else found.push((run = [{ index, value }]));
  });
  return found;
}

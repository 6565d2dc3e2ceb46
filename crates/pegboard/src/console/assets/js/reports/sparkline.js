// A line of a few pixels: the course of a number beside the number.

import { makeSvg, setAttribute } from "../lib/dom.js";

const WIDTH = 120;
const HEIGHT = 26;

/**
 * Draws values into a cell; drawn once, then only its points change.
 * @param {HTMLElement} cell
 * @param {(number | null)[]} values
 */
export function sparkline(cell, values) {
  const svg = cell.querySelector("svg.spark") ?? cell.appendChild(frame());
  const most = Math.max(1, ...values.filter((value) => value !== null));
  const step = values.length > 1 ? WIDTH / (values.length - 1) : 0;
  const points = values.map((value, index) => {
    const y = HEIGHT - 2 - ((value ?? 0) / most) * (HEIGHT - 4);
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  setAttribute(svg.children[0], "points", `0,${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`);
  setAttribute(svg.children[1], "points", points.join(" "));
}

function frame() {
  const svg = makeSvg("svg", {
    class: "spark",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  svg.append(makeSvg("polygon"), makeSvg("polyline"));
  return svg;
}

// A line of intervals: a glance tells what stands out, and it is walked along with the arrow keys.

import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, date, interval, minute } from "../lib/format.js";

const DAY = 86_400_000;
/** Steps of the keys. */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -12, PageUp: 12 };

/** @typedef {{ start: number, length: number, state: string }} Cell */

/**
 * The day and the hours above lines of these cells.
 * @param {Cell[]} cells
 */
function axis(cells) {
  const axis = make("div", { class: "strip-axis", "aria-hidden": "true" });
  const [first, last] = [cells[0].start, cells.at(-1).start + cells.at(-1).length];
  let day = "";
  for (const start of marks(cells, first, last)) {
    const today = date(start);
    const mark = make("span", {}, make("b", {}, today === day ? "" : `${today} `), minute(start));
    mark.style.setProperty("--at", String((start - first) / (last - first)));
    axis.append(mark);
    day = today;
  }
  return axis;
}

/** The beginning, and full hours or days, unless they would stand on another mark or beyond the line. */
function marks(cells, first, last) {
  const hours = last - first > 2 * DAY ? 24 : 6;
  const isFull = ({ start }) => new Date(start).getHours() % hours === 0 && new Date(start).getMinutes() === 0;
  const full = cells.filter(isFull).map(({ start }) => start);
  const room = (last - first) / 8;
  const inner = full.filter((start) => start - first > room && last - start > room / 2);
  return [first, ...inner];
}

/**
 * A line that is walked along like a slider: an arrow goes to the next interval, and what it came to is read out.
 * @template {Cell} C
 * @param {C[]} cells
 * @param {string} name
 * @param {(cell: C) => string} told what came of an interval
 */
export function strip(cells, name, told) {
  const element = make(
    "div",
    {
      class: `strip${cells.length > 100 ? " dense" : ""}`,
      tabindex: "0",
      role: "slider",
      "aria-label": name,
      "aria-orientation": "horizontal",
      "aria-valuemin": "1",
      "aria-valuemax": cells.length,
    },
    ...cells.map(({ state }) => make("span", { class: "cell", "data-state": state })),
  );
  let at = cells.length - 1;
  const point = (to) => {
    element.children[at]?.classList.remove("pointed");
    at = Math.max(0, Math.min(cells.length - 1, to));
    element.children[at].classList.add("pointed");
    const words = `${when(cells[at])}: ${told(cells[at])}`;
    setAttribute(element, "aria-valuenow", at + 1);
    setAttribute(element, "aria-valuetext", words);
    setText(byId("pointed"), `${name} · ${words}`);
  };
  setAttribute(element, "aria-valuenow", at + 1);
  setAttribute(element, "aria-valuetext", `${when(cells[at])}: ${told(cells[at])}`);
  element.addEventListener("pointermove", (event) => {
    const cell = event.target.closest(".cell");
    if (cell) point([...element.children].indexOf(cell));
  });
  element.addEventListener("focus", () => point(at));
  element.addEventListener("blur", () => element.children[at].classList.remove("pointed"));
  element.addEventListener("pointerleave", () => element.children[at].classList.remove("pointed"));
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const ends = { Home: 0, End: cells.length - 1 };
    if (event.key in STEPS) point(at + STEPS[event.key]);
    else if (event.key in ends) point(ends[event.key]);
    else return;
    event.preventDefault();
  });
  return element;
}

function when({ start, length }) {
  return `${date(start)}, ${interval(start, length)}`;
}

/**
 * What the colours of cells mean.
 * @param {{ id: string, label: string, meaning: string }[]} states
 */
export function legend(states) {
  return states.map(({ id, label, meaning }) =>
    make(
      "span",
      { class: "legend-item", title: meaning, "data-of": id },
      make("span", { class: "cell", "data-state": id, "aria-hidden": "true" }),
      label,
    ),
  );
}

/** @typedef {[id: string, label: string, title: string]} Count a column of counts beside lines */

/**
 * What stands above lines of these cells.
 * @param {Cell[]} cells
 * @param {Count[]} columns
 */
export function heads(cells, columns) {
  const counts = columns.map(([, label, title]) => make("span", { class: "strip-head", title }, label));
  return [make("span", { class: "strip-head" }, "Report"), axis(cells), ...counts];
}

/**
 * The counts of a line.
 * @param {Count[]} columns
 * @param {Record<string, number>} counts
 * @param {string} bad the one of which there should be none
 */
export function tallies(columns, counts, bad) {
  return columns.map(([id, label]) =>
    make(
      "span",
      { class: `strip-count${id === bad && counts[id] > 0 ? " bad" : ""}`, "data-count": id },
      make("span", {}, `${label} `),
      count(counts[id]),
    ),
  );
}

// Completeness as lines of intervals: a glance tells a hole from silence. Each line is walked along with the arrow keys.

import { groupBy } from "../lib/collections.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, date, interval, minute } from "../lib/format.js";
import { STATES, condensed, tally } from "./completeness.js";

const LABELS = new Map(STATES.map(({ id, label }) => [id, label]));
const COUNTS = [
  ["expected", "Expected", "Intervals that are over"],
  ["received", "Received", "All of it is here, or it was silent"],
  ["missing", "Missing", "Not here, or something of it was lost"],
  ["awaited", "Awaited", "Over, and not here yet"],
];
const DAY = 86_400_000;
/** Steps of the keys. */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -12, PageUp: 12 };

export class Strips {
  #place;
  #drawn = "";

  constructor() {
    this.#place = byId("lines");
    byId("states").append(
      ...STATES.map(({ id, label, meaning }) =>
        make(
          "span",
          { class: "legend-item", title: meaning, "data-of": id },
          make("span", { class: "cell", "data-state": id, "aria-hidden": "true" }),
          label,
        ),
      ),
    );
  }

  /** @param {import("./completeness.js").Line[]} lines */
  show(lines) {
    const drawn = JSON.stringify(lines);
    // Whoever walks along a line is not thrown off it.
    if (drawn === this.#drawn || this.#place.contains(document.activeElement)) return;
    this.#drawn = drawn;
    // Most centres never see one: it is explained where there is one.
    const isLate = lines.some(({ cells }) => cells.some(({ state }) => state === "late"));
    byId("states").querySelector('[data-of="late"]').hidden = !isLate;
    if (lines.length === 0) {
      this.#place.replaceChildren(make("p", { class: "none-here" }, "Nothing has been expected in this window yet."));
      return;
    }
    const sources = [...groupBy(lines, ({ source }) => source)];
    const parts = sources.flatMap(([source, own]) => [make("h3", {}, source), ...own.map((line) => lineOf(line))]);
    this.#place.replaceChildren(make("div", { class: "strips" }, ...head(lines[0].cells), ...parts));
  }
}

function head(cells) {
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
  const heads = COUNTS.map(([, label, title]) => make("span", { class: "strip-head", title }, label));
  return [make("span", { class: "strip-head" }, "Report"), axis, ...heads];
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

function lineOf(line) {
  const counts = tally(line);
  const cells = condensed(line.cells);
  const name = `${line.report}${line.origin === "acd" ? `, the ACD's ${line.acdReport ?? "own"}` : ""}`;
  return make(
    "div",
    { class: "strip-line", "data-report": line.report, "data-origin": line.origin },
    make(
      "div",
      { class: "strip-name" },
      make("b", {}, line.report),
      make("span", { class: "hint" }, line.origin === "acd" ? `ACD · ${line.acdReport ?? ""}` : "computed"),
    ),
    strip(cells, `${line.source}, ${name}`),
    ...COUNTS.map(([id, label]) =>
      make(
        "span",
        { class: `strip-count${id === "missing" && counts[id] > 0 ? " bad" : ""}`, "data-count": id },
        make("span", {}, `${label} `),
        count(counts[id]),
      ),
    ),
  );
}

/** A line that is walked along like a slider: an arrow goes to the next interval, and what it came to is read out. */
function strip(cells, name) {
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
    const words = told(cells[at]);
    setAttribute(element, "aria-valuenow", at + 1);
    setAttribute(element, "aria-valuetext", words);
    setText(byId("pointed"), `${name} · ${words}`);
  };
  setAttribute(element, "aria-valuenow", at + 1);
  setAttribute(element, "aria-valuetext", told(cells[at]));
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

function told({ start, length, state, rows, reason }) {
  const words = `${date(start)}, ${interval(start, length)}: ${LABELS.get(state).toLowerCase()}`;
  return [words, rows > 0 ? `${count(rows)} rows` : "", reason].filter(Boolean).join(" · ");
}

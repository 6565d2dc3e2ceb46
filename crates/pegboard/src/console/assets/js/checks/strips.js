// Completeness as lines of intervals: a glance tells a hole from silence. Each line is walked along with the arrow keys.

import { groupBy } from "../lib/collections.js";
import { byId, make } from "../lib/dom.js";
import { many } from "../lib/format.js";
import { heads, legend, strip, tallies } from "../reports/strip.js";
import { STATES, condensed, tally } from "./completeness.js";

const LABELS = new Map(STATES.map(({ id, label }) => [id, label]));
const COUNTS = [
  ["expected", "Expected", "Intervals that are over"],
  ["received", "Received", "All of it is here, or it was silent"],
  ["missing", "Missing", "Not here, or something of it was lost"],
  ["awaited", "Awaited", "Over, and not here yet"],
];

export class Strips {
  #place;
  #drawn = "";

  constructor() {
    this.#place = byId("lines");
    byId("states").append(...legend(STATES));
  }

  /** @param {import("./completeness.js").Line[]} lines */
  show(lines) {
    const drawn = JSON.stringify(lines);
    // Whoever walks along a line is not thrown off it.
    if (drawn === this.#drawn || this.#place.contains(document.activeElement)) return;
    this.#drawn = drawn;
    // Most centres never see one: it is explained where there is one.
    for (const rare of ["late", "unknown"]) {
      const isThere = lines.some(({ cells }) => cells.some(({ state }) => state === rare));
      byId("states").querySelector(`[data-of="${rare}"]`).hidden = !isThere;
    }
    if (lines.length === 0) {
      this.#place.replaceChildren(make("p", { class: "none-here" }, "Nothing has been expected in this window yet."));
      return;
    }
    const sources = [...groupBy(lines, ({ source }) => source)];
    const parts = sources.flatMap(([source, own]) => [make("h3", {}, source), ...own.map((line) => lineOf(line))]);
    this.#place.replaceChildren(make("div", { class: "strips" }, ...heads(lines[0].cells, COUNTS), ...parts));
  }
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
    strip(cells, `${line.source}, ${name}`, told),
    ...tallies(COUNTS, counts, "missing"),
  );
}

function told({ state, rows, reason }) {
  return [LABELS.get(state).toLowerCase(), rows > 0 ? many(rows, "row") : "", reason].filter(Boolean).join(" · ");
}

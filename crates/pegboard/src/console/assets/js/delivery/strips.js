// The ledger as lines of intervals.

import { byId, make } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { heads, legend, strip, tallies } from "../reports/strip.js";
import { STATES } from "./ledger.js";

const LABELS = new Map(STATES.map(({ id, label }) => [id, label]));
const COUNTS = [
  ["expected", "Expected", "Intervals that are over, since the sink was set up"],
  ["acknowledged", "Delivered", "The target has the newest revision"],
  ["waiting", "Waiting", "To be sent, or to be sent again"],
  ["parked", "Not sent", "Parked or dropped"],
];

export class LedgerStrips {
  #place = byId("lines");
  #drawn = "";

  constructor() {
    byId("states").append(...legend(STATES));
  }

  /** @param {ReturnType<import("./ledger.js").linesOf>} lines */
  show(lines) {
    const drawn = JSON.stringify(lines);
    // Whoever walks along a line is not thrown off it.
    if (drawn === this.#drawn || this.#place.contains(document.activeElement)) return;
    this.#drawn = drawn;
    if (lines.length === 0) {
      this.#place.replaceChildren(make("p", { class: "none-here" }, "Nothing was to be delivered in this window."));
      return;
    }
    this.#place.replaceChildren(make("div", { class: "strips" }, ...heads(lines[0].cells, COUNTS), ...lines.map(lineOf)));
  }
}

function lineOf({ sink, report, cells, counts }) {
  return make(
    "div",
    { class: "strip-line", "data-report": report },
    make("div", { class: "strip-name" }, make("b", {}, report), make("span", { class: "hint" }, sink)),
    strip(cells, `${sink}, ${report}`, told),
    ...tallies(COUNTS, counts, "parked"),
  );
}

function told({ state, delivery }) {
  const words = [LABELS.get(state).toLowerCase()];
  if (delivery === null) return words.join();
  const { revision, acknowledged, tries, reason, comment } = delivery;
  if (revision > 1) words.push(`revision ${count(revision)}`);
  if (state === "waiting" && acknowledged > 0) words.push(`it has revision ${count(acknowledged)}`);
  if (tries > 1) words.push(`${count(tries)} tries`);
  if (comment ?? reason) words.push(comment ?? reason);
  return words.join(" · ");
}

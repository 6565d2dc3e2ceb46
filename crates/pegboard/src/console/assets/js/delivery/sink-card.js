// A sink: how it is doing, how far it is behind, how much it takes.

import { make, setAttribute, setText } from "../lib/dom.js";
import { NONE, count, decimal, moment, span } from "../lib/format.js";
import { Hold } from "./hold.js";
import { healthOf } from "./ledger.js";

const WORDS = { ok: "Delivering", failing: "Failing", refusing: "Refusing", held: "Held back", elsewhere: "By another node" };
const FACTS = [
  ["lag", "Oldest it has not"],
  ["states", "States waiting"],
  ["rows", "Reports waiting"],
  ["rate", "Taken a minute"],
  ["last", "Taken last"],
];

export class SinkCard {
  element;
  #parts = new Map();
  /** The count and the time of the look before, to tell the rate by. */
  #before = null;
  #hold;

  /** @param {string} name @param {import("./decisions.js").Decisions} decisions @param {() => void} changed something was decided */
  constructor(name, decisions, changed) {
    this.#hold = new Hold(name, decisions, changed);
    const part = (id, tag, attributes = {}) => {
      const element = make(tag, attributes);
      this.#parts.set(id, element);
      return element;
    };
    this.element = make(
      "article",
      { class: "card source sink", "aria-label": name },
      make(
        "header",
        { class: "card-head" },
        make("h2", {}, name),
        part("kind", "p", { class: "hint" }),
        part("health", "span", { class: "health" }),
      ),
      make(
        "dl",
        { class: "facts" },
        ...FACTS.map(([id, label]) =>
          make("div", {}, make("dt", {}, label), part(id, "dd", { class: id === "lag" ? "lag" : null })),
        ),
      ),
      part("error", "p", { class: "source-error" }),
      this.#hold.element,
    );
  }

  /** @param {object} sink @param {number} at ms */
  show(sink, at) {
    const { health, lag } = healthOf(sink, at);
    setAttribute(this.element, "data-health", health);
    this.#hold.show(sink.hold, at);
    const lanes = [sink.states, sink.rows, ...(sink.events ?? [])];
    const taken = lanes.reduce((sum, lane) => sum + lane.accepted, 0);
    const last = lanes.map((lane) => lane.accepted_at).filter(Boolean).map((text) => Date.parse(text));
    const failing = lanes.find((lane) => lane.error);
    const error = sink.store_error ?? failing?.error;
    const since = failing?.failing_since;
    this.#tell({
      kind: sink.kind,
      health: WORDS[health],
      lag: lag === null ? "nothing" : span(lag),
      states: count(sink.states.waiting),
      rows: count(sink.rows.waiting),
      rate: this.#rate(taken, at),
      last: last.length === 0 ? NONE : moment(Math.max(...last), at),
      error: error ? `${error}${since ? `, since ${moment(Date.parse(since), at)}` : ""}` : "",
    });
  }

  #tell(words) {
    for (const [id, text] of Object.entries(words)) setText(this.#parts.get(id), text);
  }

  /** Documents taken in the time between two looks, as of a minute. */
  #rate(taken, at) {
    const before = this.#before;
    this.#before = { taken, at };
    if (!before || at <= before.at || taken < before.taken) return NONE;
    return decimal(((taken - before.taken) * 60_000) / (at - before.at));
  }
}

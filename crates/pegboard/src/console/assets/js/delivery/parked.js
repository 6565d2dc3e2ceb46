// What sinks refuse: by reason, with its body and what can be done.

import { get } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, many, moment } from "../lib/format.js";
import { DataTable } from "../reports/data-table.js";

/** Intervals of one reason that are shown. */
const SHOWN = 50;

const keyOf = ({ sink, report, reason }) => JSON.stringify([sink, report, reason]);

export class Parked {
  #decisions;
  #changed;
  #lines = [];
  #open = null;
  #reasons = new DataTable(byId("reasons"), REASONS, {
    key: keyOf,
    caption: "What is parked, by reason",
    sort: "-intervals",
    choose: (key) => void this.#show(key),
  });
  #units = new DataTable(byId("units"), UNITS, {
    key: ({ unit }) => unit,
    caption: "Intervals",
    sort: "-start",
    choose: (unit) => void this.#body(unit),
  });

  /** @param {import("./decisions.js").Decisions} decisions @param {() => void} changed something was decided */
  constructor(decisions, changed) {
    this.#decisions = decisions;
    this.#changed = changed;
    byId("retry").addEventListener("click", () => void this.#decide("retry", {}));
    byId("drop").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#decide("drop", { comment: byId("comment").value.trim() });
    });
  }

  /** @param {object[]} lines with the sink of each */
  show(lines) {
    this.#lines = lines;
    this.#reasons.show(lines);
    const intervals = lines.reduce((sum, line) => sum + line.intervals, 0);
    setText(byId("parked-title"), intervals === 0 ? "Parked" : `Parked · ${count(intervals)}`);
    byId("reasons").hidden = lines.length === 0;
    byId("no-parked").hidden = lines.length > 0;
  }

  async #show(key) {
    const line = this.#lines.find((found) => keyOf(found) === key);
    if (!line) return;
    this.#open = line;
    this.#tell("", "");
    byId("comment").value = "";
    setText(byId("parked-reason"), line.reason);
    byId("deciding").hidden = !this.#decisions.may;
    byId("body").replaceChildren();
    byId("parked").showModal();
    try {
      const query = { state: "parked", report: line.report, reason: line.reason, limit: SHOWN };
      const { deliveries } = await get(`sinks/${encodeURIComponent(line.sink)}/ledger`, query);
      this.#units.show(deliveries);
      const more = line.intervals > deliveries.length ? `, the newest ${count(deliveries.length)} of them here` : "";
      setText(byId("parked-words"), `${line.sink}, ${line.report}: ${many(line.intervals, "interval")}${more}.`);
    } catch (error) {
      this.#tell("bad", error.message);
    }
  }

  /** The body of an interval, which the hub makes anew. */
  async #body(unit) {
    this.#units.mark([unit]);
    try {
      const path = `sinks/${encodeURIComponent(this.#open.sink)}/ledger/${encodeURIComponent(unit)}`;
      const { payload, payload_note: note } = await get(path);
      const hidden = "It names people, so that only operators and admins see it.";
      byId("body").replaceChildren(
        make("p", { class: "hint" }, note ?? hidden),
        ...(payload ? [make("pre", { class: "payload", tabindex: "0", "aria-label": "The body" }, payload)] : []),
      );
    } catch (error) {
      this.#tell("bad", error.message);
    }
  }

  async #decide(what, more) {
    const { sink, report, reason } = this.#open;
    this.#busy(true);
    try {
      const { intervals } = await this.#decisions.make(sink, what, { report, reason, ...more });
      const words = what === "retry" ? "are sent again, as they are now" : "are dropped";
      this.#tell("good", `${many(intervals, "interval")} ${words}.`);
      this.#changed();
    } catch (error) {
      this.#tell("bad", error.message);
    }
    this.#busy(false);
  }

  #busy(busy) {
    for (const button of byId("deciding").querySelectorAll("button")) button.disabled = busy;
  }

  #tell(kind, words) {
    setAttribute(byId("outcome"), "data-kind", kind || null);
    setText(byId("outcome"), words);
  }
}

const when = (text) => moment(Date.parse(text), now());
const REASONS = [
  {
    id: "reason",
    label: "Reason",
    value: ({ reason }) => reason,
    fill: (cell, { reason }) => {
      cell.classList.add("why");
      setText(cell, reason);
    },
  },
  { id: "sink", label: "Sink", value: ({ sink }) => sink },
  { id: "report", label: "Report", value: ({ report }) => report },
  { id: "intervals", label: "Intervals", number: true, value: ({ intervals }) => intervals },
  { id: "oldest", label: "Oldest", value: ({ oldest }) => oldest, text: ({ oldest }) => when(oldest) },
  { id: "newest", label: "Newest", value: ({ newest }) => newest, text: ({ newest }) => when(newest) },
];
const UNITS = [
  {
    id: "start",
    label: "Interval",
    value: ({ interval_start: start }) => start,
    text: ({ interval_start: start }) => when(start),
  },
  { id: "revision", label: "Revision", number: true, value: ({ revision }) => revision },
  { id: "acknowledged", label: "It has", number: true, value: ({ acknowledged }) => acknowledged },
  { id: "tries", label: "Tries", number: true, value: ({ tries }) => tries },
  {
    id: "first",
    label: "First tried",
    value: ({ first_try: at }) => at,
    text: ({ first_try: at }) => (at ? when(at) : ""),
  },
  { id: "last", label: "Last", value: ({ last_try: at }) => at, text: ({ last_try: at }) => (at ? when(at) : "") },
];

// What no row of a mapping names.

import { now } from "../lib/clock.js";
import { byId, setText } from "../lib/dom.js";
import { count, moment } from "../lib/format.js";
import { AGENTS, NAME, kindOf } from "../lib/unmapped-names.js";
import { DataTable } from "../reports/data-table.js";

export class Unmapped {
  #decisions;
  #changed;
  #sinks = [];
  #table = new DataTable(byId("unmapped"), COLUMNS, {
    key: ({ sink, what, source, id, detail }) => JSON.stringify([sink, what, source, id, detail]),
    caption: "What is not mapped",
    sort: "-count",
  });

  /** @param {import("./decisions.js").Decisions} decisions @param {() => void} changed the list is another */
  constructor(decisions, changed) {
    this.#decisions = decisions;
    this.#changed = changed;
    byId("forget").addEventListener("click", () => void this.#forget());
  }

  /** @param {object[]} names with the sink of each */
  show(names) {
    this.#sinks = [...new Set(names.map(({ sink }) => sink))];
    this.#table.show(names);
    setText(byId("unmapped-title"), names.length === 0 ? "Not mapped" : `Not mapped · ${count(names.length)}`);
    byId("unmapped").hidden = names.length === 0;
    byId("no-unmapped").hidden = names.length > 0;
    byId("forget").hidden = names.length === 0 || !this.#decisions.may;
  }

  /** The lists are emptied; what is still not named comes again. */
  async #forget() {
    const button = byId("forget");
    button.disabled = true;
    try {
      for (const sink of this.#sinks) await this.#decisions.make(sink, "unmapped/forget");
      this.#changed();
    } catch {
      // The page says by itself that the hub does not answer; the button is there to try again.
    }
    button.disabled = false;
  }
}

const when = (text) => moment(Date.parse(text), now());
const COLUMNS = [
  { id: "what", label: "What", value: kindOf },
  NAME,
  { id: "source", label: "Source", value: ({ source }) => source },
  { id: "sink", label: "Sink", value: ({ sink }) => sink },
  { id: "count", label: "How often", number: true, value: ({ count: times }) => times },
  { id: "last", label: "Last", value: ({ last_seen: at }) => at, text: ({ last_seen: at }) => when(at) },
  AGENTS,
  {
    id: "suggestion",
    label: "A row could say",
    value: ({ what, suggestion }) => (what === "note" ? "" : suggestion),
  },
];

// What no row names: each with the row that it could have, taken by one button.

import { now } from "../lib/clock.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, moment } from "../lib/format.js";
import { AGENTS, NAME, kindOf } from "../lib/unmapped-names.js";
import { DataTable } from "../reports/data-table.js";
import { wordsOf } from "./suggestion.js";

const keyOf = ({ what, source, id, detail }) => JSON.stringify([what, source, id, detail]);

export class Inbox {
  #names = [];
  #may;
  #take;
  /** Names whose row is there: they leave the list within seconds. */
  #taken = new Set();
  #table;

  /**
   * @param {object} options
   * @param {boolean} options.may the reader may map
   * @param {(row: object) => void} options.edit opens the form with this row
   * @param {(row: object) => Promise<void>} options.take has the row written
   */
  constructor({ may, edit, take }) {
    this.#may = may;
    this.#take = take;
    this.#table = new DataTable(byId("unmapped"), this.#columns(), {
      key: keyOf,
      caption: "What is not mapped",
      sort: "-count",
      choose: may ? (key) => this.#edit(key, edit) : undefined,
    });
  }

  /** @param {object[]} names as the API gives them @param {boolean} more there may be */
  show(names, more) {
    this.#names = names;
    const keys = new Set(names.map(keyOf));
    for (const key of this.#taken) if (!keys.has(key)) this.#taken.delete(key);
    this.#table.show(names);
    const mapped = names.filter(({ what }) => what !== "note").length;
    setText(byId("unmapped-title"), mapped === 0 ? "Not mapped" : `Not mapped · ${count(mapped)}${more ? " and more" : ""}`);
    byId("unmapped").hidden = names.length === 0;
    byId("no-unmapped").hidden = names.length > 0;
  }

  #edit(key, edit) {
    const { row } = this.#names.find((seen) => keyOf(seen) === key);
    if (row) edit(row);
  }

  async #accept(key) {
    const seen = this.#names.find((found) => keyOf(found) === key);
    if (!seen || this.#taken.has(key)) return;
    this.#taken.add(key);
    this.#table.show(this.#names);
    const outcome = byId("inbox-outcome");
    try {
      await this.#take(seen.row);
      setAttribute(outcome, "data-kind", "good");
      setText(outcome, `${seen.id} is ${wordsOf(seen.row)} from now on. What waited for it goes out within seconds.`);
    } catch (error) {
      this.#taken.delete(key);
      this.#table.show(this.#names);
      setAttribute(outcome, "data-kind", "bad");
      setText(outcome, `${seen.id}: ${error.message}`);
    }
  }

  #columns() {
    const when = (text) => moment(Date.parse(text), now());
    return [
      NAME,
      {
        id: "row",
        label: "A row could say",
        value: ({ row }) => wordsOf(row),
        fill: (cell, seen) => this.#fillRow(cell, seen),
      },
      { id: "what", label: "What", value: kindOf },
      { id: "source", label: "Source", value: ({ source }) => source },
      { id: "count", label: "How often", number: true, value: ({ count: times }) => times },
      { id: "first", label: "First", value: ({ first_seen: at }) => at, text: ({ first_seen: at }) => when(at) },
      { id: "last", label: "Last", value: ({ last_seen: at }) => at, text: ({ last_seen: at }) => when(at) },
      AGENTS,
    ];
  }

  #fillRow(cell, seen) {
    if (cell.childElementCount === 0) {
      const accept = make("button", { type: "button", class: "accept" }, "Accept");
      accept.addEventListener("click", (event) => {
        event.stopPropagation();
        void this.#accept(accept.closest("tr").dataset.key);
      });
      cell.append(make("div", { class: "suggested" }, make("span", { class: "clipped" }), accept));
    }
    const [words, accept] = cell.firstElementChild.children;
    const isTaken = this.#taken.has(keyOf(seen));
    setText(words, wordsOf(seen.row));
    words.title = wordsOf(seen.row);
    accept.hidden = !this.#may || !seen.row?.complete;
    accept.disabled = isTaken;
    setText(accept, isTaken ? "Taken" : "Accept");
    setAttribute(accept, "aria-label", `Accept: ${seen.id} is ${wordsOf(seen.row)}`);
  }
}

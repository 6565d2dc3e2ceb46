// The rows of one table, those that match a search.

import { byId, make, setText } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { DataTable } from "../reports/data-table.js";
import { TABLES, asRow, keyOf, matches } from "./tables.js";

/** So many rows at once: more are slow to draw, and nobody reads them. */
const MOST_SHOWN = 500;

export class TableView {
  #name;
  #rows = [];
  #search = "";
  #table;
  #place = make("div", { class: "table-wrap tall" });

  /** @param {string} name of the table @param {((row: object) => void) | undefined} edit opens the form with a row */
  constructor(name, edit) {
    this.#name = name;
    const columns = TABLES[name].fields.map(({ id, label }) => ({ id, label, value: (row) => row[id] }));
    this.#table = new DataTable(this.#place, columns, {
      key: (row) => keyOf(name, row),
      caption: TABLES[name].title,
      sort: columns[0].id,
      choose: edit && ((key) => edit(this.#rows.find((row) => keyOf(name, row) === key))),
      decorate: (element, row) => nameUnnamed(element, row[columns[0].id], edit),
    });
    byId("rows").append(this.#place);
  }

  /** @param {{ columns: string[], rows: string[][] }} table as the API gives it */
  take({ columns, rows }) {
    this.#rows = rows.map((cells) => asRow(columns, cells));
    this.#draw();
  }

  /** @param {string} search words that all stand in a row */
  filter(search) {
    this.#search = search;
    this.#draw();
  }

  /** @param {boolean} shown */
  showIf(shown) {
    this.#place.hidden = !shown;
    if (shown) this.#tell();
  }

  #found() {
    return this.#rows.filter((row) => matches(row, this.#search));
  }

  #draw() {
    this.#table.show(this.#found().slice(0, MOST_SHOWN));
    if (!this.#place.hidden) this.#tell();
  }

  #tell() {
    const found = this.#found().length;
    const cut = found > MOST_SHOWN ? `, of which the first ${count(MOST_SHOWN)} are here: say more to find the others` : "";
    const isAll = found === this.#rows.length && cut === "";
    setText(byId("found"), isAll ? "" : `${count(found)} of ${count(this.#rows.length)} rows${cut}`);
  }
}

/** What is chosen needs a name, also where the first cell is empty: a class, or contacts in no queue. */
function nameUnnamed(element, first, edit) {
  const choice = edit && element.querySelector(".choice");
  if (choice && first === "") setText(choice, "(any)");
}

// A table of report rows: sorted by any column, rows may be chosen, and an update touches only the cells that differ.

import { arrange, icon, make, setAttribute, setIcon, setText } from "../lib/dom.js";

const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/**
 * @template T
 * @typedef {object} Column
 * @property {string} id
 * @property {string} label
 * @property {string} [title] what the numbers mean
 * @property {boolean} [number] aligned to the right
 * @property {(row: T) => string | number | null} value to sort by
 * @property {(row: T) => string} [text] what to show; else the value
 * @property {(cell: HTMLElement, row: T) => void} [fill] fills the cell in a way of its own
 */

/** @template T */
export class DataTable {
  #columns;
  #keyOf;
  #options;
  #sort;
  #descending;
  #rows = [];
  #chosen = new Set();
  /** @type {Map<string, HTMLElement>} */
  #elements = new Map();
  #heads = new Map();
  #body = make("tbody");
  #foot = make("tfoot");

  /**
   * @param {HTMLElement} place
   * @param {Column<T>[]} columns
   * @param {object} options
   * @param {(row: T) => string} options.key
   * @param {string} options.caption
   * @param {string} options.sort column, `-` before it for descending
   * @param {(key: string) => void} [options.choose] rows can be chosen
   * @param {(element: HTMLElement, row: T) => void} [options.decorate]
   */
  constructor(place, columns, options) {
    this.#columns = columns;
    this.#keyOf = options.key;
    this.#options = options;
    this.#descending = options.sort.startsWith("-");
    this.#sort = options.sort.replace("-", "");
    const heads = make("tr");
    for (const column of columns) heads.append(this.#head(column));
    place.append(
      make(
        "table",
        { class: "data" },
        make("caption", { class: "sr-only" }, options.caption),
        make("thead", {}, heads),
        this.#body,
        this.#foot,
      ),
    );
    this.#body.addEventListener("click", (event) => {
      const key = event.target.closest("tr")?.dataset.key;
      if (options.choose && key !== undefined && !event.target.closest("a, summary, label")) options.choose(key);
    });
  }

  /**
   * @param {T[]} rows
   * @param {T | null} [total] a last row that is not sorted
   */
  show(rows, total = null) {
    this.#rows = rows;
    this.#draw();
    if (total === null) this.#foot.replaceChildren();
    else this.#fill(this.#foot.firstElementChild ?? this.#foot.appendChild(this.#element(false)), total);
  }

  /** Marks the chosen rows. @param {Iterable<string>} keys */
  mark(keys) {
    this.#chosen = new Set(keys);
    for (const [key, element] of this.#elements) this.#markElement(element, this.#chosen.has(key));
  }

  #draw() {
    const column = this.#columns.find(({ id }) => id === this.#sort);
    const sign = this.#descending ? -1 : 1;
    const sorted = this.#rows.toSorted(
      (a, b) => sign * compare(column.value(a), column.value(b)) || compare(this.#keyOf(a), this.#keyOf(b)),
    );
    const kept = new Map();
    for (const row of sorted) {
      const key = this.#keyOf(row);
      const element = this.#elements.get(key) ?? this.#element(Boolean(this.#options.choose));
      element.dataset.key = key;
      kept.set(key, element);
      this.#fill(element, row);
      this.#markElement(element, this.#chosen.has(key));
    }
    this.#elements = kept;
    arrange(this.#body, [...kept.values()]);
    for (const [id, { head, mark }] of this.#heads) {
      setAttribute(head, "aria-sort", id === this.#sort ? (this.#descending ? "descending" : "ascending") : null);
      setIcon(mark, this.#descending ? "down" : "up");
    }
  }

  #head({ id, label, title, number }) {
    const mark = icon("up");
    const button = make("button", { type: "button", title }, label, mark);
    button.addEventListener("click", () => {
      this.#descending = this.#sort === id ? !this.#descending : Boolean(number);
      this.#sort = id;
      this.#draw();
    });
    const head = make("th", { scope: "col", class: number ? "number" : null }, button);
    this.#heads.set(id, { head, mark });
    return head;
  }

  /** An empty row; the first cell of one that can be chosen holds a button, for the keyboard. */
  #element(choosable) {
    const element = make("tr", { class: choosable ? "choosable" : null });
    this.#columns.forEach(({ number }, index) => {
      const cell = make(index === 0 ? "th" : "td", {
        class: number ? "number" : null,
        scope: index === 0 ? "row" : null,
      });
      if (choosable && index === 0) cell.append(make("button", { type: "button", class: "choice" }));
      element.append(cell);
    });
    return element;
  }

  #fill(element, row) {
    this.#columns.forEach((column, index) => {
      const cell = element.children[index];
      const place = cell.querySelector(":scope > .choice") ?? cell;
      if (column.fill) column.fill(place, row);
      else setText(place, column.text ? column.text(row) : String(column.value(row) ?? ""));
    });
    this.#options.decorate?.(element, row);
  }

  #markElement(element, chosen) {
    element.classList.toggle("chosen", chosen);
    const button = element.querySelector(":scope > th > .choice");
    if (button) setAttribute(button, "aria-pressed", chosen ? "true" : "false");
  }
}

/** Nothing comes last in ascending order. */
function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return COLLATOR.compare(String(a), String(b));
}

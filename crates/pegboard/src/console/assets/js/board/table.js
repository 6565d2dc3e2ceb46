// The table. It holds only the rows that can be seen, however many there are: a hundred changes a second in a thousand agents
// touch some forty rows. Rows keep their element while their agent stays in sight.

import { arrange, byId, icon, make, setAttribute, setIcon } from "../lib/dom.js";
import { AgentRow, COLUMNS, GroupRow } from "./row.js";

const OVERSCAN = 6;
const ROW = 40;

/**
 * @typedef {object} Listener
 * @property {(column: string) => void} sort
 * @property {(team: string) => void} fold
 * @property {(key: string) => void} open
 */

export class Table {
  #table = byId("agents");
  #scroller = byId("scroller");
  #body = byId("rows");
  #above = make("tr", { class: "spacer", "aria-hidden": "true" }, make("td"));
  #below = make("tr", { class: "spacer", "aria-hidden": "true" }, make("td"));
  #heads = new Map();
  /** @type {(import("./filter.js").AgentRow | import("./filter.js").GroupRow)[]} */
  #rows = [];
  /** What is in the document, by the key of its row. @type {Map<string, AgentRow | GroupRow>} */
  #shown = new Map();
  /** Elements that scrolled out, to be filled again. @type {AgentRow[]} */
  #spare = [];
  #listener;
  #active = null;
  #now;
  /** How many columns the width of the window leaves: a row of one cell must span no more, or the table would add some. */
  #columns = COLUMNS.length;

  /** @param {Listener} listener @param {() => number} now */
  constructor(listener, now) {
    this.#listener = listener;
    this.#now = now;
    this.#makeHeads();
    document.addEventListener("scroll", () => this.#render(), { capture: true, passive: true });
    new ResizeObserver(() => {
      this.#countColumns();
      this.#render();
    }).observe(this.#scroller);
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#table.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows rows in this order. */
  show(rows) {
    this.#rows = rows;
    setAttribute(this.#table, "aria-rowcount", rows.length + 1);
    this.#render();
  }

  /** Fills the rows in sight again where their agent is another: `find` gives the agent of a key as it is now. */
  refresh(find) {
    const now = this.#now();
    for (const [key, row] of this.#shown) {
      const agent = row instanceof AgentRow ? find(key) : undefined;
      if (agent) row.fill(agent, now);
    }
  }

  /** Counts the time in the rows in sight. */
  tick() {
    const now = this.#now();
    for (const row of this.#shown.values()) if (row instanceof AgentRow) row.tick(now);
  }

  /** @param {string} column @param {boolean} descending */
  showSort(column, descending) {
    for (const [id, { head, mark }] of this.#heads) {
      setAttribute(head, "aria-sort", id === column ? (descending ? "descending" : "ascending") : null);
      setIcon(mark, descending ? "down" : "up");
    }
  }

  /** Columns that say nothing are left out. @param {string} column @param {boolean} visible */
  showColumn(column, visible) {
    this.#table.classList.toggle(`no-${column}`, !visible);
    this.#countColumns();
  }

  /** Marks the agent that the panel shows. @param {string | null} key */
  mark(key) {
    this.#active = key;
    this.#showActive();
  }

  #makeHeads() {
    for (const { id, label, width, number } of COLUMNS) {
      const column = make("col", { class: `col-${id}` });
      column.style.setProperty("width", `${width}%`);
      byId("columns").append(column);
      const mark = icon("up");
      const button = make("button", { type: "button" }, label, mark);
      button.addEventListener("click", () => this.#listener.sort(id));
      const head = make("th", { class: `col-${id}${number ? " number" : ""}`, scope: "col" }, button);
      this.#heads.set(id, { head, mark });
      byId("heads").append(head);
    }
  }

  #countColumns() {
    this.#columns = Array.from(byId("heads").children).filter((head) => head.offsetWidth > 0).length || COLUMNS.length;
  }

  #render() {
    const { first, last } = this.#window();
    const now = this.#now();
    const wanted = this.#rows.slice(first, last);
    const keys = new Set(wanted.map((row) => row.key));
    for (const [key, row] of this.#shown) {
      if (keys.has(key)) continue;
      this.#shown.delete(key);
      if (row instanceof AgentRow) this.#spare.push(row);
    }
    const elements = wanted.map((row, index) => this.#element(row, first + index, now));
    arrange(this.#body, [this.#above, ...elements, this.#below]);
    this.#space(this.#above, first);
    this.#space(this.#below, this.#rows.length - last);
    this.#showActive();
  }

  /** The rows that can be seen, and a few around them: [first, last). */
  #window() {
    const pane = this.#scroller.getBoundingClientRect();
    const start = this.#body.getBoundingClientRect().top;
    const top = Math.max(pane.top, 0) - start;
    const bottom = Math.min(pane.bottom, innerHeight) - start;
    const first = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
    const last = Math.min(this.#rows.length, Math.ceil(bottom / ROW) + OVERSCAN);
    return { first: Math.min(first, Math.max(0, last)), last: Math.max(last, 0) };
  }

  #element(row, index, now) {
    let shown = this.#shown.get(row.key);
    if (!shown) {
      shown = row.kind === "group" ? new GroupRow() : (this.#spare.pop() ?? new AgentRow());
      this.#shown.set(row.key, shown);
    }
    if (shown instanceof GroupRow) shown.fill(row, this.#columns);
    else shown.fill(row.agent, now);
    setAttribute(shown.element, "aria-rowindex", index + 2);
    setAttribute(shown.element, "id", `row-${index}`);
    return shown.element;
  }

  #space(spacer, rows) {
    spacer.hidden = rows === 0;
    setAttribute(spacer.firstElementChild, "colspan", this.#columns);
    spacer.firstElementChild.style.setProperty("height", `${rows * ROW}px`);
  }

  #click(event) {
    const key = event.target.closest("tr[data-key]")?.dataset.key;
    if (key !== undefined) this.#activate(key);
  }

  #activate(key) {
    const row = this.#rows.find((candidate) => candidate.key === key);
    if (row?.kind === "group") this.#listener.fold(row.team);
    else if (row) this.#listener.open(key);
    this.mark(key);
  }

  #key(event) {
    if (event.target !== this.#table) return;
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && this.#active !== null) this.#activate(this.#active);
    else if (event.key in steps) this.#move(steps[event.key]);
    else return;
    event.preventDefault();
  }

  #move(step) {
    if (this.#rows.length === 0) return;
    const at = this.#rows.findIndex((row) => row.key === this.#active);
    const to = at < 0 ? 0 : Math.min(this.#rows.length - 1, Math.max(0, at + step));
    this.#active = this.#rows[to].key;
    this.#reveal(to);
    this.#render();
  }

  #reveal(index) {
    const head = byId("heads").offsetHeight;
    const top = index * ROW;
    const scrolls = this.#scroller.scrollHeight > this.#scroller.clientHeight + 1;
    if (!scrolls) {
      const y = this.#body.getBoundingClientRect().top + top;
      if (y < 60 || y + ROW > innerHeight) scrollBy(0, y - innerHeight / 2);
    } else if (top < this.#scroller.scrollTop) {
      this.#scroller.scrollTop = top;
    } else if (top + ROW + head > this.#scroller.scrollTop + this.#scroller.clientHeight) {
      this.#scroller.scrollTop = top + ROW + head - this.#scroller.clientHeight;
    }
  }

  #showActive() {
    let active = null;
    for (const [key, { element }] of this.#shown) {
      setAttribute(element, "aria-selected", key === this.#active ? "true" : null);
      if (key === this.#active) active = element.id;
    }
    setAttribute(this.#table, "aria-activedescendant", active);
  }
}

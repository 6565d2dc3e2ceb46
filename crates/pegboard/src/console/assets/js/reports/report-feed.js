// The rows of one interval report over a window that goes on to now. The whole is fetched once; then only the intervals that can
// still have changed; and the whole again from time to time, for revisions of closed intervals.

import { get } from "../lib/api.js";
import { midnight } from "../lib/calendar.js";
import { now } from "../lib/clock.js";

const EVERY = 15_000;
const WHOLE = 300_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** @typedef {{ rows: object[], range: "24h" | "today", from: number, at: number }} Rows */

export class ReportFeed {
  #name;
  #keyOf;
  #listener;
  /** @type {Map<string, object>} */
  #rows = new Map();
  #range = "24h";
  #whole = 0;
  #timer = 0;
  /** Counts requests, so that an answer that was overtaken changes nothing. */
  #turn = 0;

  /**
   * @param {string} name of the report
   * @param {string[]} keys the columns that name a row
   * @param {{ rows: (rows: Rows) => void, problem: (error: Error) => void }} listener
   */
  constructor(name, keys, listener) {
    this.#name = name;
    this.#keyOf = (row) => keys.map((key) => row[key] ?? "").join("\n");
    this.#listener = listener;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.#fetch();
    });
  }

  /** Starts, or starts again with another window. @param {"24h" | "today"} range */
  show(range) {
    this.#range = range;
    this.#whole = 0;
    void this.#fetch();
  }

  async #fetch() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    const begin = windowStart(this.#range, now());
    const whole = now() - this.#whole >= WHOLE;
    const from = whole ? begin : Math.max(begin, this.#unsettled());
    try {
      const { rows } = await get(`reports/${this.#name}`, { from: new Date(from).toISOString() });
      if (turn !== this.#turn) return;
      if (whole) this.#whole = now();
      this.#merge(rows, from, begin);
      this.#listener.rows({ rows: [...this.#rows.values()], range: this.#range, from: begin, at: now() });
    } catch (error) {
      if (turn === this.#turn) this.#listener.problem(error);
    }
    if (turn === this.#turn && document.visibilityState === "visible")
      this.#timer = setTimeout(() => void this.#fetch(), EVERY);
  }

  #merge(rows, from, begin) {
    for (const [key, row] of this.#rows) {
      const start = Date.parse(row.interval_start);
      if (start >= from || start < begin) this.#rows.delete(key);
    }
    for (const row of rows) this.#rows.set(this.#keyOf(row), row);
  }

  /** The start of the first interval that is open, or of the last one. */
  #unsettled() {
    let open = Infinity;
    let last = 0;
    for (const row of this.#rows.values()) {
      const start = Date.parse(row.interval_start);
      last = Math.max(last, start);
      if (row.provisional) open = Math.min(open, start);
    }
    return Math.min(open, last);
  }
}

/**
 * Where a window begins: at local midnight, or 24 hours ago, at a full hour, so that it cuts no interval of any length.
 * @param {"24h" | "today"} range
 * @param {number} at ms since 1970
 */
export function windowStart(range, at) {
  if (range === "today") return midnight(at);
  return Math.floor((at - DAY) / HOUR) * HOUR;
}

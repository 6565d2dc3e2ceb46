// The rows of the same weekdays, a week before: what today is held against.

import { get } from "../lib/api.js";
import { daysLater, midnight } from "../lib/calendar.js";

const WEEK = 7;
/** They are closed long ago, but for corrections. */
const AGAIN = 300_000;

export class WeekBefore {
  #report;
  #changed;
  /** @type {object[] | null} */
  #rows = null;
  #asked = "";
  #at = 0;
  /** Counts requests, so that an answer that was overtaken changes nothing. */
  #turn = 0;

  /** @param {string} report its name @param {() => void} changed */
  constructor(report, changed) {
    this.#report = report;
    this.#changed = changed;
  }

  /** The rows, moved a week on, so that each starts where the one does that it is compared with; null until they are known. */
  get rows() {
    return this.#rows;
  }

  /**
   * Looks, unless it did lately.
   * @param {"24h" | "today"} range
   * @param {number} from ms since 1970
   * @param {number} now
   */
  async look(range, from, now) {
    const asked = `${range} ${from}`;
    if (asked === this.#asked && now - this.#at < AGAIN) return;
    const turn = ++this.#turn;
    if (asked !== this.#asked) this.#rows = null;
    this.#asked = asked;
    this.#at = now;
    const [begin, end] = windowBefore(range, from, now);
    try {
      const { rows } = await get(`reports/${this.#report}`, { from: iso(begin), to: iso(end) });
      if (turn !== this.#turn) return;
      this.#rows = rows.map(aWeekOn);
    } catch {
      // The page says by itself that the hub does not answer; without a comparison it is as good as before.
      if (turn === this.#turn) this.#asked = "";
      return;
    }
    this.#changed();
  }
}

/**
 * The window a week before. Of today it is the whole day: what is still to come is worth knowing.
 * @param {"24h" | "today"} range
 * @param {number} from
 * @param {number} now
 * @returns {[number, number]}
 */
export function windowBefore(range, from, now) {
  const end = range === "today" ? daysLater(midnight(now), 1) : now;
  return [daysLater(from, -WEEK), daysLater(end, -WEEK)];
}

/** A row where its counterpart is. @param {object} row of an interval report */
export function aWeekOn(row) {
  return { ...row, interval_start: iso(daysLater(Date.parse(row.interval_start), WEEK)) };
}

function iso(ms) {
  return new Date(ms).toISOString();
}

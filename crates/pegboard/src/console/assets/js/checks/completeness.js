// The report `completeness`, line by line: what each interval of a report came to. Pure.

import { groupBy } from "../lib/collections.js";

/** How an interval may stand, the worst first. @typedef {"missing"|"gap"|"late"|"awaited"|"open"|"complete"|"silent"|"unknown"} State */

/** @type {ReadonlyArray<{ id: State, label: string, meaning: string }>} */
export const STATES = [
  { id: "missing", label: "Missing", meaning: "it should be here and is not" },
  { id: "gap", label: "Gap", meaning: "closed, and something of it was lost for good" },
  { id: "late", label: "Late", meaning: "it came later than it should" },
  { id: "awaited", label: "Awaited", meaning: "it is over, and not here yet" },
  { id: "open", label: "Open", meaning: "it is not over" },
  { id: "complete", label: "Complete", meaning: "all of it is here" },
  { id: "silent", label: "Silent", meaning: "all of it is here, and nothing happened in it" },
  { id: "unknown", label: "Unknown", meaning: "it lies before the first thing that is known" },
];
const BADNESS = new Map(STATES.map(({ id }, index) => [id, index]));
/** What a reader should look after. */
const HOLES = new Set(["missing", "gap", "late"]);
/** More cells than this cannot be told apart on a line. */
const MOST_CELLS = 192;

/** @typedef {{ start: number, length: number, state: State, rows: number, reason: string }} Cell */
/**
 * @typedef {object} Line
 * @property {string} key
 * @property {string} source
 * @property {string} origin
 * @property {string} report
 * @property {string | null} acdReport
 * @property {Cell[]} cells
 */

/**
 * How an interval stands. A state that the page does not know counts as a hole: nothing is said to be here that is not known to be.
 * @param {object} row of `completeness`
 * @param {number} now ms since 1970
 * @returns {State}
 */
export function stateOf({ state, rows, interval_start: start, interval_s: length }, now) {
  if (state === "complete") return rows > 0 ? "complete" : "silent";
  if (state === "open") return Date.parse(start) + length * 1000 <= now ? "awaited" : "open";
  return BADNESS.has(state) ? state : "missing";
}

/**
 * One line for each report of each source, in the order in which the hub names them.
 * @param {object[]} rows of `completeness`
 * @param {number} now
 * @returns {Line[]}
 */
export function linesOf(rows, now) {
  const keyOf = (row) => [row.source, row.origin, row.report, row.acd_report ?? ""].join("\n");
  return [...groupBy(rows, keyOf)].map(([key, members]) => {
    const { source, origin, report, acd_report: acdReport } = members[0];
    const cells = members.map((row) => ({
      start: Date.parse(row.interval_start),
      length: row.interval_s * 1000,
      state: stateOf(row, now),
      rows: row.rows,
      reason: row.reason ?? "",
    }));
    return { key, source, origin, report, acdReport, cells: cells.sort((a, b) => a.start - b.start) };
  });
}

/** How many intervals are over, here, missing and awaited. @param {Line} line */
export function tally({ cells }) {
  const number = (...states) => cells.filter(({ state }) => states.includes(state)).length;
  return {
    expected: cells.length - number("open", "unknown"),
    received: number("complete", "silent", "late"),
    missing: number("missing", "gap"),
    awaited: number("awaited"),
  };
}

/**
 * Stretches of intervals that somebody should look after: neighbours that stand alike for the same reason are one.
 * @param {Line} line
 * @returns {{ line: Line, state: State, reason: string, start: number, end: number, intervals: number }[]}
 */
export function holesOf(line) {
  const holes = [];
  for (const { start, length, state, reason } of line.cells) {
    if (!HOLES.has(state)) continue;
    const last = holes.at(-1);
    if (last && last.end === start && last.state === state && last.reason === reason) {
      last.end += length;
      last.intervals += 1;
    } else {
      holes.push({ line, state, reason, start, end: start + length, intervals: 1 });
    }
  }
  return holes;
}

/**
 * As many cells as can be told apart: of those that are drawn as one the worst shows.
 * @param {Cell[]} cells
 * @returns {Cell[]}
 */
export function condensed(cells) {
  const each = Math.ceil(cells.length / MOST_CELLS);
  if (each <= 1) return cells;
  const drawn = [];
  for (let at = 0; at < cells.length; at += each) {
    const part = cells.slice(at, at + each);
    const worst = part.reduce((a, b) => (BADNESS.get(b.state) < BADNESS.get(a.state) ? b : a));
    const length = part.at(-1).start + part.at(-1).length - part[0].start;
    drawn.push({ ...worst, start: part[0].start, length, rows: part.reduce((sum, { rows }) => sum + rows, 0) });
  }
  return drawn;
}

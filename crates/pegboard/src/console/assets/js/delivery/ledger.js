// What a sink has of each interval, from the ledger's answers. Pure.

import { groupBy } from "../lib/collections.js";

/** How an interval stands, in the order of the legend. */
export const STATES = [
  { id: "acknowledged", label: "Delivered", meaning: "The target has its newest revision" },
  { id: "corrected", label: "Corrected", meaning: "The target has a later revision than the first" },
  { id: "waiting", label: "Waiting", meaning: "To be sent, or to be sent again" },
  { id: "parked", label: "Parked", meaning: "Refused, or not fit to be sent: somebody has to act" },
  { id: "dropped", label: "Dropped", meaning: "Somebody has decided that it is not sent" },
  { id: "none", label: "Not expected", meaning: "Not over yet, or from before the sink was set up" },
];

/**
 * @typedef {object} Cell
 * @property {number} start ms
 * @property {number} length ms
 * @property {string} state one of `STATES`
 * @property {object | null} delivery
 */

/** @param {object} delivery as the API gives it */
export function stateOf({ state, revision }) {
  return state === "acknowledged" && revision > 1 ? "corrected" : state;
}

/**
 * The lines of a sink: one for each report, one cell for each interval of the window.
 * @param {string} sink
 * @param {object[]} deliveries
 * @param {[number, number]} window ms
 * @returns {{ sink: string, report: string, cells: Cell[], counts: Record<string, number> }[]}
 */
export function linesOf(sink, deliveries, [from, to]) {
  const length = lengthOf(deliveries);
  return [...groupBy(deliveries, ({ report }) => report)]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([report, own]) => {
      const byStart = new Map(own.map((delivery) => [Date.parse(delivery.interval_start), delivery]));
      const cells = [];
      for (let start = Math.floor(from / length) * length; start < to; start += length) {
        const delivery = byStart.get(start) ?? null;
        cells.push({ start, length, state: delivery ? stateOf(delivery) : "none", delivery });
      }
      return { sink, report, cells, counts: tally(own) };
    });
}

/** The length of an interval: the least step between two. */
function lengthOf(deliveries) {
  const starts = [...new Set(deliveries.map(({ interval_start: start }) => Date.parse(start)))].sort((a, b) => a - b);
  const steps = starts.slice(1).map((start, index) => start - starts[index]);
  return Math.min(...steps, 900_000);
}

function tally(deliveries) {
  const number = (...states) => deliveries.filter(({ state }) => states.includes(state)).length;
  return {
    expected: deliveries.length,
    acknowledged: number("acknowledged"),
    waiting: number("waiting"),
    parked: number("parked", "dropped"),
  };
}

/**
 * How a sink is doing: in one word, and how old the oldest report is that it has not.
 * @param {object} sink as the API gives it
 * @param {number} at ms
 */
export function healthOf({ ours, states, rows, store_error: broken, hold, ledger }, at) {
  const undelivered = ledger
    .filter(({ state }) => state === "waiting" || state === "parked")
    .map(({ oldest }) => Date.parse(oldest));
  const lag = undelivered.length === 0 ? null : at - Math.min(...undelivered);
  const parked = ledger.filter(({ state }) => state === "parked").reduce((sum, { intervals }) => sum + intervals, 0);
  let health = "ok";
  if (broken || states.failures > 0 || rows.failures > 0) health = "failing";
  else if (hold && !hold.released) health = "held";
  else if (parked > 0) health = "refusing";
  else if (!ours) health = "elsewhere";
  return { health, lag, parked, expected: ledger.reduce((sum, { intervals }) => sum + intervals, 0) };
}

// Sums and averages over rows of interval reports, as docs/reports.md defines them. Pure.

const MINUTE = 60_000;

/** The sums of some `queue_interval` rows. @typedef {ReturnType<typeof emptyQueueSum>} QueueSum */

function emptyQueueSum() {
  return {
    offered: 0,
    answered: 0,
    answered_in_sl: 0,
    abandoned: 0,
    abandoned_in_sl: 0,
    abandoned_short: 0,
    transferred_out: 0,
    queue_answered_s: 0,
    queue_abandoned_s: 0,
    talk_s: 0,
    hold_s: 0,
    acw_s: 0,
    handle_s: 0,
    longest_s: 0,
    formulas: new Set(),
    thresholds: new Set(),
    weighted: 0,
    weight: 0,
    provisional: false,
  };
}

const SUMMED = [
  "offered",
  "answered",
  "answered_in_sl",
  "abandoned",
  "abandoned_in_sl",
  "abandoned_short",
  "transferred_out",
  "queue_answered_s",
  "queue_abandoned_s",
  "talk_s",
  "hold_s",
  "acw_s",
  "handle_s",
];

/** @param {Iterable<object>} rows @returns {QueueSum} */
export function sumQueues(rows) {
  const sum = emptyQueueSum();
  for (const row of rows) {
    for (const name of SUMMED) sum[name] += row[name] ?? 0;
    sum.longest_s = Math.max(sum.longest_s, row.queue_answered_max_s ?? 0, row.queue_abandoned_max_s ?? 0);
    sum.formulas.add(row.service_level_formula);
    sum.thresholds.add(row.service_level_s);
    sum.provisional ||= row.provisional === true;
    if (isNumber(row.service_level_pct)) {
      sum.weighted += row.service_level_pct * row.offered;
      sum.weight += row.offered;
    }
  }
  return sum;
}

/**
 * The service level of a sum, computed again from the sums by the formula of its rows. The formula `aws` needs what rows do not
 * carry; its denominator is `offered`, so that the rows' own percentages weighted by it are exact, up to their rounding.
 * @param {QueueSum} sum
 * @returns {number | null} 0 to 100; null where the denominator is 0, or where rows of several formulas were added up
 */
export function serviceLevel(sum) {
  if (sum.formulas.size !== 1) return null;
  const [formula] = sum.formulas;
  switch (formula) {
    case "answered":
      return ratio(sum.answered_in_sl, sum.answered);
    case "answered_abandoned_late":
      return ratio(sum.answered_in_sl, sum.answered + sum.abandoned - sum.abandoned_in_sl);
    case "offered":
      return ratio(sum.answered_in_sl + sum.abandoned_in_sl, sum.offered);
    default:
      return sum.weight > 0 ? sum.weighted / sum.weight : null;
  }
}

/** Abandoned of offered, 0 to 100. @param {QueueSum} sum */
export function abandonRate(sum) {
  return ratio(sum.abandoned, sum.offered);
}

/** Mean time in queue of those answered, seconds. @param {QueueSum} sum */
export function speedOfAnswer(sum) {
  return mean(sum.queue_answered_s, sum.answered);
}

/** Mean talk and hold of those answered, seconds; after-contact work is not in it. @param {QueueSum} sum */
export function meanHandle(sum) {
  return mean(sum.handle_s, sum.answered);
}

/** Mean after-contact work of those answered, seconds. @param {QueueSum} sum */
export function meanAcw(sum) {
  return mean(sum.acw_s, sum.answered);
}

/**
 * The intervals that some rows span, without holes: where no row is, nothing happened, and a chart must show that.
 * @param {Iterable<object>} rows
 * @returns {{ start: number, length: number }[]} milliseconds, ascending
 */
export function grid(rows) {
  const lengths = new Map();
  for (const row of rows) lengths.set(Date.parse(row.interval_start), row.interval_s * 1000);
  const starts = [...lengths.keys()].sort((a, b) => a - b);
  const filled = [];
  for (const start of starts) {
    const last = filled.at(-1);
    const usual = last?.length ?? 0;
    // The shortest length there is: 1 minute guards against rows that would make this endless.
    for (let at = last ? last.start + usual : start; at < start && usual >= MINUTE; at += usual) {
      filled.push({ start: at, length: Math.min(usual, start - at) });
    }
    filled.push({ start, length: lengths.get(start) });
  }
  return filled;
}

/** The mean of `aps`, weighted by the length of the intervals. @param {object[]} rows of `group_interval` */
export function meanAps(rows) {
  let staffed = 0;
  let length = 0;
  for (const row of rows) {
    staffed += row.staffed_s;
    length += row.interval_s;
  }
  return length > 0 ? staffed / length : null;
}

function ratio(part, whole) {
  return whole > 0 ? (100 * part) / whole : null;
}

function mean(sum, number) {
  return number > 0 ? sum / number : null;
}

function isNumber(value) {
  return typeof value === "number";
}

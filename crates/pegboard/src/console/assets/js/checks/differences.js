// The report `reconciliation`: which of its rows the reader wants, and what they come to. Pure.

const MARKS = /\p{M}/gu;

/** What a reader narrows it to. @typedef {{ find: string, report: string, unexplained: boolean }} Narrowing */

/**
 * @param {object[]} rows of `reconciliation`
 * @param {Narrowing} narrowing
 */
export function narrowed(rows, { find, report, unexplained }) {
  const words = folded(find).split(/\s+/).filter(Boolean);
  return rows.filter(
    (row) =>
      (report === "" || row.report === report) &&
      (!unexplained || isUnexplained(row)) &&
      words.every((word) => textOf(row).includes(word)),
  );
}

/** Whether both sides differ and nobody knows why. @param {object} row */
export function isUnexplained(row) {
  return row.agrees !== true && !row.reason;
}

/**
 * How many numbers differ, how many of them for a known reason (by its first word), and whom they are about.
 * @param {object[]} rows
 */
export function tallied(rows) {
  const differing = rows.filter((row) => row.agrees !== true);
  const reasons = new Map();
  for (const { reason } of differing.filter((row) => row.reason)) {
    const kind = reason.split(":")[0];
    reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
  }
  const distinct = (of) => new Set(differing.map(of).filter(Boolean)).size;
  return {
    compared: rows.length,
    differences: differing.length,
    unexplained: differing.filter(isUnexplained).length,
    reasons,
    queues: distinct((row) => row.queue_id || row.queue_name),
    agents: distinct((row) => row.agent_id || row.agent_login),
  };
}

/** A number of a measure, with its unit. @param {string} measure @param {number | null} value */
export function amount(measure, value) {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toLocaleString(undefined, { maximumFractionDigits: 3 });
  return `${value < 0 ? "−" : ""}${text}${measure.endsWith("_s") ? " s" : ""}`;
}

/** The same with its sign. @param {string} measure @param {number | null} value */
export function signed(measure, value) {
  return value > 0 ? `+${amount(measure, value)}` : amount(measure, value);
}

function textOf(row) {
  const parts = [row.queue_name, row.queue_id, row.agent_login, row.agent_id, row.acd_report, row.measure, row.reason];
  return folded(parts.filter(Boolean).join(" "));
}

function folded(text) {
  return text.normalize("NFD").replace(MARKS, "").toLowerCase();
}

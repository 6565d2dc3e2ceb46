// Why a record could not be used: what is alike among reasons, where they point at, and what a person can do. Pure.

import { groupBy } from "../lib/collections.js";

/** More of a record than this is not shown around the place that is wrong. */
const LINES_AROUND = 6;
const MOST_LINES = 400;

/**
 * The reason without what differs from record to record: names and values in quotes, numbers, times. Two records that failed
 * for one cause then count as one kind.
 * @param {string} reason
 */
export function kindOf(reason) {
  return problemOf(reason)
    .replace(/`[^`]*\/[^`]*`/g, "`…`")
    .replace(/'[^']*'/g, "'…'")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "…")
    .replace(/\d+(?:\.\d+)?/g, "…")
    .replace(/…(?:\s*…)+/g, "…");
}

/** What is wrong, without what to do: reasons of report files say both. @param {string} reason */
export function problemOf(reason) {
  return placeOf(reason).file === null ? reason : reason.replace(/; [^;]+$/, "");
}

/**
 * Letters by the kind of their reason, the most first.
 * @param {object[]} letters
 * @returns {{ kind: string, letters: object[], latest: number }[]}
 */
export function byKind(letters) {
  return [...groupBy(letters, ({ reason }) => kindOf(reason))]
    .map(([kind, members]) => ({
      kind,
      letters: members,
      latest: Math.max(...members.map(({ at }) => Date.parse(at))),
    }))
    .sort((a, b) => b.letters.length - a.letters.length || b.latest - a.latest);
}

/**
 * Where in a record the reason points at; line and column from 1, null where it says none. The column of a file of rows is the
 * number of its cell, that of JSON the number of its character.
 * @param {string} reason
 * @returns {{ file: string | null, line: number | null, column: number | null }}
 */
export function placeOf(reason) {
  const number = (found) => (found ? Number(found[1]) : null);
  return {
    file: /^report `([^`]+)`/.exec(reason)?.[1] ?? null,
    line: number(/\bline (\d+)/.exec(reason)),
    column: number(/\bcolumn (\d+)/.exec(reason)),
  };
}

/**
 * What a person can do. Reasons of report files say it themselves, behind the semicolon.
 * @param {string} reason
 */
export function adviceOf(reason) {
  const own = placeOf(reason).file === null ? null : /; ([^;]+)$/.exec(reason)?.[1];
  if (own) return `${own[0].toUpperCase()}${own.slice(1)}.`;
  if (/newer than the hub's clock|in the future/.test(reason))
    return "Compare the hub's clock with that of the source (NTP). What came too early is used once it is retried after its time.";
  if (/not JSON|not UTF-8/i.test(reason))
    return "Something else may be writing into this stream: look who may. Its records are no loss, and can be dropped.";
  if (/missing field|is not|unknown|expected/.test(reason))
    return "The platform may have changed its format. Look for an update of the hub; retry these records after it.";
  return "Look at the record and at what sent it. If the cause is mended, retry it; if it never was a record, drop it.";
}

/**
 * The lines of a record around the one that is wrong, or its first ones.
 * @param {string} payload
 * @param {number | null} wrong the line, from 1
 * @returns {{ number: number, text: string, wrong: boolean }[]}
 */
export function linesAround(payload, wrong) {
  const lines = payload.replace(/\r?\n$/, "").split(/\r?\n/);
  const numbered = lines.map((text, index) => ({ number: index + 1, text, wrong: index + 1 === wrong }));
  if (wrong === null || wrong > lines.length) return numbered.slice(0, MOST_LINES);
  // The header says what the cells are.
  return numbered.filter(({ number }) => number === 1 || Math.abs(number - wrong) <= LINES_AROUND);
}

// What became of a row: every revision of it, when, why, and what changed.

import { get } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { groupBy } from "../lib/collections.js";
import { byId, make, setText } from "../lib/dom.js";
import { NONE, moment } from "../lib/format.js";

const REASONS = {
  first: "The interval was closed",
  late: "Something came late",
  recapture: "Captured again",
  reload: "Reloaded",
  mapping: "Another mapping",
  gone: "Nothing is left of it",
};

/** Whether a row is not as it was first written. @param {object} row */
export function isRevised(row) {
  return row.revision > 1;
}

/**
 * Opens the history of the rows of an interval that were revised.
 * @param {object} wanted
 * @param {string} wanted.report
 * @param {string} wanted.title
 * @param {number} wanted.start ms since 1970
 * @param {number} wanted.length ms
 * @param {object[]} wanted.rows the revised ones
 */
export async function showRevisions({ report, title, start, length, rows }) {
  const dialog = byId("revisions");
  setText(byId("revisions-title"), title);
  const place = byId("revisions-rows");
  place.replaceChildren(make("p", { class: "hint", role: "status" }, "Asking …"));
  if (!dialog.open) dialog.showModal();
  try {
    const [from, to] = [start, start + length].map((ms) => new Date(ms).toISOString());
    const wanted = new Set(rows.map(nameOf));
    const sources = [...new Set(rows.map(({ source }) => source))];
    const answers = [];
    for (const source of sources) answers.push(...(await get(`reports/${report}/history`, { source, from, to })).rows);
    const histories = [...groupBy(answers, nameOf)].filter(([name]) => wanted.has(name));
    place.replaceChildren(...histories.flatMap(([, revisions]) => [heading(revisions[0]), table(revisions)]));
    if (histories.length === 0) place.append(make("p", {}, "No history of it is kept any more."));
  } catch (error) {
    place.replaceChildren(make("p", { class: "source-error", role: "alert" }, `No history: ${error.message}.`));
  }
}

/**
 * What changed with a revision, one text for each column.
 * @param {{ changed: Record<string, [unknown, unknown]> | null, row: object | null, revision: number }} revision
 * @returns {{ column: string, before: string, after: string }[]}
 */
export function changesOf({ changed }) {
  const text = (value) => (value === null || value === undefined ? NONE : String(value));
  return Object.entries(changed ?? {}).map(([column, [before, after]]) => ({
    column: column.replaceAll("_", " "),
    before: text(before),
    after: text(after),
  }));
}

function nameOf({ source, queue_id: queue, agent_id: agent, group, channel, direction }) {
  return [source, queue, agent, group, channel, direction].map((part) => part ?? "").join("\n");
}

function heading(row) {
  const parts = [
    row.queue_name || row.queue_id,
    row.agent_login || row.agent_id,
    row.group,
    row.channel,
    row.direction,
  ];
  return make("h3", {}, parts.filter(Boolean).join(" · "));
}

function table(revisions) {
  const heads = ["Revision", "When", "Why", "What changed"].map((label) => make("th", { scope: "col" }, label));
  const body = revisions
    .toSorted((a, b) => b.revision - a.revision)
    .map((revision) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, String(revision.revision)),
        make("td", {}, moment(Date.parse(revision.at), now())),
        make("td", {}, REASONS[revision.reason] ?? revision.reason, ...file(revision)),
        make("td", { class: "changes" }, ...changes(revision)),
      ),
    );
  return make(
    "div",
    { class: "table-wrap" },
    make("table", { class: "data" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body)),
  );
}

function file({ file: name }) {
  return name ? [make("span", { class: "hint block" }, name)] : [];
}

function changes(revision) {
  const found = changesOf(revision);
  if (found.length === 0) return [revision.row === null ? "gone" : NONE];
  return found.map(({ column, before, after }) =>
    make(
      "span",
      { class: "change" },
      `${column} `,
      make("s", {}, before),
      make("span", { class: "sr-only" }, " is now "),
      make("b", {}, after),
    ),
  );
}

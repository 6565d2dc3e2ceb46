// The tables of a mapping as planners see them: what a column is called, which of them say what a row is for, and what may
// stand in it. Pure.

import { CLASSES } from "../lib/classes.js";
import { many } from "../lib/format.js";

const SOURCE = { id: "source", label: "Only of source", hint: "empty: of all" };
const FROM = { id: "from", label: "From", hint: "2026-03-01T00:00:00Z, or empty: always" };

/**
 * @typedef {object} Field
 * @property {string} id the column
 * @property {string} label
 * @property {string} [hint] what stands in an empty field
 * @property {boolean} [required]
 * @property {boolean} [wfm] says what the WFM calls it; all others say what the row is for
 * @property {string[]} [choices]
 */

/** @type {Record<string, { title: string, fields: Field[] }>} */
export const TABLES = {
  states: {
    title: "States",
    fields: [
      { id: "event_id", label: "State", hint: "Lunch, or VOICE-*-CONNECTED" },
      { id: "activity_code", label: "Activity code", required: true, wfm: true },
      { id: "status", label: "Open or closed", required: true, wfm: true, choices: ["closed", "open"] },
      { id: "reason", label: "Only with reason", hint: "empty: with any" },
      { id: "class", label: "Or every state of class", choices: ["", ...CLASSES.map(({ id }) => id)] },
      { id: "send_as", label: "Sent as", hint: "empty: under its own name", wfm: true },
      SOURCE,
      FROM,
    ],
  },
  queues: {
    title: "Queues",
    fields: [
      { id: "queue", label: "Queue", hint: "id or name; empty: in no queue" },
      { id: "wfm_queue_id", label: "Queue of the WFM", required: true, wfm: true },
      { id: "wfm_queue_name", label: "Its name", hint: "empty: its id", wfm: true },
      { id: "channel", label: "Only of channel", choices: ["", "VOICE", "CHAT", "TASK", "EMAIL"] },
      { id: "direction", label: "Only of direction", choices: ["", "inbound", "outbound"] },
      SOURCE,
      FROM,
    ],
  },
  agents: {
    title: "Agents",
    fields: [
      { id: "agent", label: "Agent", hint: "id or login", required: true },
      { id: "wfm_agent_id", label: "Agent of the WFM", required: true, wfm: true },
      { id: "wfm_agent_value", label: "Login there", hint: "empty: that of the ACD", wfm: true },
      SOURCE,
      FROM,
    ],
  },
};

/**
 * A row by the names of its columns.
 * @param {string[]} columns
 * @param {string[]} cells
 * @returns {Record<string, string>}
 */
export function asRow(columns, cells) {
  return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""]));
}

/** What a row is for: no two rows have the same. @param {string} table @param {Record<string, string>} row */
export function keyOf(table, row) {
  const cells = TABLES[table].fields.filter(({ wfm }) => !wfm).map(({ id }) => (row[id] ?? "").toLowerCase());
  return JSON.stringify(cells);
}

/** Whether every word of a search stands somewhere in the row. @param {Record<string, string>} row @param {string} search */
export function matches(row, search) {
  const text = Object.values(row).join("\n").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/**
 * Which table holds, in words.
 * @param {{ holds: string, version: number, rows: number, folder_rows: number | null, versions: { by: string, at: string }[] }} about
 * @param {(at: string) => string} when
 */
export function holdsIn({ holds, version, rows, folder_rows: folder, versions }, when) {
  if (holds === "nothing") return "No row yet: everything keeps its own name.";
  const shown = many(rows, "row");
  if (holds === "folder") return `${shown}, as in the folder of the configuration.`;
  const last = versions.at(0);
  const who = last ? `, by ${last.by}, ${when(last.at)}` : "";
  const unread = folder === null ? "" : ` The ${folder} of the folder do not hold.`;
  return `${shown}, version ${version}${who}.${unread}`;
}

// How far a reload is, in words. Pure.

import { count, many, span } from "../lib/format.js";

const STATES = {
  waiting: "Waiting",
  running: "Running",
  cancelling: "Being cancelled",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Whether it goes on. @param {{ state: string }} reload */
export function isUnderWay({ state }) {
  return state === "waiting" || state === "running" || state === "cancelling";
}

/** What it is doing. @param {object} reload as the API gives it */
export function stateOf(reload) {
  const words = STATES[reload.state] ?? reload.state;
  if (reload.state !== "running") return words;
  const left = reload.left_s === null || reload.left_s === undefined ? "" : `, ${span(reload.left_s * 1000)} left`;
  if (reload.files > 0 && !reload.read) {
    return `Reading the archive: ${count(reload.files_read)} of ${many(reload.files, "file")}${left}`;
  }
  if (reload.from_source && !reload.read) {
    const { observations = 0, contacts = 0 } = reload;
    return `Asking the source: ${many(observations, "observation")}, ${many(contacts, "contact")}`;
  }
  return `${count(reload.days_done)} of ${many(reload.days, "day")}${left}`;
}

/** What it is about, and made of. @param {object} reload */
export function aboutOf({ queues, agents, from_archive: archive, from_source: source }) {
  const rows = [...queues, ...agents].join(", ") || "everything";
  if (archive) return `${rows}, from the archive`;
  return source ? `${rows}, from the source` : rows;
}

/** What came of it. @param {object} reload */
export function outcomeOf({ rows, differ, error, notes, more_notes: more, state }) {
  const parts = [];
  if (error) parts.push(error);
  if (rows > 0) parts.push(`${many(rows, "row")}, ${count(differ)} not as before`);
  else if (state === "done") parts.push("no rows");
  parts.push(...(notes ?? []));
  if (more > 0) parts.push(`and something to say of ${count(more)} more ${more === 1 ? "day" : "days"}`);
  return parts.join(" · ");
}

/** What is asked for, from the fields of the form, and of what it is made besides. @param {Record<string, string>} fields @param {string} told */
export function requestOf({ source, from, to, queues, agents }, told = "") {
  const list = (text) =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean);
  const request = { source, from };
  if (to) request.to = to;
  if (list(queues).length > 0) request.queues = list(queues);
  if (list(agents).length > 0) request.agents = list(agents);
  if (told) request[told] = true;
  return request;
}

// Names that no row of a mapping has, as cells of a table. Two pages list them.

import { setText } from "./dom.js";

const WHAT = { state: "State", queue: "Queue", agent: "Agent", note: "Note" };
/** So many agents are told by name. */
const TOLD = 3;

/** What kind of name it is, in words. */
export const kindOf = ({ what }) => WHAT[what] ?? what;

/** The name for people. */
export const nameOf = ({ what, id, detail, suggestion }) =>
  what === "note" ? suggestion : [id || "in no queue", detail].filter(Boolean).join(" · ");

/** The column of the agents whom it concerns. */
export const AGENTS = {
  id: "agents",
  label: "Agents",
  value: ({ agents }) => agents.length,
  fill: (cell, { agents }) => {
    cell.classList.add("why");
    setText(cell, agents.length > TOLD ? `${agents.slice(0, TOLD).join(", ")} and more` : agents.join(", "));
    cell.title = agents.join(", ");
  },
};

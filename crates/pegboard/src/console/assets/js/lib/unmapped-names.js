// Names that no row of a mapping has, as cells of a table. Two pages list them.

import { make, setText } from "./dom.js";

const WHAT = { state: "State", queue: "Queue", agent: "Agent", note: "Note" };
/** So many agents are told by name. */
const TOLD = 3;

/** What kind of name it is, in words. */
export const kindOf = ({ what }) => WHAT[what] ?? what;

/** The name for people. What they know it by comes first: the id of a queue or of an agent alone tells nobody much. */
function nameOf({ what, id, detail, suggestion }) {
  if (what === "note") return suggestion;
  const name = [id || "in no queue", detail].filter(Boolean);
  return (what === "state" ? name : name.reverse()).join(" · ");
}

/** Two lines of a text at most, ids are long; whoever points at it sees all of it. */
function fillClipped(cell, text, whole) {
  if (cell.childElementCount === 0) cell.append(make("span", { class: "clipped" }));
  setText(cell.firstElementChild, text);
  cell.firstElementChild.title = whole;
}

/** The column of the name. */
export const NAME = {
  id: "name",
  label: "Name",
  value: ({ id }) => id,
  fill: (cell, seen) => {
    fillClipped(cell, nameOf(seen), nameOf(seen));
    // A note is a sentence, to be read to its end.
    cell.firstElementChild.classList.toggle("clipped", seen.what !== "note");
  },
};

/** The column of the agents whom it concerns. */
export const AGENTS = {
  id: "agents",
  label: "Agents",
  value: ({ agents }) => agents.length,
  fill: (cell, { agents }) => {
    const told = agents.length > TOLD ? `${agents.slice(0, TOLD).join(", ")} and more` : agents.join(", ");
    fillClipped(cell, told, agents.join(", "));
  },
};

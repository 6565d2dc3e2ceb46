// What of the agents to show and in which order, as the address of the page says it. Pure.

import { CLASSES, place } from "../lib/classes.js";
import { groupBy } from "../lib/collections.js";
import { fold } from "./agents.js";

/** @typedef {import("./agents.js").Agent} Agent */
/** @typedef {import("../lib/classes.js").Class} Class */

/**
 * @typedef {object} Filter
 * @property {Set<Class>} classes none: all but the signed out
 * @property {string} text
 * @property {string} team
 * @property {string} source
 * @property {boolean} grouped
 * @property {boolean} signedOut also where no class is chosen
 * @property {string} sort a column
 * @property {boolean} descending
 */

const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** How to compare two agents by a column, ascending. @type {Record<string, (a: Agent, b: Agent) => number>} */
const ORDERS = {
  name: (a, b) => COLLATOR.compare(a.name, b.name),
  team: (a, b) => COLLATOR.compare(a.team, b.team),
  state: (a, b) => place(a.class) - place(b.class),
  since: (a, b) => b.since - a.since,
  status: (a, b) => COLLATOR.compare(a.status, b.status),
  contact: (a, b) => COLLATOR.compare(a.queue, b.queue) || COLLATOR.compare(a.channel, b.channel),
  source: (a, b) => COLLATOR.compare(a.source, b.source),
};

/** The filter that an address names. @param {string} search `location.search` @returns {Filter} */
export function fromAddress(search) {
  const query = new URLSearchParams(search);
  const classes = query.getAll("class").filter((name) => CLASSES.some(({ id }) => id === name));
  const [, minus, sort] = /^(-?)(\w+)$/.exec(query.get("sort") ?? "") ?? [];
  const known = sort !== undefined && Object.hasOwn(ORDERS, sort);
  return {
    classes: new Set(classes),
    text: query.get("q") ?? "",
    team: query.get("team") ?? "",
    source: query.get("source") ?? "",
    grouped: query.get("group") === "team",
    signedOut: query.get("signed-out") === "show",
    sort: known ? sort : "name",
    descending: known && minus === "-",
  };
}

/** The address of a filter, empty for the default. @param {Filter} filter */
export function toAddress(filter) {
  const query = new URLSearchParams();
  for (const { id } of CLASSES) if (filter.classes.has(id)) query.append("class", id);
  if (filter.text) query.set("q", filter.text);
  if (filter.team) query.set("team", filter.team);
  if (filter.source) query.set("source", filter.source);
  if (filter.grouped) query.set("group", "team");
  if (filter.signedOut) query.set("signed-out", "show");
  if (filter.sort !== "name" || filter.descending) query.set("sort", `${filter.descending ? "-" : ""}${filter.sort}`);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Whether it leaves anything out that one could miss. @param {Filter} filter */
export function narrows(filter) {
  return filter.classes.size > 0 || filter.text !== "" || filter.team !== "" || filter.source !== "";
}

/**
 * Those agents that search, team and source let through: the ones that the counters count.
 * @param {Iterable<Agent>} agents
 * @param {Filter} filter
 */
export function candidates(agents, filter) {
  const words = fold(filter.text).split(/\s+/).filter(Boolean);
  return Array.from(agents).filter(
    (agent) =>
      (filter.team === "" || agent.team === filter.team) &&
      (filter.source === "" || agent.source === filter.source) &&
      words.every((word) => agent.text.includes(word)),
  );
}

/** Whether the chosen classes let an agent through. @param {Agent} agent @param {Filter} filter */
export function showsClass(agent, filter) {
  if (filter.classes.size > 0) return filter.classes.has(agent.class);
  return filter.signedOut || agent.class !== "signed_out";
}

/** How many are in each class. @param {Iterable<Agent>} agents @returns {Map<Class, number>} */
export function countByClass(agents) {
  const counts = new Map(CLASSES.map(({ id }) => [id, 0]));
  for (const agent of agents) counts.set(agent.class, counts.get(agent.class) + 1);
  return counts;
}

/**
 * @typedef {{ kind: "agent", key: string, agent: Agent }} AgentRow
 * @typedef {{ kind: "group", key: string, team: string, total: number, counts: Map<Class, number>, open: boolean }} GroupRow
 */

/**
 * The rows of the table, in order. Equal agents stand by name, and the same agents always in the same order.
 * @param {Agent[]} agents
 * @param {Filter} filter
 * @param {Set<string>} closed teams whose agents are folded away
 * @returns {(AgentRow | GroupRow)[]}
 */
export function rowsOf(agents, filter, closed) {
  const sorted = agents.toSorted(comparison(filter));
  if (!filter.grouped) return sorted.map(agentRow);
  const teams = groupBy(sorted, (agent) => agent.team);
  return [...teams]
    .sort(([a], [b]) => COLLATOR.compare(a, b))
    .flatMap(([team, members]) => {
      const open = !closed.has(team);
      const head = {
        kind: "group",
        key: `team\n${team}`,
        team,
        total: members.length,
        counts: countByClass(members),
        open,
      };
      return open ? [head, ...members.map(agentRow)] : [head];
    });
}

function comparison({ sort, descending }) {
  const order = ORDERS[sort];
  const sign = descending ? -1 : 1;
  return (a, b) => sign * order(a, b) || ORDERS.name(a, b) || (a.key < b.key ? -1 : 1);
}

function agentRow(agent) {
  return { kind: "agent", key: agent.key, agent };
}

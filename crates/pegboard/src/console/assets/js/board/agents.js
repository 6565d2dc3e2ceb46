// The agents as the board knows them, and how many are in which class. Pure: no element, no clock.

import { classOf } from "../lib/classes.js";

/**
 * @typedef {object} Agent
 * @property {string} key unique over all sources
 * @property {string} source
 * @property {string} id
 * @property {string} name what to call the agent
 * @property {string} login
 * @property {string} team
 * @property {string} profile
 * @property {import("../lib/classes.js").Class} class
 * @property {number} since ms since 1970
 * @property {string} status the status, and the reason where it says more
 * @property {string} event the state as adherence knows it
 * @property {string} channel
 * @property {string} initiation
 * @property {string} queue
 * @property {boolean} stale what is shown may no longer be true
 * @property {number} touched counts the changes seen of any agent: which snapshot is older than this state
 * @property {string} text everything to search in, folded
 */

export class Agents {
  /** @type {Map<string, Agent>} */
  #byKey = new Map();
  #changes = 0;

  get size() {
    return this.#byKey.size;
  }

  /** How many changes there have been: what `reconcile` needs to know of the moment its snapshot was asked for. */
  get changes() {
    return this.#changes;
  }

  /** @returns {IterableIterator<Agent>} */
  values() {
    return this.#byKey.values();
  }

  /** @param {string} key */
  get(key) {
    return this.#byKey.get(key);
  }

  /** Forgets everything and begins with a snapshot. @param {object[]} list as the API gives them */
  replace(list) {
    this.#changes += 1;
    this.#byKey = new Map(list.map((raw) => [keyOf(raw), read(raw, Boolean(raw.stale), this.#changes)]));
  }

  /**
   * Takes in one change from the stream.
   * @param {object} raw
   * @param {boolean} stale whether its source is behind
   * @returns {Agent}
   */
  apply(raw, stale = false) {
    this.#changes += 1;
    const agent = read(raw, stale, this.#changes);
    this.#byKey.set(agent.key, agent);
    return agent;
  }

  /**
   * Takes from a later snapshot what the stream does not tell: who is stale, and who is gone. An agent of whom the stream has
   * told more since the snapshot was asked for stays as he is.
   * @param {object[]} list
   * @param {number} asked `changes` when it was asked for
   */
  reconcile(list, asked) {
    const listed = new Set();
    for (const raw of list) {
      const key = keyOf(raw);
      listed.add(key);
      const known = this.#byKey.get(key);
      if (!known || known.touched <= asked) {
        this.#byKey.set(key, read(raw, Boolean(raw.stale), known?.touched ?? asked));
      }
    }
    for (const [key, agent] of this.#byKey) {
      if (!listed.has(key) && agent.touched <= asked) this.#byKey.delete(key);
    }
  }
}

/** @param {{ source: string, agent_id: string }} raw */
function keyOf(raw) {
  return `${raw.source}\n${raw.agent_id}`;
}

/** @returns {Agent} */
function read(raw, stale, touched) {
  const name = raw.agent_name || raw.agent_login || raw.agent_id;
  const reason = raw.reason && raw.reason !== raw.status_name ? raw.reason : "";
  const status = [raw.status_name, reason].filter(Boolean).join(" · ");
  const texts = [name, raw.agent_login, raw.team, raw.queue_name, status, raw.channel, raw.event_id];
  return {
    key: keyOf(raw),
    source: raw.source,
    id: raw.agent_id,
    name,
    login: raw.agent_login && raw.agent_login !== name ? raw.agent_login : "",
    team: raw.team ?? "",
    profile: raw.routing_profile ?? "",
    class: classOf(raw.class),
    since: Date.parse(raw.since),
    status,
    event: raw.event_id ?? "",
    channel: raw.channel ?? "",
    initiation: raw.initiation ?? "",
    queue: raw.queue_name ?? raw.queue_id ?? "",
    stale,
    touched,
    text: fold(texts.filter(Boolean).join("\n")),
  };
}

/** Text to compare when searching: without case and accents. @param {string} text */
export function fold(text) {
  return text
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase();
}

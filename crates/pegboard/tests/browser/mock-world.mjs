// A contact centre for the mock server: made from a seed, so that two runs show the same people.

export const HOSTILE = `<img src=x onerror="document.title='owned'">`;

const FIRST = [
  "Ada",
  "Björn",
  "Chidi",
  "Dana",
  "Elif",
  "Farid",
  "Greta",
  "Hana",
  "Ivo",
  "Jürgen",
  "Kofi",
  "Lena",
  "Mina",
  "Noor",
  "Ola",
  "Pia",
  "Quentin",
  "Rosa",
  "Sami",
  "Tove",
  "Uma",
  "Vera",
  "Wen",
  "Ximena",
  "Yara",
  "Zoë",
];
const LAST = [
  "Abel",
  "Brandt",
  "Castillo",
  "Dvořák",
  "Eriksen",
  "Fischer",
  "Gómez",
  "Haddad",
  "Ito",
  "Jansen",
  "Kowalski",
  "Larsen",
  "Moreau",
  "Nguyen",
  "Okafor",
  "Petrov",
  "Quist",
  "Rossi",
  "Schmidt",
  "Tanaka",
  "Ueda",
  "Virtanen",
  "Wagner",
  "Xu",
  "Yilmaz",
  "Zhang",
];
const SITES = ["Leipzig", "Porto", "Manila"];
const DEPARTMENTS = ["Service", "Sales", "Technical support", "Back office"];
const QUEUES = [
  ["Service voice", "VOICE", 1],
  ["Sales voice", "VOICE", 0.6],
  ["Technical support, level 1", "VOICE", 0.8],
  ["Technical support, level 2", "VOICE", 0.25],
  ["Retention", "VOICE", 0.2],
  ["Service chat", "CHAT", 0.7],
  ["Sales chat", "CHAT", 0.4],
  ["Order tasks", "TASK", 0.3],
  ["Complaints e-mail", "EMAIL", 0.35],
  ["VIP", "VOICE", 0.08],
];
const BREAKS = ["Break", "Lunch", "Training", "Meeting", "Coaching"];
const NEXT = {
  available: [
    ["ringing", 0.8],
    ["aux", 0.15],
    ["signed_out", 0.05],
  ],
  ringing: [
    ["talk", 0.93],
    ["error", 0.07],
  ],
  talk: [
    ["acw", 0.75],
    ["hold", 0.2],
    ["available", 0.05],
  ],
  hold: [["talk", 1]],
  acw: [
    ["available", 0.9],
    ["aux", 0.1],
  ],
  error: [["available", 1]],
  aux: [
    ["available", 0.95],
    ["signed_out", 0.05],
  ],
  signed_out: [["available", 1]],
  unknown: [["available", 1]],
};
const START = [
  ["talk", 0.4],
  ["hold", 0.03],
  ["acw", 0.1],
  ["ringing", 0.03],
  ["error", 0.005],
  ["aux", 0.14],
  ["available", 0.11],
  ["signed_out", 0.18],
  ["unknown", 0.005],
];
/** How long such a state is, in seconds, on average. */
const LENGTH = {
  talk: 240,
  hold: 40,
  acw: 50,
  ringing: 8,
  error: 20,
  aux: 900,
  available: 90,
  signed_out: 20_000,
  unknown: 4000,
};

/** Numbers in [0, 1) from a seed (mulberry32). @param {number} seed */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class World {
  /** @param {{ agents: number, seed?: number, now?: number }} options */
  constructor({ agents, seed = 7, now = Date.now() }) {
    this.random = randomFrom(seed);
    this.agents = Array.from({ length: agents }, (_, index) => this.#agent(index, now));
    this.queues = QUEUES;
    if (agents > 0) this.agents[0].agent_name = HOSTILE;
  }

  /** Every team with its agents. */
  teams() {
    const teams = new Map();
    for (const agent of this.agents) teams.set(agent.team, [...(teams.get(agent.team) ?? []), agent]);
    return [...teams];
  }

  /** Somebody does something else now; answers with who. */
  change(now = Date.now()) {
    const agent = this.agents[Math.floor(this.random() * this.agents.length)];
    this.#enter(agent, this.#pick(NEXT[agent.class]), now);
    return agent;
  }

  /** The segments of the last hours of one agent. */
  timeline(agent, from, to) {
    const random = randomFrom(Array.from(agent.agent_id).reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7));
    const rows = [];
    let kind = "available";
    for (let at = from; at < to;) {
      const length = Math.max(2000, LENGTH[kind] * 1000 * -Math.log(1 - random()) * (kind === "signed_out" ? 0.05 : 1));
      const queue = QUEUES[Math.floor(random() * QUEUES.length)];
      rows.push({
        source: agent.source,
        agent_id: agent.agent_id,
        start: iso(at),
        end: at + length < to ? iso(at + length) : "",
        class: kind,
        status_name: kind === "aux" ? BREAKS[Math.floor(random() * BREAKS.length)] : "Available",
        queue_name: ["talk", "hold", "acw", "ringing"].includes(kind) ? queue[0] : "",
        reason: "",
        event_id: "",
      });
      at += length;
      kind = pick(NEXT[kind], random());
    }
    return rows;
  }

  #agent(index, now) {
    const site = SITES[index % SITES.length];
    const department = DEPARTMENTS[Math.floor(index / 3) % DEPARTMENTS.length];
    const first = FIRST[Math.floor(this.random() * FIRST.length)];
    const last = LAST[Math.floor(this.random() * LAST.length)];
    const agent = {
      source: "connect-production",
      agent_id: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
      agent_login: `${first.slice(0, 1)}${last}${index}`.normalize("NFD").replace(/[^\w]/g, "").toLowerCase(),
      agent_name: `${first} ${last}`,
      team: `${site} / ${department}`,
      routing_profile: department,
      stale: false,
    };
    const kind = this.#pick(START);
    this.#enter(agent, kind, now - Math.floor(LENGTH[kind] * 1000 * -Math.log(1 - this.random())));
    return agent;
  }

  #enter(agent, kind, at) {
    const busy = ["talk", "hold", "acw", "ringing", "error"].includes(kind);
    const queue = QUEUES[Math.floor(this.random() * QUEUES.length)];
    const goesOn = busy && agent.contact_id && kind !== "ringing";
    const status =
      kind === "aux"
        ? BREAKS[Math.floor(this.random() * BREAKS.length)]
        : kind === "signed_out"
          ? "Offline"
          : "Available";
    Object.assign(agent, {
      class: kind,
      since: iso(at),
      status_id: `status-${status}`,
      status_name: status,
      reason: status,
      contact_id: busy ? (goesOn ? agent.contact_id : `contact-${at}-${this.random()}`) : null,
      channel: busy ? (goesOn ? agent.channel : queue[1]) : null,
      queue_name: busy ? (goesOn ? agent.queue_name : queue[0]) : null,
      initiation: busy ? (goesOn ? agent.initiation : this.random() < 0.12 ? "OUTBOUND" : "INBOUND") : null,
    });
    agent.queue_id = agent.queue_name;
    agent.event_id = busy ? `${agent.channel}-${agent.initiation}-${kind.toUpperCase()}` : status;
  }

  #pick(choices) {
    return pick(choices, this.random());
  }
}

function pick(choices, value) {
  let left = value;
  for (const [kind, share] of choices) {
    left -= share;
    if (left < 0) return kind;
  }
  return choices[0][0];
}

/** @param {number} ms */
export function iso(ms) {
  return new Date(ms).toISOString();
}

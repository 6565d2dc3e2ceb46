// What a sink of the mock has: a day of intervals, some of them refused until somebody retries or drops them.

import { iso } from "./mock-world.mjs";

const INTERVAL = 900_000;
const REPORTS = ["cxone-queue-report", "cxone-agent-activity"];
const REASON = "queueReport[0].queueId: no such queue <img src=x onerror=alert(1)>";

export class MockDelivery {
  /** What was decided. @type {{ what: string, body: object, csrf: string | null }[]} */
  decided = [];
  /** How what was parked stands now. */
  parked = "parked";
  refused = ["ann"];
  names = [
    [
      "state",
      "Lunch <img src=x>",
      "late",
      "Lunch,closed",
      ["ann", "bob", "cid", "dee"],
      { table: "states", cells: { event_id: "Lunch <img src=x>", activity_code: "Lunch", status: "closed" }, complete: true },
    ],
    ["note", "left out: … contacts", "", "left out: 3 contacts of agents that were in no queue", [], null],
    [
      "queue",
      "q-7",
      "Web chat CHAT inbound",
      "q-7-chat-inbound",
      [],
      {
        table: "queues",
        cells: { queue: "q-7", wfm_queue_id: "q-7-chat-inbound", wfm_queue_name: "Web chat", channel: "CHAT", direction: "inbound" },
        complete: true,
      },
    ],
    [
      "agent",
      "eve",
      "eve.adams",
      "eve",
      ["eve"],
      { table: "agents", cells: { agent: "eve", wfm_agent_id: "eve", wfm_agent_value: "eve.adams" }, complete: true },
    ],
  ];

  sinks(at) {
    const all = this.#deliveries(at);
    const lines = REPORTS.flatMap((report) =>
      ["acknowledged", "waiting", "parked", "dropped"].flatMap((state) => {
        const own = all.filter((delivery) => delivery.report === report && delivery.state === state);
        if (own.length === 0) return [];
        const starts = own.map(({ interval_start: start }) => start).sort();
        return [{ report, state, intervals: own.length, oldest: starts[0], newest: starts.at(-1) }];
      }),
    );
    const well = { accepted_at: iso(at - 2000), failures: 0, failing_since: null, error: null, waiting: 0 };
    const states = { ...well, accepted: Math.floor(at / 1000) % 1_000_000 };
    const rows = { ...well, accepted: 96, waiting: 1 };
    return { sinks: [{ name: "wfm", kind: "cxone", ours: true, states, rows, store_error: null, ledger: lines }] };
  }

  /** @param {URLSearchParams} query */
  ledger(query, at) {
    const [from, to] = ["from", "to"].map((name) => Date.parse(query.get(name) ?? ""));
    const wanted = ({ interval_start: start, ...delivery }) =>
      !(Date.parse(start) < from) &&
      !(Date.parse(start) >= to) &&
      ["report", "state", "reason"].every((name) => !query.has(name) || query.get(name) === delivery[name]);
    return { deliveries: this.#deliveries(at).filter(wanted), next: null };
  }

  delivery(unit, at) {
    const found = this.#deliveries(at).find((delivery) => delivery.unit === unit);
    return { ...found, payload: '{"queueReport":[{"queueId":"<b>q</b>"}]}', encoding: "text", payload_note: "made anew" };
  }

  reasons(at) {
    const own = this.#deliveries(at).filter(({ state }) => state === "parked");
    if (own.length === 0) return { parked: [] };
    const starts = own.map(({ interval_start: start }) => start).sort();
    const line = { report: REPORTS[0], reason: REASON, intervals: own.length, oldest: starts[0], newest: starts.at(-1) };
    return { parked: [line] };
  }

  states(at) {
    const state = (agent) => ({
      source: "connect-production",
      agent_id: agent,
      reason: "no such agent",
      first_at: iso(at - 7_200_000),
      last_at: iso(at - 60_000),
      count: 7,
      payload: '{"agentId":"ann"}',
    });
    return { refused_states: this.refused.map(state) };
  }

  unmapped(at) {
    const shown = ([what, id, detail, suggestion, agents, row], index) => ({
      what,
      source: "connect-production",
      id,
      detail,
      count: 12 - index,
      first_seen: iso(at - 7_200_000),
      last_seen: iso(at - 60_000),
      agents,
      suggestion,
      row,
    });
    return { unmapped: this.names.map(shown) };
  }

  /** What a decision is answered with. */
  decide(what, body, csrf) {
    this.decided.push({ what, body, csrf });
    if (what === "refused-states/drop") {
      this.refused = this.refused.filter((agent) => agent !== body.agent_id);
      return null;
    }
    if (what === "unmapped/forget") return { names: this.names.splice(0).length };
    this.parked = what === "drop" ? "dropped" : "acknowledged";
    return { intervals: 3 };
  }

  /** Newest first. */
  #deliveries(at) {
    const last = Math.floor(at / INTERVAL) - 1;
    return Array.from({ length: 96 }, (_, back) => back).flatMap((back) =>
      REPORTS.map((report) => {
        const isQueue = report === REPORTS[0];
        const isParked = isQueue && back >= 8 && back < 11;
        const state = isParked ? this.parked : back === 0 ? "waiting" : "acknowledged";
        const start = iso((last - back) * INTERVAL);
        return {
          unit: `${report}@${start}`,
          report,
          interval_start: start,
          state,
          changes: 1,
          revision: back === 4 ? 2 : 1,
          acknowledged: state === "acknowledged" ? (back === 4 ? 2 : 1) : 0,
          tries: back === 0 ? 0 : 1,
          first_try: back === 0 ? null : start,
          last_try: back === 0 ? null : start,
          due: back === 0 ? start : null,
          reason: state === "parked" ? REASON : null,
          comment: null,
        };
      }),
    );
  }
}

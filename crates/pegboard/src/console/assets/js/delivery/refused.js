// Agents whose state a sink refuses.

import { now } from "../lib/clock.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, moment } from "../lib/format.js";
import { DataTable } from "../reports/data-table.js";

const keyOf = ({ sink, source, agent_id: agent }) => JSON.stringify([sink, source, agent]);

export class RefusedStates {
  #decisions;
  #changed;
  #states = [];
  #open = null;
  #table = new DataTable(byId("refused"), COLUMNS, {
    key: keyOf,
    caption: "Agents whose state is refused",
    sort: "-last",
    choose: (key) => this.#show(key),
  });

  /** @param {import("./decisions.js").Decisions} decisions @param {() => void} changed something was decided */
  constructor(decisions, changed) {
    this.#decisions = decisions;
    this.#changed = changed;
    byId("drop-state").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#drop();
    });
  }

  /** @param {object[]} states with the sink of each */
  show(states) {
    this.#states = states;
    this.#table.show(states);
    setText(byId("refused-title"), states.length === 0 ? "Refused states" : `Refused states · ${count(states.length)}`);
    byId("refused").hidden = states.length === 0;
    byId("no-refused").hidden = states.length > 0;
  }

  #show(key) {
    const state = this.#states.find((found) => keyOf(found) === key);
    if (!state) return;
    this.#open = state;
    setText(byId("state-outcome"), "");
    byId("state-comment").value = "";
    setText(byId("state-reason"), state.reason);
    setText(byId("state-words"), `Agent ${state.agent_id} of ${state.source}, refused by ${state.sink}.`);
    const payload = state.payload;
    byId("state-payload").replaceChildren(
      ...(payload ? [make("pre", { class: "payload", tabindex: "0", "aria-label": "What was sent" }, payload)] : []),
    );
    byId("drop-state").hidden = !this.#decisions.may;
    byId("state").showModal();
  }

  async #drop() {
    const { sink, source, agent_id: agent } = this.#open;
    const comment = byId("state-comment").value.trim();
    try {
      await this.#decisions.make(sink, "refused-states/drop", { source, agent_id: agent, comment });
      byId("state").close();
      this.#changed();
    } catch (error) {
      setAttribute(byId("state-outcome"), "data-kind", "bad");
      setText(byId("state-outcome"), error.message);
    }
  }
}

const COLUMNS = [
  { id: "agent", label: "Agent", value: ({ agent_id: agent }) => agent },
  {
    id: "reason",
    label: "Reason",
    value: ({ reason }) => reason,
    fill: (cell, { reason }) => {
      cell.classList.add("why");
      setText(cell, reason);
    },
  },
  { id: "sink", label: "Sink", value: ({ sink }) => sink },
  { id: "count", label: "How often", number: true, value: ({ count: times }) => times },
  {
    id: "last",
    label: "Last",
    value: ({ last_at: last }) => last,
    text: ({ last_at: last }) => moment(Date.parse(last), now()),
  },
];

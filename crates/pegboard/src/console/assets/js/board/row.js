// One row of the table: made once, then filled again and again as rows scroll by and agents change.

import { label } from "../lib/classes.js";
import { icon, make, setAttribute, setIcon, setText } from "../lib/dom.js";
import { count, duration } from "../lib/format.js";

/** The columns, with their share of the width. @type {ReadonlyArray<{ id: string, label: string, width: number, number?: boolean }>} */
export const COLUMNS = [
  { id: "name", label: "Agent", width: 24 },
  { id: "state", label: "State", width: 15 },
  { id: "since", label: "Time", width: 10, number: true },
  { id: "status", label: "Status, reason", width: 15 },
  { id: "contact", label: "Contact", width: 18 },
  { id: "team", label: "Team", width: 18 },
  { id: "source", label: "Source", width: 12 },
];

const CHANNELS = { VOICE: "voice", CHAT: "chat", TASK: "task", TASKS: "task", EMAIL: "email" };
const FLASH = 1200;

export class AgentRow {
  #name = make("span", { class: "agent-name" });
  #login = make("span", { class: "login" });
  #picture = icon("unknown");
  #label = make("span");
  #since = cell("since", "number since");
  #status = cell("status", "soft");
  #channel = icon("contact");
  #way = icon("in");
  #icons = make("span", { class: "contact-icons" }, this.#channel, this.#way);
  #contact = make("span");
  #team = cell("team", "soft");
  #source = cell("source", "soft");
  /** @type {import("./agents.js").Agent | null} */
  #agent = null;
  #flash = 0;

  constructor() {
    const stale = make("span", { class: "stale-mark" }, icon("stale"), "stale");
    const state = make("span", { class: "state" }, this.#picture, this.#label);
    const name = cell("name", "");
    name.append(this.#name, this.#login, stale);
    const stateCell = cell("state", "");
    stateCell.append(state);
    const contact = cell("contact", "soft");
    contact.append(this.#icons, this.#contact);
    this.element = make(
      "tr",
      { class: "agent" },
      name,
      stateCell,
      this.#since,
      this.#status,
      contact,
      this.#team,
      this.#source,
    );
  }

  /**
   * @param {import("./agents.js").Agent} agent
   * @param {number} now ms since 1970
   */
  fill(agent, now) {
    const before = this.#agent;
    if (before !== agent) this.#show(agent, before);
    this.tick(now);
  }

  /** Counts on. @param {number} now */
  tick(now) {
    setText(this.#since, duration(now - this.#agent.since));
  }

  #show(agent, before) {
    this.#agent = agent;
    this.element.dataset.key = agent.key;
    setAttribute(this.element, "data-class", agent.class);
    this.element.classList.toggle("stale", agent.stale);
    setText(this.#name, agent.name);
    setText(this.#login, agent.login);
    setIcon(this.#picture, agent.class);
    setText(this.#label, label(agent.class));
    setText(this.#status, agent.status);
    setText(this.#team, agent.team);
    setText(this.#source, agent.source);
    this.#showContact(agent);
    if (before?.key === agent.key && before.class !== agent.class) this.#flashUp();
    else this.element.classList.remove("changed");
  }

  #showContact({ channel, initiation, queue }) {
    this.#icons.hidden = channel === "";
    setIcon(this.#channel, CHANNELS[channel] ?? "contact");
    setIcon(this.#way, /OUTBOUND|AGENT_REPLY/.test(initiation) ? "out" : "in");
    const word = channel.charAt(0) + channel.slice(1).toLowerCase();
    setText(this.#contact, [word, queue].filter(Boolean).join(" · "));
  }

  #flashUp() {
    const { classList } = this.element;
    classList.remove("changed");
    clearTimeout(this.#flash);
    requestAnimationFrame(() => classList.add("changed"));
    this.#flash = setTimeout(() => classList.remove("changed"), FLASH);
  }
}

export class GroupRow {
  #chevron = icon("down");
  #name = make("span", { class: "group-name" });
  #total = make("span", { class: "group-total" });
  #classes = make("span", { class: "group-classes" });
  #button = make("button", { type: "button", tabindex: "-1" }, this.#chevron, this.#name, this.#total, this.#classes);

  constructor() {
    this.element = make("tr", { class: "group" }, make("td", {}, this.#button));
  }

  /** @param {import("./filter.js").GroupRow} row @param {number} columns how many it spans */
  fill(row, columns) {
    setAttribute(this.element.firstElementChild, "colspan", columns);
    this.element.dataset.key = row.key;
    setAttribute(this.#button, "aria-expanded", row.open ? "true" : "false");
    setIcon(this.#chevron, row.open ? "down" : "next");
    setText(this.#name, row.team || "Without a team");
    setText(this.#total, count(row.total));
    const wanted = [...row.counts].filter(([, value]) => value > 0);
    const drawn = wanted.map(([id, value]) => `${id} ${value}`).join();
    if (this.#classes.dataset.drawn === drawn) return;
    this.#classes.dataset.drawn = drawn;
    this.#classes.replaceChildren(
      ...wanted.map(([id, value]) =>
        make(
          "span",
          { "data-class": id, title: label(id) },
          icon(id),
          make("span", { class: "sr-only" }, label(id)),
          count(value),
        ),
      ),
    );
  }
}

function cell(column, className) {
  return make("td", { class: `col-${column} ${className}`.trim() });
}

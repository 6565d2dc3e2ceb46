// One agent in detail: what the last hours were made of.

import { get } from "../lib/api.js";
import { classOf, label } from "../lib/classes.js";
import { byId, icon, make, makeSvg, setAttribute, setIcon, setText } from "../lib/dom.js";
import { duration, minute, time } from "../lib/format.js";

const HOURS = 8;
const HOUR = 3_600_000;
const LISTED = 60;
/** The hub needs a moment until a change is in the timeline. */
const SETTLE = 700;

export class Panel {
  #root = byId("panel");
  #agent = null;
  #from = 0;
  #now;
  #closed;
  #reload = 0;
  #name = make("h2", { id: "panel-name" });
  #about = make("p", { class: "hint" });
  #picture = icon("unknown");
  #state = make("span");
  #since = make("span", { class: "panel-since" });
  #big = make("p", { class: "panel-state" }, this.#picture, this.#state, this.#since);
  #strip = makeSvg("svg", { class: "strip", viewBox: "0 0 1000 36", preserveAspectRatio: "none", role: "img" });
  #scale = make("p", { class: "strip-scale hint" });
  #list = make("ol", { class: "segments" });
  #problem = make("p", { class: "problem", role: "alert" });

  /** @param {() => number} now @param {() => void} closed called when the reader closes it */
  constructor(now, closed) {
    this.#now = now;
    this.#closed = closed;
    const close = make("button", { type: "button", class: "icon-button", "aria-label": "Close (Esc)" }, icon("close"));
    close.addEventListener("click", () => this.close());
    const head = make("header", {}, this.#name, close);
    this.#root.append(
      head,
      this.#about,
      this.#big,
      make("h3", {}, `Last ${HOURS} hours`),
      this.#strip,
      this.#scale,
      this.#problem,
      this.#list,
    );
  }

  /** The key of the agent that it shows. @returns {string | null} */
  get key() {
    return this.#agent?.key ?? null;
  }

  /** @param {import("./agents.js").Agent} agent */
  open(agent) {
    if (this.#agent?.key !== agent.key) {
      this.#strip.replaceChildren();
      this.#list.replaceChildren();
      setText(this.#problem, "");
    }
    this.#root.hidden = false;
    this.#show(agent);
    void this.#load();
  }

  /** Takes a change of the agent that it shows. @param {import("./agents.js").Agent} agent */
  update(agent) {
    if (agent === this.#agent) return;
    const changed = agent.since !== this.#agent.since || agent.class !== this.#agent.class;
    this.#show(agent);
    if (!changed) return;
    clearTimeout(this.#reload);
    this.#reload = setTimeout(() => void this.#load(), SETTLE);
  }

  /** Counts on. */
  tick() {
    if (this.#agent) setText(this.#since, duration(this.#now() - this.#agent.since));
  }

  /** Closes it, if it is open. */
  close() {
    if (!this.#agent) return;
    this.#agent = null;
    this.#root.hidden = true;
    clearTimeout(this.#reload);
    this.#closed();
  }

  #show(agent) {
    this.#agent = agent;
    setText(this.#name, agent.name);
    setText(this.#about, [agent.login, agent.team, agent.profile, agent.source].filter(Boolean).join(" · "));
    setAttribute(this.#big, "data-class", agent.class);
    setIcon(this.#picture, agent.class);
    setText(this.#state, label(agent.class));
    this.tick();
  }

  async #load() {
    const agent = this.#agent;
    const to = this.#now();
    this.#from = to - HOURS * HOUR;
    const query = { source: agent.source, from: new Date(this.#from).toISOString(), to: new Date(to).toISOString() };
    try {
      const { rows } = await get(`agents/${encodeURIComponent(agent.id)}/timeline`, query);
      if (this.#agent?.key !== agent.key) return;
      setText(this.#problem, "");
      this.#draw(rows.map((row) => segment(row, to)));
    } catch (error) {
      if (this.#agent?.key === agent.key) setText(this.#problem, error.message);
    }
  }

  #draw(segments) {
    const scale = 1000 / (HOURS * HOUR);
    this.#strip.replaceChildren(
      ...segments.map(({ start, end, kind }) => {
        const x = Math.max(0, (start - this.#from) * scale);
        const width = Math.max(0.8, (end - this.#from) * scale - x);
        return makeSvg("rect", {
          x,
          y: HEIGHTS[kind] ?? 0,
          width,
          height: 36 - (HEIGHTS[kind] ?? 0),
          "data-class": kind,
        });
      }),
    );
    this.#strip.setAttribute("aria-label", `${segments.length} segments; the list below has each of them`);
    this.#scale.replaceChildren(
      make("span", {}, minute(this.#from)),
      make("span", {}, minute(this.#from + (HOURS / 2) * HOUR)),
      make("span", {}, "now"),
    );
    this.#list.replaceChildren(...segments.slice(-LISTED).reverse().map(line));
  }
}

/** The strip tells classes apart by height as well as by colour. */
const HEIGHTS = { talk: 0, hold: 4, acw: 8, ringing: 4, error: 0, aux: 14, available: 20, signed_out: 32, unknown: 28 };

function segment(row, now) {
  const start = Date.parse(row.start);
  const end = row.end ? Date.parse(row.end) : now;
  const kind = classOf(row.class);
  const detail = row.queue_name || row.reason || row.status_name || row.event_id || "";
  return { start, end, open: !row.end, kind, detail };
}

function line({ start, end, open, kind, detail }) {
  return make(
    "li",
    { "data-class": kind },
    make("time", {}, time(start)),
    icon(kind),
    make("span", { class: "segment-class" }, label(kind)),
    make("span", { class: "segment-detail" }, detail),
    make("span", { class: "segment-time" }, open ? "now" : duration(end - start)),
  );
}

// Reloads: asked for, watched, cancelled; and what one would change.

import { get, request } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, many, moment } from "../lib/format.js";
import { mayRepair, whoAmI } from "../lib/session.js";
import { DataTable } from "../reports/data-table.js";
import { aboutOf, isUnderWay, outcomeOf, requestOf, stateOf } from "./progress.js";

const SOON = 1500;
const EVERY = 15_000;
const PAGE = 50;
/** So many changes at once: more are slow to draw, and a file of them is to be had from the API. */
const MOST_CHANGES = 500;

export class Reloads {
  #csrf = null;
  #may = false;
  #timer = 0;
  #table;

  constructor() {
    this.#table = new DataTable(byId("reloads"), this.#columns(), {
      key: ({ id }) => String(id),
      caption: "Reloads",
      sort: "-at",
      decorate: (element, { state }) => setAttribute(element, "data-state", state),
    });
    byId("reload").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#start();
    });
    byId("preview").addEventListener("click", () => void this.#preview());
    void this.#ask();
    void this.#look();
  }

  /** @param {string[]} sources */
  offer(sources) {
    const select = byId("reload-source");
    if (select.dataset.drawn === sources.join()) return;
    select.dataset.drawn = sources.join();
    select.replaceChildren(...sources.map((value) => make("option", { value }, value)));
  }

  async #ask() {
    try {
      const session = await whoAmI();
      this.#csrf = session.csrf;
      this.#may = mayRepair(session);
      byId("reload").hidden = !this.#may;
    } catch {
      // The views say what is wrong with the hub; nobody who is not known repairs anything.
    }
  }

  async #look() {
    clearTimeout(this.#timer);
    let active = false;
    try {
      const { reloads } = await get("reloads", { limit: PAGE });
      active = reloads.some(isUnderWay);
      this.#table.show(reloads);
      byId("reloads").hidden = reloads.length === 0;
      byId("no-reloads").hidden = reloads.length > 0;
    } catch {
      // The page says by itself that the hub does not answer.
    }
    this.#timer = setTimeout(() => void this.#look(), active ? SOON : EVERY);
  }

  #wanted() {
    const field = (name) => byId(`reload-${name}`).value.trim();
    const [source, from, to, queues, agents] = ["source", "from", "to", "queues", "agents"].map(field);
    return requestOf({ source, from, to, queues, agents }, byId("reload-told").value);
  }

  async #start() {
    try {
      await request("POST", "reloads", { body: this.#wanted(), csrf: this.#csrf });
      this.#tell("good", "It is asked for, and begins when no other one of the source is under way.");
    } catch (error) {
      this.#tell("bad", error.message);
    }
    await this.#look();
  }

  async #cancel(id) {
    try {
      await request("DELETE", `reloads/${id}`, { csrf: this.#csrf });
      this.#tell("good", "It is being cancelled: days that were swapped stay so, all others are as they were.");
    } catch (error) {
      this.#tell("bad", error.message);
    }
    await this.#look();
  }

  async #preview() {
    if (!byId("reload").reportValidity()) return;
    byId("preview").disabled = true;
    this.#tell("", "Comparing; this may take some minutes …");
    try {
      const report = await request("POST", "reloads/preview", { body: this.#wanted(), csrf: this.#csrf });
      this.#tell("", "");
      showChanges(report);
    } catch (error) {
      this.#tell("bad", error.message);
    }
    byId("preview").disabled = false;
  }

  #tell(kind, words) {
    setAttribute(byId("reload-outcome"), "data-kind", kind || null);
    setText(byId("reload-outcome"), words);
  }

  #columns() {
    return [
      {
        id: "at",
        label: "Asked for",
        value: ({ at }) => Date.parse(at),
        text: ({ at }) => moment(Date.parse(at), now()),
      },
      {
        id: "days",
        label: "Days",
        value: ({ from }) => from,
        text: ({ from, to }) => (from === to ? from : `${from} to ${to}`),
      },
      { id: "source", label: "Source", value: ({ source }) => source },
      {
        id: "about",
        label: "About",
        value: ({ queues, agents }) => [...queues, ...agents].join(", "),
        text: aboutOf,
      },
      {
        id: "state",
        label: "How far",
        value: ({ state }) => state,
        fill: (cell, reload) => this.#fillState(cell, reload),
      },
      {
        id: "outcome",
        label: "What came of it",
        value: outcomeOf,
        fill: (cell, reload) => {
          cell.classList.add("said");
          setText(cell, outcomeOf(reload));
        },
      },
      { id: "by", label: "By", value: ({ by }) => by },
    ];
  }

  #fillState(cell, reload) {
    if (cell.childElementCount === 0) {
      const cancel = make("button", { type: "button", class: "quiet" }, "Cancel");
      cancel.addEventListener("click", () => void this.#cancel(Number(cell.parentElement.dataset.key)));
      cell.append(make("progress", { max: 1 }), make("span", { class: "state" }), cancel);
    }
    const [bar, words, cancel] = cell.children;
    const underWay = isUnderWay(reload);
    bar.hidden = !underWay;
    setAttribute(bar, "value", reload.days > 0 ? reload.days_done / reload.days : 0);
    setAttribute(bar, "aria-label", `Days of the reload of ${reload.source}`);
    setText(words, stateOf(reload));
    cancel.hidden = !this.#may || !underWay || reload.state === "cancelling";
  }
}

function showChanges({ columns, rows }) {
  const shown = rows.slice(0, MOST_CHANGES);
  const more = rows.length > shown.length ? ` The first ${count(shown.length)} are shown.` : "";
  setText(
    byId("changes-words"),
    rows.length === 0 ? "Nothing: all rows are as they would be made." : `${many(rows.length, "change")}.${more}`,
  );
  const head = columns.map((column) => make("th", { scope: "col" }, column.replaceAll("_", " ")));
  const body = shown.map((row) => make("tr", {}, ...columns.map((column) => make("td", {}, textOf(row[column])))));
  byId("changes-rows").replaceChildren(
    ...(rows.length === 0
      ? []
      : [make("table", { class: "data" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body))]),
  );
  byId("changes").showModal();
}

function textOf(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

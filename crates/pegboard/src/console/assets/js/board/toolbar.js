// Search, choices and switches above the table, and the address of the page, which says the same.

import { byId, make, setText } from "../lib/dom.js";
import { count, many } from "../lib/format.js";
import { fromAddress, narrows, toAddress } from "./filter.js";

export class Toolbar {
  /** @type {import("./filter.js").Filter} */
  filter = fromAddress(location.search);
  #changed;

  /** @param {() => void} changed called when the filter has changed */
  constructor(changed) {
    this.#changed = changed;
    byId("search").addEventListener("input", () => this.set({ text: byId("search").value }));
    byId("team").addEventListener("change", () => this.set({ team: byId("team").value }));
    byId("source").addEventListener("change", () => this.set({ source: byId("source").value }));
    byId("grouped").addEventListener("change", () => this.set({ grouped: byId("grouped").checked }));
    byId("signed-out").addEventListener("change", () => this.set({ signedOut: byId("signed-out").checked }));
    byId("clear").addEventListener("click", () => this.clear());
    addEventListener("popstate", () => {
      this.filter = fromAddress(location.search);
      this.#show();
      this.#changed();
    });
    this.#show();
  }

  /** @param {Partial<import("./filter.js").Filter>} part */
  set(part) {
    Object.assign(this.filter, part);
    history.replaceState(null, "", location.pathname + toAddress(this.filter));
    this.#show();
    this.#changed();
  }

  /** @param {import("../lib/classes.js").Class} id */
  toggleClass(id) {
    const classes = new Set(this.filter.classes);
    if (!classes.delete(id)) classes.add(id);
    this.set({ classes });
  }

  /** The first click sorts up, the second down; by time the other way round: who sorts by it looks for the longest. @param {string} column */
  sortBy(column) {
    const { sort, descending } = this.filter;
    this.set({ sort: column, descending: sort === column ? !descending : column === "since" });
  }

  /** Shows everybody again. */
  clear() {
    this.set({ classes: new Set(), text: "", team: "", source: "" });
  }

  /**
   * What there is to choose from, and how much of it is shown.
   * @param {{ teams: string[], sources: string[], shown: number, total: number }} numbers
   */
  offer({ teams, sources, shown, total }) {
    offerAll(byId("team"), teams, this.filter.team);
    offerAll(byId("source"), sources, this.filter.source);
    byId("source-label").hidden = sources.length < 2;
    byId("team-label").hidden = teams.length < 2;
    setText(byId("count"), shown === total ? many(total, "agent") : `${count(shown)} of ${many(total, "agent")}`);
  }

  #show() {
    const { filter } = this;
    if (byId("search").value !== filter.text) byId("search").value = filter.text;
    byId("team").value = filter.team;
    byId("source").value = filter.source;
    byId("grouped").checked = filter.grouped;
    byId("signed-out").checked = filter.signedOut;
    byId("clear").hidden = !narrows(filter);
  }
}

function offerAll(select, values, chosen) {
  const wanted = chosen === "" || values.includes(chosen) ? values : [...values, chosen];
  const drawn = wanted.join("\n");
  if (select.dataset.drawn === drawn) return;
  select.dataset.drawn = drawn;
  select.replaceChildren(select.options[0], ...wanted.map((value) => make("option", { value }, value)));
  select.value = chosen;
}

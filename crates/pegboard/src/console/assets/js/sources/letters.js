// The dead letters: records that could not be used, newest first.

import { get } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { byId, make } from "../lib/dom.js";
import { moment } from "../lib/format.js";

const PAGE = 50;

export class Letters {
  #body = make("tbody");
  #none = make("p", { class: "none" }, "None. Every record that came could be used.");
  #seen = null;
  #next = null;
  #shown = new Set();

  constructor() {
    const heads = ["When", "Source", "Where", "Why"].map((label) => make("th", { scope: "col" }, label));
    byId("letters").append(
      make("table", { class: "data letters" }, make("thead", {}, make("tr", {}, ...heads)), this.#body),
      this.#none,
    );
    byId("older").addEventListener("click", () => void this.#older());
  }

  /** Looks for new ones, if there can be any. @param {number} failed how many records have failed so far */
  async refresh(failed) {
    if (failed === this.#seen) return;
    const { dead_letters: letters, next } = await get("dead-letters", { limit: PAGE });
    const first = this.#seen === null;
    this.#seen = failed;
    this.#body.prepend(...this.#rows(letters));
    if (first) this.#offer(next);
    this.#none.hidden = this.#shown.size > 0;
    this.#body.parentElement.hidden = this.#shown.size === 0;
  }

  async #older() {
    const button = byId("older");
    button.disabled = true;
    try {
      const { dead_letters: letters, next } = await get("dead-letters", { limit: PAGE, before: this.#next });
      this.#body.append(...this.#rows(letters));
      this.#offer(next);
    } catch {
      // The page says by itself that the hub does not answer; the button is there to try again.
    }
    button.disabled = false;
  }

  #offer(next) {
    this.#next = next;
    byId("older").hidden = next === null || next === undefined;
  }

  #rows(letters) {
    return letters
      .filter(({ id }) => !this.#shown.has(id))
      .map((letter) => {
        this.#shown.add(letter.id);
        return row(letter);
      });
  }
}

function row({ at, source, partition, position, reason, payload }) {
  const why = make("td", { class: "reason" }, make("span", {}, reason));
  if (payload) why.append(make("details", {}, make("summary", {}, "The record"), make("pre", {}, payload)));
  return make(
    "tr",
    {},
    make("td", { class: "when" }, moment(Date.parse(at), now())),
    make("td", {}, source),
    make("td", { class: "position" }, make("span", {}, partition), make("span", { class: "hint" }, String(position))),
    why,
  );
}

// The versions of a table: each as a file, and brought back; and the table given back to the folder.

import { getText } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { many, moment } from "../lib/format.js";
import { TABLES } from "./tables.js";

export class History {
  #options;
  #table = "states";
  #mayGiveBack = false;
  /** Whether it was asked whether it is meant. */
  #asked = false;

  /**
   * @param {object} options
   * @param {boolean} options.may the reader may edit
   * @param {(table: string) => string} options.path of a table in the API
   * @param {(table: string, title: string, csv: string) => Promise<void>} options.offer shows what a version would change
   * @param {(table: string) => Promise<void>} options.giveBack lets the folder hold again
   * @param {(words: string) => Promise<void>} options.changed the table is another
   */
  constructor(options) {
    this.#options = options;
    byId("give-back").addEventListener("click", () => void this.#giveBack());
  }

  /** @param {object} about the table as the list of tables has it */
  open({ table, holds, versions, folder_rows: rows }) {
    this.#table = table;
    this.#asked = false;
    this.#tell("");
    setText(byId("history-title"), `Versions · ${TABLES[table].title}`);
    byId("versions").replaceChildren(...versions.map((version, index) => this.#line(version, index === 0 && holds === "edited")));
    byId("no-versions").hidden = versions.length > 0;
    this.#mayGiveBack = this.#options.may && holds === "edited";
    byId("give-back").hidden = !this.#mayGiveBack;
    setText(byId("give-back"), "Give back to the folder");
    byId("give-back").dataset.rows = rows === null ? "no row" : many(rows, "row");
    byId("history").showModal();
  }

  #line({ version, at, by, rows }, holds) {
    const when = moment(Date.parse(at), now());
    const what = rows === null ? "given back to the folder" : many(rows, "row");
    const words = make("span", {}, make("b", {}, `Version ${version}`), ` · ${when}, by ${by}: ${what}${holds ? ", holds" : ""}`);
    if (rows === null) return make("li", {}, words);
    const address = `/api/v1/${this.#options.path(this.#table)}?format=csv&version=${version}`;
    const file = make("a", { class: "button", href: address, download: "" }, "CSV");
    setAttribute(file, "aria-label", `Version ${version} as CSV`);
    const back = make("button", { type: "button", "aria-label": `Bring back version ${version}` }, "Bring back …");
    back.addEventListener("click", () => void this.#bringBack(version));
    return make("li", {}, words, make("span", { class: "buttons" }, file, ...(holds || !this.#options.may ? [] : [back])));
  }

  async #bringBack(version) {
    try {
      const csv = await getText(this.#options.path(this.#table), { format: "csv", version });
      byId("history").close();
      await this.#options.offer(this.#table, `Version ${version} again · ${TABLES[this.#table].title}`, csv);
    } catch (error) {
      this.#tell(error.message);
    }
  }

  async #giveBack() {
    if (!this.#asked) {
      this.#asked = true;
      setText(byId("give-back"), `Really: ${byId("give-back").dataset.rows} of the folder hold then`);
      return;
    }
    try {
      await this.#options.giveBack(this.#table);
      byId("history").close();
      await this.#options.changed("Given back: what the folder of the configuration says holds again.");
    } catch (error) {
      this.#tell(error.message);
    }
  }

  #tell(words) {
    setAttribute(byId("history-outcome"), "data-kind", words ? "bad" : null);
    setText(byId("history-outcome"), words);
  }
}

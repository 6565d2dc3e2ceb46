// One row of a table: made, changed, or removed.

import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { NONE, count } from "../lib/format.js";
import { TABLES } from "./tables.js";

export class RowForm {
  #options;
  #table = "states";
  #version = 0;
  #isNew = true;
  /** Whether it was told that there is a row for the same. */
  #warned = false;

  /**
   * @param {object} options
   * @param {(table: string, what: object) => Promise<object>} options.ask edits a row, or only says what that would change
   * @param {(table: string) => number} options.version that the reader sees
   * @param {(words: string) => Promise<void>} options.changed the table is another
   */
  constructor(options) {
    this.#options = options;
    byId("row-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#act(() => this.#save());
    });
    byId("row-fields").addEventListener("input", () => {
      this.#warned = false;
    });
    byId("row-remove").addEventListener("click", () => void this.#act(() => this.#remove()));
    byId("row-close").addEventListener("click", () => byId("row").close());
  }

  /** @param {string} table @param {object} row what it says to begin with @param {boolean} isNew no row says so yet */
  open(table, row, isNew) {
    this.#table = table;
    this.#version = this.#options.version(table);
    this.#isNew = isNew;
    this.#warned = false;
    this.#tell("", "");
    setText(byId("row-title"), isNew ? `New row · ${TABLES[table].title}` : `A row · ${TABLES[table].title}`);
    byId("row-fixed").hidden = isNew;
    byId("row-remove").hidden = isNew;
    byId("row-fields").replaceChildren(...TABLES[table].fields.map((field) => labelled(field, row[field.id] ?? "", isNew)));
    byId("row").showModal();
    // A name that was seen is given: what is left to say is what the WFM calls it.
    const first = TABLES[table].fields.find(({ id, wfm }) => wfm && (!isNew || row[id] !== undefined));
    const field = byId("row-fields").querySelector(first ? `[name="${first.id}"]` : "input");
    field.focus();
    field.select?.();
  }

  #row() {
    const fields = [...byId("row-fields").querySelectorAll("input, select")];
    return Object.fromEntries(fields.map(({ name, value }) => [name, value.trim()]));
  }

  async #save() {
    const row = this.#row();
    const would = await this.#options.ask(this.#table, { set: row, version: this.#version, dry_run: true });
    if (would.faults.length > 0) return this.#tell("bad", would.faults.map(wordsOf).join(" "));
    if (this.#isNew && would.changed > 0 && !this.#warned) {
      this.#warned = true;
      const said = would.rows[0].before.filter(Boolean).join(", ");
      return this.#tell("bad", `There is a row for the same already: ${said}. Save again to replace it.`);
    }
    const { names } = await this.#options.ask(this.#table, { set: row, version: this.#version });
    return this.#end(`Saved. ${names > 0 ? `${count(names)} of the names that wait get a row by it.` : ""}`);
  }

  async #remove() {
    await this.#options.ask(this.#table, { remove: this.#row(), version: this.#version });
    return this.#end("Removed: what it named keeps its own name, or waits.");
  }

  async #end(words) {
    byId("row").close();
    await this.#options.changed(words.trim());
  }

  async #act(act) {
    this.#busy(true);
    try {
      await act();
    } catch (error) {
      this.#tell("bad", error.message);
      if (error.status === 409) {
        await this.#options.changed("");
        this.#version = this.#options.version(this.#table);
      }
    }
    this.#busy(false);
  }

  #busy(busy) {
    for (const button of byId("row-form").querySelectorAll("button")) button.disabled = busy;
  }

  #tell(kind, words) {
    setAttribute(byId("row-outcome"), "data-kind", kind || null);
    setText(byId("row-outcome"), words);
  }
}

function wordsOf({ message, help }) {
  return [message, ...help].map((text) => `${text}.`).join(" ");
}

/** A field; of a row that is there, what it is for stays as it is. */
function labelled({ id, label, hint, required, wfm, choices }, value, isNew) {
  const fixed = !isNew && !wfm;
  const attributes = { name: id, required: required && !fixed, placeholder: hint, autocomplete: "off", maxlength: 500 };
  if (choices && !fixed) {
    // What stands there may be written otherwise.
    const known = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
    const offered = known === undefined ? [value, ...choices] : choices;
    const options = offered.map((choice) =>
      make("option", { value: choice, selected: choice === (known ?? value) }, choice === "" ? NONE : choice),
    );
    return make("label", {}, make("span", {}, label), make("select", { name: id }, ...options));
  }
  return make("label", {}, make("span", {}, label), make("input", { ...attributes, value, readonly: fixed }));
}

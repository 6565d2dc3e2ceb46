// A whole table as CSV: what it would change is shown first, then it is applied as it was shown.

import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, many } from "../lib/format.js";
import { TABLES } from "./tables.js";

/** So many changes, names and faults are drawn; all are counted. */
const MOST_SHOWN = 200;
const CHANGES = { added: "Added", changed: "Changed", removed: "Removed" };

export class Importing {
  #options;
  #table = "states";
  /** What was shown: the table, and the version that it was compared with. @type {{ csv: string, version: number } | null} */
  #shown = null;

  /**
   * @param {object} options
   * @param {(table: string, what: object) => Promise<object>} options.ask imports a table, or only says what that would change
   * @param {(words: string) => Promise<void>} options.changed the table is another
   */
  constructor(options) {
    this.#options = options;
    byId("import-file").addEventListener("change", () => void this.#read());
    byId("import-apply").addEventListener("click", () => void this.#apply());
  }

  /** Asks for a file. @param {string} table */
  open(table) {
    this.#begin(table, `Import · ${TABLES[table].title}`);
    byId("import-choice").hidden = false;
    byId("import").showModal();
  }

  /** Shows what this table would change. @param {string} table @param {string} title @param {string} csv */
  async offer(table, title, csv) {
    this.#begin(table, title);
    byId("import-choice").hidden = true;
    byId("import").showModal();
    await this.#look(csv);
  }

  #begin(table, title) {
    this.#table = table;
    setText(byId("import-title"), title);
    byId("import-file").value = "";
    setText(byId("import-columns"), `Columns: ${TABLES[table].fields.map(({ id }) => id).join(", ")}.`);
    this.#clear();
  }

  #clear() {
    this.#shown = null;
    byId("import-apply").disabled = true;
    for (const id of ["import-faults", "import-rows", "import-names"]) byId(id).replaceChildren();
    this.#tell("", "");
  }

  async #read() {
    const [file] = byId("import-file").files;
    if (!file) return;
    this.#clear();
    let csv;
    try {
      csv = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    } catch {
      this.#tell("bad", "The file is not UTF-8: a spreadsheet can save it as “CSV UTF-8”.");
      return;
    }
    await this.#look(csv);
  }

  /** What it would change. */
  async #look(csv) {
    try {
      const would = await this.#options.ask(this.#table, { csv, dry_run: true });
      showFaults(would.faults);
      if (would.faults.length > 0) {
        this.#tell("bad", `Nothing of it can be taken: ${many(would.faults.length, "fault")}.`);
        return;
      }
      showRows(would);
      showNames(would);
      const isSame = would.added + would.changed + would.removed === 0;
      this.#tell("", isSame ? "No row differs." : wordsOf(would));
      this.#shown = { csv, version: would.version };
      byId("import-apply").disabled = isSame;
    } catch (error) {
      this.#tell("bad", error.message);
    }
  }

  async #apply() {
    byId("import-apply").disabled = true;
    const { csv, version } = this.#shown;
    try {
      const done = await this.#options.ask(this.#table, { csv, version });
      byId("import").close();
      await this.#options.changed(`Version ${done.version}: ${wordsOf(done)}`);
    } catch (error) {
      // Who was faster is not overwritten: what would change now is shown.
      if (error.status === 409) await this.#look(csv);
      this.#tell("bad", error.message);
    }
  }

  #tell(kind, words) {
    setAttribute(byId("import-outcome"), "data-kind", kind || null);
    setText(byId("import-outcome"), words);
  }
}

function wordsOf({ added, changed, removed, names }) {
  const rows = `${many(added, "row")} added, ${count(changed)} changed, ${count(removed)} removed.`;
  return names === 0 ? rows : `${rows} ${many(names, "name")} that ${names === 1 ? "waits gets" : "wait get"} a row.`;
}

function showFaults(faults) {
  const lines = faults.slice(0, MOST_SHOWN).map(({ line, column, message, help }) => [
    String(line ?? ""),
    String(column ?? ""),
    make("span", { class: "block" }, [message, ...help].join("; ")),
  ]);
  byId("import-faults").replaceChildren(...(lines.length === 0 ? [] : [sheet("Faults", ["Line", "Column", "What is wrong"], lines)]));
}

function showRows({ columns, rows }) {
  const lines = rows.slice(0, MOST_SHOWN).map(({ change, line, before, after }) => [
    make("span", { class: "tag" }, CHANGES[change]),
    String(line),
    ...columns.map((_, index) => difference(before?.[index], after?.[index])),
  ]);
  const heads = ["Change", "Line", ...columns];
  const more = rows.length > MOST_SHOWN ? [make("p", { class: "hint" }, `The first ${count(MOST_SHOWN)} are shown.`)] : [];
  byId("import-rows").replaceChildren(...(lines.length === 0 ? [] : [sheet("Rows", heads, lines), ...more]));
}

/** A cell as it was and as it is then. */
function difference(before, after) {
  if (before === after || before === undefined || before === "") return make("span", {}, after ?? "");
  if (after === undefined) return make("s", {}, before);
  return make("span", { class: "change" }, make("s", {}, before), " ", make("b", {}, after));
}

function showNames({ names, maps }) {
  if (names === 0) return;
  const words = maps.slice(0, MOST_SHOWN).map(({ id, detail }) => [id || "in no queue", detail].filter(Boolean).join(" · "));
  byId("import-names").replaceChildren(
    make("h3", {}, "Names that get a row"),
    make("p", {}, words.join(", ") + (names > words.length ? ", and more" : "")),
  );
}

function sheet(caption, heads, lines) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = lines.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))));
  const title = make("caption", { class: "sr-only" }, caption);
  const table = make("table", { class: "data" }, title, make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "table-wrap short", tabindex: "0", role: "group", "aria-label": caption }, table);
}

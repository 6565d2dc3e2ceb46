// The dead letters: how many for which reason, and each with its place, its record and what to do.

import { get } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { byId, make, setText } from "../lib/dom.js";
import { count, many, moment } from "../lib/format.js";
import { DataTable } from "../reports/data-table.js";
import { parameter, setParameter } from "../reports/page.js";
import { Mending } from "./mending.js";
import { adviceOf, byKind, kindOf, linesAround, placeOf, problemOf } from "./reasons.js";

const PAGE = 100;

export class Letters {
  /** Newest first. @type {object[]} */
  #letters = [];
  #next = null;
  #kind = null;
  #source = parameter("source") ?? "";
  #open = null;
  #mending = new Mending((id) => this.#gone(id));
  #reasons = new DataTable(byId("reasons"), REASONS, {
    key: ({ kind }) => kind,
    caption: "Reasons",
    sort: "-number",
    choose: (kind) => this.#choose(kind === this.#kind ? null : kind),
  });
  #list = new DataTable(byId("letters"), LETTERS, {
    key: ({ id }) => String(id),
    caption: "Dead letters",
    sort: "-at",
    choose: (id) => {
      setText(byId("outcome"), "");
      this.#show(Number(id));
    },
  });

  constructor() {
    byId("older").addEventListener("click", () => void this.#older());
    byId("source").addEventListener("change", () => {
      this.#source = byId("source").value;
      setParameter("source", this.#source);
      this.#letters = [];
      this.#next = null;
      void this.refresh();
    });
    byId("letter-previous").addEventListener("click", () => this.#step(-1));
    byId("letter-next").addEventListener("click", () => this.#step(1));
    byId("letter").addEventListener("close", () => {
      this.#open = null;
    });
    byId("letter").addEventListener("keydown", (event) => {
      if (event.target.matches("input")) return;
      if (event.key === "ArrowLeft") this.#step(-1);
      if (event.key === "ArrowRight") this.#step(1);
    });
  }

  /** @param {string[]} sources */
  offer(sources) {
    const select = byId("source");
    if (select.dataset.drawn === sources.join()) return;
    select.dataset.drawn = sources.join();
    select.replaceChildren(select.options[0], ...sources.map((value) => make("option", { value }, value)));
    select.value = this.#source;
  }

  /** Looks for new ones. */
  async refresh() {
    const source = this.#source;
    const { dead_letters: letters, next } = await get("dead-letters", { source, limit: PAGE });
    if (source !== this.#source) return;
    // Of those on the newest page the ones that are no longer there were retried or dropped meanwhile.
    const oldest = letters.at(-1)?.id ?? Infinity;
    const goesOn = this.#letters.some(({ id }) => id >= oldest) && next !== null && next !== undefined;
    const older = goesOn ? this.#letters.filter(({ id }) => id < oldest) : [];
    this.#letters = [...letters, ...older];
    if (older.length === 0) this.#next = next ?? null;
    this.#draw();
  }

  async #older() {
    const button = byId("older");
    button.disabled = true;
    try {
      const { dead_letters: letters, next } = await get("dead-letters", {
        source: this.#source,
        limit: PAGE,
        before: this.#next,
      });
      this.#letters.push(...letters);
      this.#next = next ?? null;
      this.#draw();
    } catch {
      // The page says by itself that the hub does not answer; the button is there to try again.
    }
    button.disabled = false;
  }

  #choose(kind) {
    this.#kind = kind;
    this.#draw();
  }

  #draw() {
    const kinds = byKind(this.#letters);
    if (!kinds.some(({ kind }) => kind === this.#kind)) this.#kind = null;
    this.#reasons.show(kinds);
    this.#reasons.mark(this.#kind === null ? [] : [this.#kind]);
    this.#list.show(this.#chosen());
    const more = this.#next === null ? "" : " so far";
    setText(byId("list-title"), this.#kind === null ? "Newest first" : "For the chosen reason");
    setText(byId("letters-title"), `Dead letters · ${count(this.#letters.length)}${more}`);
    byId("older").hidden = this.#next === null;
    const sources = new Set(this.#letters.map(({ source }) => source));
    byId("letters").classList.toggle("one-source", sources.size < 2);
    byId("letters-pair").hidden = this.#letters.length === 0;
    byId("no-letters").hidden = this.#letters.length > 0;
  }

  #chosen() {
    return this.#letters.filter(({ reason }) => this.#kind === null || kindOf(reason) === this.#kind);
  }

  /** It was mended or dropped: the next one comes, so that whoever goes through them goes on. */
  #gone(id) {
    const chosen = this.#chosen();
    const at = chosen.findIndex((letter) => letter.id === id);
    this.#letters = this.#letters.filter((letter) => letter.id !== id);
    this.#draw();
    const next = this.#chosen()[at] ?? this.#chosen()[at - 1];
    if (next && this.#open === id) this.#show(next.id);
    else if (this.#open === id) byId("letter").close();
  }

  #step(by) {
    setText(byId("outcome"), "");
    const chosen = this.#chosen();
    const to = chosen[chosen.findIndex(({ id }) => id === this.#open) + by];
    if (to) this.#show(to.id);
  }

  #show(id) {
    const chosen = this.#chosen();
    const at = chosen.findIndex((letter) => letter.id === id);
    const letter = chosen[at];
    if (!letter) return;
    this.#open = id;
    fillLetter(letter);
    this.#mending.offer(id);
    byId("letter-previous").disabled = at === 0;
    byId("letter-next").disabled = at === chosen.length - 1;
    if (!byId("letter").open) byId("letter").showModal();
  }
}

const REASONS = [
  { id: "kind", label: "Reason", value: ({ kind }) => kind },
  { id: "number", label: "How many", number: true, value: ({ letters }) => letters.length },
  { id: "latest", label: "Last", value: ({ latest }) => latest, text: ({ latest }) => moment(latest, now()) },
];
const LETTERS = [
  { id: "at", label: "When", value: ({ at }) => Date.parse(at), text: ({ at }) => moment(Date.parse(at), now()) },
  { id: "source", label: "Source", value: ({ source }) => source },
  {
    id: "reason",
    label: "Why",
    value: ({ reason }) => reason,
    fill: (cell, { reason }) => {
      cell.classList.add("why");
      setText(cell, problemOf(reason));
    },
  },
];

function fillLetter({ at, source, partition, position, reason, payload, encoding, tries, tried }) {
  const place = placeOf(reason);
  const facts = [
    ["When", moment(Date.parse(at), now())],
    ["Source", source],
    ["Partition", partition, "position"],
    ["Position", String(position), "position"],
    ...(tries > 1
      ? [["Tried", `${many(tries, "time")}${tried ? `, last ${moment(Date.parse(tried), now())}` : ""}`]]
      : []),
    ...(place.line === null ? [] : [["Line", String(place.line)]]),
    ...(place.column === null ? [] : [["Column", String(place.column)]]),
  ];
  setText(byId("letter-reason"), reason);
  byId("letter-facts").replaceChildren(
    ...facts.flatMap(([label, value, kind]) => [make("dt", {}, label), make("dd", { class: kind }, value)]),
  );
  setText(byId("letter-advice"), adviceOf(reason));
  byId("letter-record").replaceChildren(record(payload, encoding, place));
}

function record(payload, encoding, { line: wrong }) {
  if (payload === undefined)
    return make("p", { class: "hint" }, "It may name people, so that only operators and admins see it.");
  if (payload === "") return make("p", { class: "hint" }, "Nothing of it is kept: the reason says where it stood.");
  if (encoding === "base64") return make("div", { class: "record", tabindex: "0" }, make("div", {}, payload));
  const lines = linesAround(payload, wrong).map(({ number, text, wrong: broken }) =>
    make("div", { class: broken ? "broken" : null }, make("span", { class: "line-number" }, String(number)), text),
  );
  return make("div", { class: "record", tabindex: "0", role: "group", "aria-label": "The record" }, ...lines);
}

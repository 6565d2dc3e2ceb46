// Where the ACD's own rows differ from the computed ones, and why.

import { byId, make, setText } from "../lib/dom.js";
import { count, date, interval } from "../lib/format.js";
import { DataTable } from "../reports/data-table.js";
import { parameter, setParameter } from "../reports/page.js";
import { amount, isUnexplained, narrowed, signed, tallied } from "./differences.js";

/** So many rows at once: more are slow to draw, and nobody reads them. */
const PAGE = 200;

export class Reconciliation {
  #rows = [];
  #shown = PAGE;
  #table;
  #ask;

  /** @param {() => void} ask asks the hub again */
  constructor(ask) {
    this.#ask = ask;
    this.#table = new DataTable(byId("differences"), COLUMNS, {
      key: ({ key }) => key,
      caption: "Numbers of the ACD beside the computed ones",
      sort: "-start",
      decorate: (element, { row }) => element.classList.toggle("agrees", row.agrees === true),
    });
    byId("tools").addEventListener("submit", (event) => event.preventDefault());
    this.#bind("find", "find", "input", () => this.#narrow());
    this.#bind("report", "report", "change", () => this.#narrow());
    this.#bind("by", "by", "change", ask, "interval");
    this.#bind("tolerance", "tolerance", "change", ask, "1");
    this.#check("unexplained", () => this.#narrow());
    this.#check("differing", ask);
    byId("more").addEventListener("click", () => {
      this.#shown += PAGE;
      this.#draw();
    });
  }

  /** What the hub is asked for. */
  get query() {
    const tolerance = byId("tolerance");
    return {
      by: byId("by").value,
      tolerance: tolerance.validity.valid && tolerance.value !== "" ? tolerance.value : 1,
      agreeing: byId("differing").checked ? null : "true",
    };
  }

  /** @param {object[]} rows of `reconciliation` */
  show(rows) {
    this.#rows = rows;
    this.#offerReports();
    this.#draw();
  }

  /** The hub would not tell. @param {Error} error */
  fail(error) {
    this.#rows = [];
    this.#draw();
    byId("no-differences").hidden = false;
    setText(byId("no-differences"), `The hub did not compare: ${error.message}.`);
  }

  #bind(id, name, event, act, usual = "") {
    const field = byId(id);
    if (parameter(name) !== null) field.value = parameter(name);
    field.addEventListener(event, () => {
      setParameter(name, field.value === usual ? null : field.value);
      act();
    });
  }

  #check(id, act) {
    const box = byId(id);
    const usual = box.checked;
    if (parameter(id) !== null) box.checked = parameter(id) === "true";
    box.addEventListener("change", () => {
      setParameter(id, box.checked === usual ? null : String(box.checked));
      act();
    });
  }

  #narrow() {
    this.#shown = PAGE;
    this.#draw();
  }

  #offerReports() {
    const select = byId("report");
    const wanted = parameter("report") ?? select.value;
    const reports = [...new Set(this.#rows.map(({ report }) => report)), wanted].filter(Boolean);
    const names = [...new Set(reports)].sort();
    if (select.dataset.drawn === names.join()) return;
    select.dataset.drawn = names.join();
    select.replaceChildren(select.options[0], ...names.map((value) => make("option", { value }, value)));
    select.value = wanted;
  }

  #draw() {
    const [find, report] = [byId("find").value, byId("report").value];
    const rows = narrowed(this.#rows, { find, report, unexplained: byId("unexplained").checked });
    const byDay = byId("by").value === "day";
    // The largest differences first, so that what is left out is what matters least.
    const largest = rows.toSorted((a, b) => Math.abs(b.difference) - Math.abs(a.difference)).slice(0, this.#shown);
    this.#table.show(largest.map((row) => entry(row, byDay)));
    this.#tell(tallied(rows), largest.length);
    byId("differences").classList.toggle("one-source", new Set(this.#rows.map(({ source }) => source)).size < 2);
    byId("differences").hidden = rows.length === 0;
    byId("no-differences").hidden = rows.length > 0;
    setText(
      byId("no-differences"),
      this.#rows.length > 0
        ? "Nothing is like that."
        : "No difference: either both agree, or no report of the ACD has told of this window (the completeness above says which).",
    );
    byId("more").hidden = largest.length >= rows.length;
  }

  #tell({ compared, differences, unexplained, reasons, queues, agents }, shown) {
    const figure = (value, words, open = false) =>
      make("span", { class: open ? "open" : null }, make("b", {}, count(value)), words);
    const parts = [
      ...(compared > differences ? [figure(compared, "numbers compared")] : []),
      figure(differences, "differ"),
      figure(unexplained, "without a known reason", unexplained > 0),
      ...[...reasons].map(([kind, value]) => figure(value, `by ${kind.replaceAll("_", " ")}`)),
      figure(queues, "queues"),
      figure(agents, "agents"),
    ];
    if (shown < compared) parts.push(make("span", {}, `The ${count(shown)} largest are shown.`));
    byId("tally").replaceChildren(...parts);
  }
}

const COLUMNS = [
  { id: "start", label: "When", value: ({ start }) => start, text: ({ when }) => when },
  { id: "queue", label: "Queue", value: ({ row }) => row.queue_name || row.queue_id },
  { id: "agent", label: "Agent", value: ({ row }) => row.agent_login || row.agent_id },
  { id: "channel", label: "Channel", value: ({ row }) => [row.channel, row.direction].filter(Boolean).join(" ") },
  { id: "measure", label: "Measure", value: ({ row }) => row.measure },
  number("acd", "ACD", ({ row }) => row.acd, amount),
  number("computed", "Computed", ({ row }) => row.computed, amount),
  number("difference", "Difference", ({ row }) => row.difference, signed, "The ACD's less the computed one"),
  { id: "reason", label: "Reason", value: ({ row }) => row.reason, fill: fillReason },
  { id: "acd_report", label: "ACD's report", value: ({ row }) => row.acd_report },
  { id: "source", label: "Source", value: ({ row }) => row.source },
];

function number(id, label, value, words, title) {
  return { id, label, title, number: true, value, text: (entry) => words(entry.row.measure, value(entry)) };
}

function fillReason(cell, { row }) {
  cell.classList.add("reason");
  cell.classList.toggle("unknown-reason", isUnexplained(row));
  setText(cell, row.agrees === true ? "agrees" : row.reason || "not known");
}

function entry(row, byDay) {
  const start = Date.parse(row.interval_start);
  const about = [row.source, row.report, row.acd_report, row.queue_id, row.queue_name, row.agent_id, row.agent_login];
  return {
    key: [row.interval_start, ...about, row.channel, row.direction, row.measure].join("\n"),
    start,
    when: byDay ? date(start) : `${date(start)} ${interval(start, row.interval_s * 1000)}`,
    row,
  };
}

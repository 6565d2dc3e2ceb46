// Checks: whether everything is here, and whether the ACD's own numbers agree with the computed ones.

import { get } from "../lib/api.js";
import { windowOf } from "../lib/calendar.js";
import { now } from "../lib/clock.js";
import { byId, make, setText } from "../lib/dom.js";
import { count, date, minute, moment } from "../lib/format.js";
import { showBanner, showLink, showLost, startShell } from "../lib/shell.js";
import { DataTable } from "../reports/data-table.js";
import { parameter, setParameter } from "../reports/page.js";
import { STATES, holesOf, linesOf } from "./completeness.js";
import { Reconciliation } from "./reconciliation.js";
import { Strips } from "./strips.js";

const EVERY = 60_000;
const LABELS = new Map(STATES.map(({ id, label }) => [id, label]));

const strips = new Strips();
const reconciliation = new Reconciliation(() => void look());
const holes = new DataTable(
  byId("holes"),
  [
    { id: "start", label: "From", value: ({ start }) => start, text: ({ start }) => `${date(start)} ${minute(start)}` },
    { id: "end", label: "To", value: ({ end }) => end, text: ({ end }) => `${date(end)} ${minute(end)}` },
    { id: "intervals", label: "Intervals", number: true, value: ({ intervals }) => intervals },
    { id: "state", label: "State", value: ({ state }) => LABELS.get(state) },
    { id: "report", label: "Report", value: ({ line }) => line.report },
    {
      id: "origin",
      label: "Whose",
      value: ({ line }) => (line.origin === "acd" ? `ACD · ${line.acdReport ?? ""}` : "computed"),
    },
    { id: "reason", label: "Why", value: ({ reason }) => reason },
    { id: "source", label: "Source", value: ({ line }) => line.source },
  ],
  { key: ({ line, start }) => `${line.key}\n${start}`, caption: "Stretches that are missing", sort: "-start" },
);
let heard = Date.now();
let timer = 0;
/** Counts requests, so that an answer that was overtaken changes nothing. */
let turn = 0;

async function look() {
  clearTimeout(timer);
  const mine = ++turn;
  const [begin, end] = windowOf(byId("range").value, now());
  const span = { from: new Date(begin).toISOString(), to: new Date(end).toISOString() };
  const { query } = reconciliation;
  const pairs = Object.entries({ format: "csv", spreadsheet: "true", ...span, ...query });
  byId("csv").href =
    `/api/v1/reports/reconciliation?${new URLSearchParams(pairs.filter(([, value]) => value !== null))}`;
  try {
    const { rows } = await get("reports/completeness", span);
    if (mine !== turn) return;
    heard = Date.now();
    showLink("live");
    showBanner(null);
    setText(byId("window"), `${moment(begin, end)} to ${moment(end, end)}`);
    showCompleteness(linesOf(rows, end));
    const { sources } = await get("sources");
    if (mine !== turn) return;
    showFiles(sources, end);
    await compare({ ...span, ...query }, mine);
  } catch (error) {
    if (mine !== turn) return;
    showLost(heard, error);
  }
  if (mine === turn && document.visibilityState === "visible") timer = setTimeout(() => void look(), EVERY);
}

/** A window that is too long for it is the reader's to mend, and no reason to say that the hub is away. */
async function compare(query, mine) {
  try {
    const { rows } = await get("reports/reconciliation", query);
    if (mine === turn) reconciliation.show(rows);
  } catch (error) {
    if (!(error.status >= 400 && error.status < 500)) throw error;
    if (mine === turn) reconciliation.fail(error);
  }
}

function showCompleteness(lines) {
  strips.show(lines);
  const found = lines.flatMap(holesOf);
  holes.show(found);
  byId("holes").classList.toggle("one-source", new Set(lines.map(({ source }) => source)).size < 2);
  byId("holes").hidden = found.length === 0;
  byId("no-holes").hidden = found.length > 0;
  setText(byId("holes-title"), found.length === 0 ? "What is missing" : `What is missing · ${count(found.length)}`);
}

/** Files of the ACD whose time has come. A later one may have told what they would have; where none has, it is late. */
function showFiles(sources, at) {
  const missing = sources.flatMap(({ name, missing_files: files }) =>
    (files ?? []).map((file) => ({ ...file, source: name })),
  );
  byId("files").hidden = missing.length === 0;
  byId("file-list").replaceChildren(
    ...missing.map(({ report, name, run, is_late: isLate, source }) =>
      make(
        "li",
        {},
        make("b", {}, isLate ? "Late" : "Missing"),
        ` ${report}, run of ${moment(Date.parse(run), at)} (${source}): `,
        make("code", {}, name),
      ),
    ),
  );
}

const range = byId("range");
if (["today", "yesterday", "7d"].includes(parameter("range"))) range.value = parameter("range");
range.addEventListener("change", () => {
  setParameter("range", range.value === "24h" ? null : range.value);
  void look();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void look();
});
startShell();
void look();

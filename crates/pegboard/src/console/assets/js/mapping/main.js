// Mapping: what the WFM calls states, queues and agents, kept by planners; and what nobody has named yet.

import { get } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, moment } from "../lib/format.js";
import { showBanner, showLink, showLost, startShell } from "../lib/shell.js";
import { shortcut } from "../lib/shortcuts.js";
import { Decisions } from "../delivery/decisions.js";
import { parameter, setParameter } from "../reports/page.js";
import { History } from "./history.js";
import { Importing } from "./importing.js";
import { Inbox } from "./inbox.js";
import { RowForm } from "./row-form.js";
import { TableView } from "./table-view.js";
import { TABLES, holdsIn } from "./tables.js";

const EVERY = 5000;
/** So many names without a row are shown. */
const NAMES = 500;

const decisions = new Decisions();
let sink = parameter("sink");
let table = TABLES[parameter("table")] ? parameter("table") : "states";
/** The list of tables, as of the last look. @type {Map<string, object>} */
let tables = new Map();
/** Which version of each table is drawn. @type {Map<string, string>} */
const drawn = new Map();
let views, inbox, form, importing, versions;
let heard = Date.now();
let timer = 0;
/** Counts looks, so that an answer that was overtaken changes nothing. */
let turn = 0;

const path = (name) => `sinks/${encodeURIComponent(sink)}/mapping/${name}`;
const versionOf = (name) => tables.get(name)?.version ?? 0;

async function look() {
  clearTimeout(timer);
  const mine = ++turn;
  try {
    const { sinks } = await get("sinks");
    if (mine !== turn) return;
    offerSinks(sinks.map(({ name }) => name));
    if (sink !== null) await lookAt(mine);
    if (mine !== turn) return;
    heard = Date.now();
    setText(byId("window"), sink === null ? "" : `as of ${moment(heard, heard)}`);
    showLink("live");
    showBanner(null);
  } catch (error) {
    if (mine !== turn) return;
    if (error.status === 403) showEmpty("Not for this token", error.message);
    else showLost(heard, error);
  }
  if (mine === turn && document.visibilityState === "visible") timer = setTimeout(() => void look(), EVERY);
}

/** What the page shows of the sink. */
async function lookAt(mine) {
  const base = `sinks/${encodeURIComponent(sink)}`;
  const [about, listed] = await Promise.all([get(`${base}/mapping`), get(`${base}/unmapped`, { limit: NAMES })]);
  if (mine !== turn) return;
  tables = new Map(about.tables.map((one) => [one.table, one]));
  inbox.show(listed.unmapped, listed.unmapped.length === NAMES);
  showTables();
  const { holds, version, rows } = tables.get(table);
  const stamp = [sink, holds, version, rows].join();
  if (drawn.get(table) === stamp) return;
  const whole = await get(path(table));
  if (mine !== turn) return;
  views.get(table).take(whole);
  drawn.set(table, stamp);
}

function offerSinks(names) {
  if (!names.includes(sink)) sink = names[0] ?? null;
  const select = byId("sink");
  if (select.dataset.drawn !== names.join()) {
    select.dataset.drawn = names.join();
    select.replaceChildren(...names.map((value) => make("option", { value }, value)));
  }
  if (sink !== null) select.value = sink;
  byId("sink-choice").hidden = names.length < 2;
  if (sink === null) showEmpty("Nobody is delivered to", "Add a [[sink]] to pegboard.toml; a mapping says what it calls things.");
  else showEmpty(null, "");
}

function showEmpty(title, words) {
  byId("main").classList.toggle("is-empty", title !== null);
  byId("empty").hidden = title === null;
  setText(byId("empty-title"), title ?? "");
  setText(byId("empty-words"), words);
}

/** Which tables there are, and what holds of the one that is shown. */
function showTables() {
  for (const [name, { rows }] of tables) setText(byId(`count-${name}`), count(rows));
  for (const [name, view] of views) view.showIf(name === table);
  const about = tables.get(table);
  setText(byId("holds"), holdsIn(about, (at) => moment(Date.parse(at), now())));
  byId("no-rows").hidden = about.rows > 0;
  setAttribute(byId("export"), "href", `/api/v1/${path(table)}?format=csv`);
}

function choose(name) {
  table = name;
  setParameter("table", name === "states" ? null : name);
  tell("");
  if (tables.size > 0) showTables();
  void look();
}

function tell(words) {
  setAttribute(byId("table-outcome"), "data-kind", words ? "good" : null);
  setText(byId("table-outcome"), words);
}

async function changed(words) {
  tell(words);
  await look();
}

function start() {
  const may = decisions.may;
  const editRow = (name, what) => decisions.make(sink, `mapping/${name}/rows`, what);
  const importTable = (name, what) => decisions.make(sink, `mapping/${name}`, what);
  form = new RowForm({ ask: editRow, version: versionOf, changed });
  importing = new Importing({ ask: importTable, changed });
  versions = new History({
    may,
    path,
    offer: (name, title, csv) => importing.offer(name, title, csv),
    giveBack: (name) => decisions.make(sink, `mapping/${name}`, undefined, "DELETE"),
    changed,
  });
  const edit = (name) => (may ? (row) => form.open(name, row, false) : undefined);
  views = new Map(Object.keys(TABLES).map((name) => [name, new TableView(name, edit(name))]));
  inbox = new Inbox({
    may,
    edit: ({ table: name, cells }) => form.open(name, cells, true),
    take: async ({ table: name, cells }) => {
      await editRow(name, { set: cells, version: versionOf(name) });
      await look();
    },
  });
  for (const id of ["add", "import-open"]) byId(id).hidden = !may;
  void look();
}

byId("sink").addEventListener("change", () => {
  sink = byId("sink").value;
  setParameter("sink", sink);
  void look();
});
for (const choice of document.querySelectorAll('input[name="table"]')) {
  choice.checked = choice.value === table;
  choice.addEventListener("change", () => choose(choice.value));
}
byId("search").addEventListener("input", () => {
  for (const view of views?.values() ?? []) view.filter(byId("search").value.trim());
});
byId("add").addEventListener("click", () => form.open(table, {}, true));
byId("import-open").addEventListener("click", () => importing.open(table));
byId("history-open").addEventListener("click", () => {
  if (tables.has(table)) versions.open(tables.get(table));
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && views) void look();
});
shortcut("/", "Search the table", () => byId("search").focus());
startShell();
void decisions.ask().then(start);

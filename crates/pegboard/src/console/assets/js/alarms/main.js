// Alarms: what needs somebody, since when, and who has taken notice.

import { showAlarmCount } from "../lib/alarm-count.js";
import { get } from "../lib/api.js";
import { now } from "../lib/clock.js";
import { byId, icon, make, setAttribute, setText } from "../lib/dom.js";
import { count, moment } from "../lib/format.js";
import { showBanner, showLink, showLost, startShell } from "../lib/shell.js";
import { DataTable } from "../reports/data-table.js";
import { Attending } from "./attending.js";
import { factsOf, stateOf } from "./words.js";

const EVERY = 5000;
const PAGE = 100;

const COLUMNS = [
  { id: "title", label: "What", value: ({ title }) => title },
  { id: "subject", label: "Of", value: ({ subject }) => subject },
  {
    id: "severity",
    label: "Severity",
    value: ({ severity }) => severity,
    fill: (cell, { severity }) => {
      if (cell.dataset.drawn === severity) return;
      cell.dataset.drawn = severity;
      cell.replaceChildren(make("span", { class: "severity" }, icon(severity === "critical" ? "error" : "warning"), severity));
    },
  },
  { id: "since", label: "Since", value: ({ since }) => Date.parse(since), text: ({ since }) => moment(Date.parse(since), now()) },
  { id: "state", label: "State", value: (alarm) => stateOf(alarm, now()) },
  {
    id: "text",
    label: "In words",
    value: ({ text }) => text,
    fill: (cell, { text }) => {
      cell.classList.add("told");
      setText(cell, text);
    },
  },
];

const table = new DataTable(byId("alarms"), COLUMNS, {
  key: ({ id }) => String(id),
  caption: "Alarms",
  sort: "-since",
  choose: (id) => show(Number(id)),
  decorate: (row, { severity, ended }) => {
    setAttribute(row, "data-severity", severity);
    setAttribute(row, "data-over", ended ? "" : null);
  },
});
const attending = new Attending(look);
let alarms = [];
let next = null;
let shown = null;
let heard = Date.now();

async function look() {
  const open = byId("over").checked ? null : "true";
  const page = await get("alarms", { open, limit: PAGE });
  const oldest = page.alarms.at(-1)?.id ?? Infinity;
  const older = page.next === null ? [] : alarms.filter(({ id }) => id < oldest);
  alarms = [...page.alarms, ...older];
  if (older.length === 0) next = page.next;
  heard = Date.now();
  if (open) showAlarmCount(alarms, page.next !== null);
  draw();
}

function draw() {
  table.show(alarms);
  const what = byId("over").checked ? "Open and over" : "Open";
  setText(byId("alarms-title"), `${what} · ${count(alarms.length)}${next === null ? "" : " so far"}`);
  byId("alarms").hidden = alarms.length === 0;
  byId("no-alarms").hidden = alarms.length > 0;
  byId("older").hidden = next === null;
  const alarm = alarms.find(({ id }) => id === shown);
  if (alarm) fill(alarm);
}

function show(id) {
  shown = id;
  const alarm = alarms.find((known) => known.id === id);
  if (!alarm) return;
  fill(alarm);
  if (!byId("alarm").open) byId("alarm").showModal();
}

function fill(alarm) {
  setText(byId("alarm-title"), alarm.title);
  setText(byId("alarm-text"), alarm.text);
  setText(byId("alarm-advice"), alarm.advice);
  const facts = factsOf(alarm, now());
  byId("alarm-facts").replaceChildren(...facts.flatMap(([label, value]) => [make("dt", {}, label), make("dd", {}, value)]));
  attending.offer(alarm);
}

async function goOn() {
  try {
    await look();
    setText(byId("window"), `as of ${moment(heard, heard)}`);
    showLink("live");
    showBanner(null);
  } catch (error) {
    showLost(heard, error);
  }
  setTimeout(goOn, EVERY);
}

byId("over").addEventListener("change", () => {
  alarms = [];
  look().catch(() => null);
});
byId("older").addEventListener("click", async () => {
  const open = byId("over").checked ? null : "true";
  const page = await get("alarms", { open, limit: PAGE, before: next }).catch(() => null);
  if (page === null) return; // The page says by itself that the hub does not answer.
  alarms = [...alarms, ...page.alarms];
  next = page.next;
  draw();
});
byId("alarm").addEventListener("close", () => {
  shown = null;
});

startShell();
void goOn();

// Staffing: how many positions were staffed on average, by group and interval.

import { groupBy } from "../lib/collections.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, decimal, interval, percent } from "../lib/format.js";
import { shortcut } from "../lib/shortcuts.js";
import { Chart } from "../reports/chart.js";
import { DataTable } from "../reports/data-table.js";
import { showFigures } from "../reports/figures.js";
import { grid, meanAps } from "../reports/math.js";
import { startReport } from "../reports/page.js";
import { sparkline } from "../reports/sparkline.js";

/** So many lines can be told apart, each by its colour and its dashes. */
const STYLES = [
  { colour: "available" },
  { colour: "talk", dash: [8, 4] },
  { colour: "hold", dash: [2, 3] },
  { colour: "acw", dash: [10, 3, 2, 3] },
  { colour: "ringing", dash: [5, 3] },
  { colour: "aux", dash: [12, 4] },
];

/** @type {object[]} */
let rows = [];
/** The groups that the reader chose; empty: the largest ones. */
let chosen = new Set(new URLSearchParams(location.search).getAll("group"));

const list = new DataTable(
  byId("list"),
  [
    { id: "group", label: "Group", value: ({ group }) => group, fill: fillGroup },
    { id: "course", label: "Course", value: ({ mean }) => mean, fill: (cell, { course }) => sparkline(cell, course) },
    number("now", "Now", ({ now }) => now, decimal, "Average positions staffed in the latest interval"),
    number("mean", "Average", ({ mean }) => mean, decimal, "Over the whole window"),
    number("peak", "Peak", ({ peak }) => peak, decimal, "The highest interval"),
    number(
      "ready",
      "Available",
      ({ ready }) => ready,
      percent,
      "Staffed time in an available status, of all staffed time, in the latest interval",
    ),
    number(
      "agents",
      "Agents",
      ({ agents }) => agents,
      count,
      "Distinct agents with staffed time in the latest interval",
    ),
  ],
  { key: ({ key }) => key, caption: "Groups in the window", sort: "-mean", choose: toggle },
);

const intervals = new DataTable(
  byId("intervals"),
  [
    { id: "start", label: "Interval", value: ({ start }) => start, fill: fillInterval },
    number("aps", "Positions", ({ aps }) => aps, decimal, "Average positions staffed"),
    number("staffed", "Staffed hours", ({ staffed }) => staffed / 3600, decimal, "Sum of staffed time"),
    number(
      "available",
      "Available hours",
      ({ available }) => available / 3600,
      decimal,
      "Staffed time in an available status",
    ),
  ],
  {
    key: ({ start }) => String(start),
    caption: "Intervals of the groups shown",
    sort: "-start",
    decorate: (element, { provisional }) => element.classList.toggle("provisional", provisional),
  },
);

const chart = new Chart(byId("chart"), { axis: decimal, legend: byId("legend"), series: [] });
let drawnGroups = "";

function number(id, label, value, text, title) {
  return { id, label, title, number: true, value, text: (entry) => text(value(entry)) };
}

function fillGroup(cell, { group, style }) {
  if (cell.childElementCount === 0) cell.append(make("span", { class: "swatch", "aria-hidden": "true" }), make("span"));
  setAttribute(cell.firstElementChild, "data-shown", style !== null);
  cell.firstElementChild.style.setProperty("--key", style === null ? "transparent" : `var(--${STYLES[style].colour})`);
  setText(cell.lastElementChild, group);
}

function fillInterval(cell, { start, length, provisional }) {
  if (cell.childElementCount === 0) cell.append(make("span"), make("span", { class: "tag" }, "provisional"));
  setText(cell.firstElementChild, interval(start, length));
  cell.lastElementChild.hidden = !provisional;
}

function keyOf(row) {
  return `${row.source}/${row.group}`;
}

function toggle(key) {
  const shown = new Set(chosen.size === 0 ? [] : chosen);
  if (!shown.delete(key) && shown.size < STYLES.length) shown.add(key);
  choose(shown);
}

function choose(groups) {
  chosen = groups;
  const query = new URLSearchParams(location.search);
  query.delete("group");
  for (const key of chosen) query.append("group", key);
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text && `?${text}`));
  draw();
}

function draw() {
  const slots = grid(rows);
  const several = new Set(rows.map((row) => row.source)).size > 1;
  const groups = [...groupBy(rows, keyOf)].map(([key, members]) => describe(key, members, slots, several));
  const known = groups.filter(({ key }) => chosen.has(key));
  const largest = groups.toSorted((a, b) => b.mean - a.mean || a.group.localeCompare(b.group)).slice(0, STYLES.length);
  const shown = (known.length > 0 ? known : largest).toSorted((a, b) => a.group.localeCompare(b.group));
  shown.forEach((entry, index) => {
    entry.style = index;
  });
  list.show(groups);
  list.mark(chosen);
  byId("all").hidden = chosen.size === 0;
  drawChart(shown, slots);
  drawIntervals(known.length > 0 ? known : groups, slots, known.length > 0);
  drawFigures(groups);
}

function describe(key, members, slots, several) {
  const byStart = new Map(members.map((row) => [Date.parse(row.interval_start), row]));
  const last = byStart.get(slots.at(-1).start);
  const { group, source } = members[0];
  return {
    key,
    group: `${group || "Without a group"}${several ? ` · ${source}` : ""}`,
    style: null,
    byStart,
    course: slots.map(({ start }) => byStart.get(start)?.aps ?? 0),
    now: last?.aps ?? 0,
    mean: meanAps(members),
    peak: Math.max(...members.map((row) => row.aps)),
    ready: last && last.staffed_s > 0 ? (100 * last.status_available_s) / last.staffed_s : null,
    agents: last?.agents ?? 0,
  };
}

function drawChart(shown, slots) {
  const names = shown.map(({ key }) => key).join("\n");
  if (names !== drawnGroups) {
    drawnGroups = names;
    chart.reshape(
      shown.map(({ group }, index) => ({ label: group, kind: "line", show: decimal, width: 2.2, ...STYLES[index] })),
    );
  }
  const open = rows.filter((row) => row.provisional).map((row) => Date.parse(row.interval_start));
  chart.show(
    slots,
    shown.map(({ course }) => course),
    { open: open.length > 0 ? Math.min(...open) : undefined },
  );
}

function drawIntervals(groups, slots, some) {
  setText(
    byId("intervals-title"),
    `By interval · ${some ? groups.map(({ group }) => group).join(", ") : "all groups"}`,
  );
  intervals.show(
    slots.map(({ start, length }) => {
      const present = groups.map(({ byStart }) => byStart.get(start)).filter(Boolean);
      const total = (name) => present.reduce((sum, row) => sum + row[name], 0);
      return {
        start,
        length,
        aps: total("aps"),
        staffed: total("staffed_s"),
        available: total("status_available_s"),
        provisional: present.some((row) => row.provisional),
      };
    }),
  );
}

function drawFigures(groups) {
  const total = (name) => groups.reduce((sum, entry) => sum + (entry[name] ?? 0), 0);
  const courses = groups[0].course.map((_, index) => groups.reduce((sum, { course }) => sum + course[index], 0));
  showFigures(byId("figures"), [
    { id: "now", label: "Positions staffed", value: decimal(total("now")), note: "average of the latest interval" },
    { id: "agents", label: "Agents staffed", value: count(total("agents")), note: "in the latest interval" },
    { id: "mean", label: "Average", value: decimal(total("mean")), note: "over the window" },
    { id: "peak", label: "Peak", value: decimal(Math.max(...courses)), note: "highest interval" },
    { id: "groups", label: "Groups", value: count(groups.length) },
  ]);
}

byId("all").addEventListener("click", () => choose(new Set()));
shortcut("Escape", "Show the largest groups", () => choose(new Set()));
startReport({
  report: "group_interval",
  keys: ["source", "group", "interval_start"],
  nothing: "A group appears as soon as one of its agents has signed in.",
  show: ({ rows: next }) => {
    rows = next;
    draw();
  },
});

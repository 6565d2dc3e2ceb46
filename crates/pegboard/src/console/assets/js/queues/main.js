// Queues: what was offered, answered and abandoned, how fast, and how long it took; and how that was a week before.

import { daysLater } from "../lib/calendar.js";
import { groupBy } from "../lib/collections.js";
import { byId, make, setAttribute, setText } from "../lib/dom.js";
import { count, date, interval, minute, more, percent, seconds, weekday } from "../lib/format.js";
import { shortcut } from "../lib/shortcuts.js";
import { Chart } from "../reports/chart.js";
import { DataTable } from "../reports/data-table.js";
import { showFigures } from "../reports/figures.js";
import { abandonRate, grid, meanAcw, meanHandle, serviceLevel, speedOfAnswer, sumQueues } from "../reports/math.js";
import { parameter, setParameter, startReport } from "../reports/page.js";
import { isRevised, showRevisions } from "../reports/revisions.js";
import { sparkline } from "../reports/sparkline.js";
import { WeekBefore } from "../reports/week-before.js";
import { LEVEL, NUMBERS, TIMES } from "./columns.js";

const REPORT = "queue_interval";

/** @type {import("../reports/report-feed.js").Rows} */
let shown = { rows: [], range: "24h", from: 0, at: 0 };
let channel = parameter("channel") ?? "";
let chosen = parameter("queue");
let isCompared = parameter("compare") !== "none";
const weekBefore = new WeekBefore(REPORT, () => draw());

const list = new DataTable(
  byId("list"),
  [
    { id: "name", label: "Queue", value: ({ name }) => name },
    {
      id: "trend",
      label: "Course",
      value: ({ sum }) => sum.offered,
      fill: (cell, { course }) => sparkline(cell, course ?? []),
    },
    ...NUMBERS,
    LEVEL,
    ...TIMES,
  ],
  {
    key: ({ key }) => key,
    caption: "Queues in the window",
    sort: "-offered",
    choose: (key) => choose(key === chosen ? null : key),
  },
);

const intervals = new DataTable(
  byId("intervals"),
  [
    { id: "start", label: "Interval", value: ({ start }) => start, fill: fillInterval },
    ...NUMBERS.slice(0, 3),
    LEVEL,
    TIMES[0],
    TIMES[2],
  ],
  {
    key: ({ key }) => key,
    caption: "Intervals of the chosen queue",
    sort: "-start",
    decorate: (element, { sum }) => element.classList.toggle("provisional", sum.provisional),
  },
);

const volume = new Chart(byId("volume"), {
  axis: count,
  legend: byId("volume-legend"),
  right: { scale: "level", range: [0, 104], text: (value) => (value > 100 ? "" : `${value} %`) },
  series: [],
});
const times = new Chart(byId("times"), {
  axis: seconds,
  steps: [15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200],
  legend: byId("times-legend"),
  series: [
    { label: "Handle", colour: "acw", kind: "line", show: seconds },
    { label: "ACW", colour: "aux", kind: "line", dash: [6, 4], show: seconds },
    { label: "Answer", colour: "ringing", kind: "line", dash: [2, 3], show: seconds },
  ],
});
const VOLUME = [
  { label: "Transferred out", colour: "offered", kind: "bars", show: count },
  { label: "Abandoned", colour: "hold", kind: "hatched", show: count },
  { label: "Answered", colour: "available", kind: "bars", show: count },
  { label: "Service level", colour: "text", kind: "line", scale: "level", show: percent, points: true, width: 2.5 },
];
let drawnSeries = "";

function fillInterval(cell, entry) {
  if (cell.childElementCount === 0) {
    const revised = make("button", { type: "button", class: "tag" });
    revised.addEventListener("click", () => openRevisions(Number(cell.parentElement.dataset.key)));
    cell.append(make("span"), make("span", { class: "tag" }, "provisional"), revised);
  }
  const [words, provisional, revised] = cell.children;
  setText(words, entry.name);
  provisional.hidden = !entry.sum.provisional;
  const revision = Math.max(...entry.rows.map((row) => row.revision ?? 0));
  revised.hidden = !(revision > 1);
  setText(revised, `revision ${revision}`);
  setAttribute(revised, "aria-label", `Revision ${revision} of ${entry.name}: its history`);
}

function openRevisions(start) {
  const rows = focus(shown.rows).filter((row) => Date.parse(row.interval_start) === start);
  const length = rows[0].interval_s * 1000;
  const title = `${byId("chart-title").textContent} · ${date(start)}, ${interval(start, length)}`;
  void showRevisions({ report: REPORT, title, start, length, rows: rows.filter(isRevised) });
}

function queueKey(row) {
  return `${row.source}/${row.queue_id}`;
}

function choose(key) {
  chosen = key;
  setParameter("queue", key);
  draw();
}

/** Those of the chosen channel. */
function inChannel(rows) {
  return rows.filter((row) => channel === "" || row.channel === channel);
}

/** Those of the chosen channel and queue. */
function focus(rows) {
  return inChannel(rows).filter((row) => chosen === null || queueKey(row) === chosen);
}

function draw() {
  const { rows, at } = shown;
  if (rows.length === 0) return;
  const before = isCompared ? weekBefore.rows : null;
  const slots = grid([...rows, ...(before ?? [])]);
  const open = Math.min(...rows.filter((row) => row.provisional).map((row) => Date.parse(row.interval_start)), at);
  const present = groupBy(inChannel(rows), queueKey);
  if (chosen !== null && !present.has(chosen)) chosen = null;
  showCompared(before, open);
  drawList(present, before, { slots, open });
  drawFocus(before, { slots, open });
}

/** What is compared, and up to when: an interval that is not over is not held against a whole one. */
function showCompared(before, open) {
  const day = date(daysLater(open, -7));
  const words =
    before === null
      ? ""
      : before.length === 0
        ? `Nothing is known of ${day}`
        : `Smaller, beside each number: a week before. Totals up to ${day}, ${minute(open)}`;
  setText(byId("compared"), words);
}

function upTo(rows, end) {
  return rows.filter((row) => Date.parse(row.interval_start) < end);
}

function sumBefore(rows, open) {
  return rows === null || rows.length === 0 ? null : sumQueues(upTo(rows, open));
}

function drawList(present, before, { slots, open }) {
  const every = inChannel(shown.rows);
  const past = before && groupBy(inChannel(before), queueKey);
  const several = new Set(every.map((row) => row.source)).size > 1;
  const begun = slots.filter(({ start }) => start <= shown.at);
  const entries = [...present].map(([key, members]) => {
    const { queue_name: name, queue_id: id, source } = members.at(-1);
    return {
      key,
      name: `${name || id || "Without a queue"}${several ? ` · ${source}` : ""}`,
      sum: sumQueues(members),
      before: past && past.size > 0 ? sumQueues(upTo(past.get(key) ?? [], open)) : null,
      course: course(members, begun),
    };
  });
  const beforeAll = before && sumBefore(inChannel(before), open);
  list.show(entries, {
    key: "",
    name: "All queues",
    sum: sumQueues(every),
    before: beforeAll,
    course: course(every, begun),
  });
  list.mark(chosen === null ? [] : [chosen]);
  const name = entries.find(({ key }) => key === chosen)?.name ?? "All queues";
  setText(byId("chart-title"), name);
  setText(byId("intervals-title"), `By interval · ${name}`);
  byId("all").hidden = chosen === null;
}

function course(members, slots) {
  const byStart = groupBy(members, (row) => Date.parse(row.interval_start));
  return slots.map(({ start }) => (byStart.get(start) ?? []).reduce((sum, row) => sum + row.offered, 0));
}

function drawFocus(before, { slots, open }) {
  const rows = focus(shown.rows);
  const past = before && focus(before);
  const [present, earlier] = [rows, past ?? []].map((some) => groupBy(some, (row) => Date.parse(row.interval_start)));
  const entries = slots.map(({ start, length }) => {
    const members = present.get(start) ?? [];
    return {
      key: String(start),
      name: interval(start, length),
      start,
      rows: members,
      sum: sumQueues(members),
      before: earlier.size > 0 ? sumQueues(earlier.get(start) ?? []) : null,
    };
  });
  drawCharts(entries, slots, open);
  intervals.show(
    entries.filter(({ start, rows: own, before: old }) => start <= shown.at && (own.length > 0 || old?.offered > 0)),
  );
  drawFigures(sumQueues(rows), past && past.length > 0 ? [sumQueues(upTo(rows, open)), sumBefore(past, open)] : null);
}

function drawCharts(entries, slots, open) {
  const ahead = slots.find(({ start }) => start > shown.at)?.start;
  const begun = (value) => entries.map(({ start, sum }) => (start > shown.at ? null : value(sum)));
  const old = (value) => entries.map(({ before }) => (before ? value(before) : null));
  const series = [...VOLUME];
  const drawn = [
    begun((sum) => sum.answered + sum.abandoned + sum.transferred_out),
    begun((sum) => sum.answered + sum.abandoned),
    begun((sum) => sum.answered),
    begun(serviceLevel),
  ];
  const told = [begun((sum) => sum.transferred_out), begun((sum) => sum.abandoned), drawn[2], drawn[3]];
  if (entries.some(({ before }) => before !== null)) {
    const words = `Offered a week before`;
    series.push({ label: words, colour: "ringing", kind: "line", dash: [5, 4], show: count, width: 2 });
    drawn.push(old((sum) => sum.offered));
    told.push(drawn.at(-1));
  }
  const names = series.map(({ label }) => label).join();
  if (names !== drawnSeries) volume.reshape(series);
  drawnSeries = names;
  volume.show(slots, drawn, { open, ahead, shown: told });
  times.show(slots, [begun(meanHandle), begun(meanAcw), begun(speedOfAnswer)], { open, ahead });
}

function drawFigures(total, compared) {
  const [threshold] = total.thresholds;
  const within = total.thresholds.size === 1 ? `within ${threshold} s` : "thresholds differ";
  const day = weekday(daysLater(shown.at, -7));
  const rise = (of, text) => {
    if (!compared) return "";
    const [closed, before] = compared.map(of);
    return [`${day} ${text(before)}`, more(closed, before)].filter(Boolean).join(" · ");
  };
  const old = (of, text) => (compared ? `${day} ${text(of(compared[1]))}` : "");
  showFigures(byId("figures"), [
    { id: "offered", label: "Offered", value: count(total.offered), before: rise((sum) => sum.offered, count) },
    { id: "answered", label: "Answered", value: count(total.answered), before: rise((sum) => sum.answered, count) },
    {
      id: "abandoned",
      label: "Abandoned",
      value: count(total.abandoned),
      note: percent(abandonRate(total)),
      before: compared ? `${old((sum) => sum.abandoned, count)} · ${percent(abandonRate(compared[1]))}` : "",
    },
    {
      id: "level",
      label: "Service level",
      value: percent(serviceLevel(total)),
      note: within,
      before: old(serviceLevel, percent),
    },
    {
      id: "speed",
      label: "Speed of answer",
      value: seconds(speedOfAnswer(total)),
      note: `longest ${seconds(total.longest_s)}`,
      before: old(speedOfAnswer, seconds),
    },
    {
      id: "handle",
      label: "Handle time",
      value: seconds(meanHandle(total)),
      note: `and ${seconds(meanAcw(total))} ACW`,
      before: rise(meanHandle, seconds),
    },
  ]);
}

function offerChannels() {
  const select = byId("channel");
  const channels = [...new Set(shown.rows.map((row) => row.channel))].filter(Boolean).sort();
  byId("channel-label").hidden = channels.length < 2;
  if (select.dataset.drawn === channels.join()) return;
  select.dataset.drawn = channels.join();
  select.replaceChildren(select.options[0], ...channels.map((value) => make("option", { value }, value)));
  select.value = channel;
}

function lookBack() {
  if (isCompared) void weekBefore.look(shown.range, shown.from, shown.at);
}

byId("channel").addEventListener("change", () => {
  channel = byId("channel").value;
  setParameter("channel", channel);
  draw();
});
byId("compare").checked = isCompared;
byId("compare").addEventListener("change", () => {
  isCompared = byId("compare").checked;
  setParameter("compare", isCompared ? null : "none");
  lookBack();
  draw();
});
byId("all").addEventListener("click", () => choose(null));
shortcut("Escape", "Show all queues", () => choose(null));
shortcut("w", "With or without the week before", () => byId("compare").click());
startReport({
  report: REPORT,
  keys: ["source", "queue_id", "channel", "direction", "interval_start"],
  nothing:
    "A queue appears with the first contact that ends in it. Contacts come from contact records: look whether a source delivers them.",
  show: (next) => {
    shown = next;
    offerChannels();
    draw();
    lookBack();
  },
});

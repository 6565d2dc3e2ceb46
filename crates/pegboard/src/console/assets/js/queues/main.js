// Queues: what was offered, answered and abandoned, how fast, and how long it took.

import { groupBy } from "../lib/collections.js";
import { byId, make, setText } from "../lib/dom.js";
import { count, interval, percent, seconds } from "../lib/format.js";
import { shortcut } from "../lib/shortcuts.js";
import { Chart } from "../reports/chart.js";
import { DataTable } from "../reports/data-table.js";
import { showFigures } from "../reports/figures.js";
import { abandonRate, grid, meanAcw, meanHandle, serviceLevel, speedOfAnswer, sumQueues } from "../reports/math.js";
import { parameter, setParameter, startReport } from "../reports/page.js";
import { sparkline } from "../reports/sparkline.js";

/** The sums of a queue or an interval, under a name. @typedef {{ key: string, name: string, sum: import("../reports/math.js").QueueSum }} Entry */

/** @type {object[]} */
let rows = [];
let channel = parameter("channel") ?? "";
let chosen = parameter("queue");

const NUMBERS = [
  number("offered", "Offered", ({ sum }) => sum.offered, count, "Entered the queue"),
  number("answered", "Answered", ({ sum }) => sum.answered, count, "Reached an agent"),
  number("abandoned", "Abandoned", ({ sum }) => sum.abandoned, count, "Left before an agent answered"),
  number("rate", "Aband. %", ({ sum }) => abandonRate(sum), percent, "Abandoned of offered"),
];
const TIMES = [
  number("speed", "Answer", ({ sum }) => speedOfAnswer(sum), seconds, "Mean time in queue of those answered"),
  number("longest", "Longest", ({ sum }) => sum.longest_s, seconds, "Longest time in queue"),
  number("handle", "Handle", ({ sum }) => meanHandle(sum), seconds, "Mean talk and hold, without after-contact work"),
  number("acw", "ACW", ({ sum }) => meanAcw(sum), seconds, "Mean after-contact work"),
];
const LEVEL = {
  ...number("level", "Service level", ({ sum }) => serviceLevel(sum), percent, "Answered within the threshold"),
  fill: fillLevel,
};

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
  series: [
    { label: "Transferred out", colour: "offered", kind: "bars", show: count },
    { label: "Abandoned", colour: "hold", kind: "hatched", show: count },
    { label: "Answered", colour: "available", kind: "bars", show: count },
    { label: "Service level", colour: "text", kind: "line", scale: "level", show: percent, points: true, width: 2.5 },
  ],
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

function number(id, label, value, text, title) {
  return { id, label, title, number: true, value, text: (entry) => text(value(entry)) };
}

function fillLevel(cell, { sum }) {
  const level = serviceLevel(sum);
  if (cell.childElementCount === 0) cell.append(make("span", { class: "meter", "aria-hidden": "true" }), make("span"));
  cell.firstElementChild.style.setProperty("--level", String((level ?? 0) / 100));
  setText(cell.lastElementChild, percent(level));
}

function fillInterval(cell, { name, sum }) {
  if (cell.childElementCount === 0) cell.append(make("span"), make("span", { class: "tag" }, "provisional"));
  setText(cell.firstElementChild, name);
  cell.lastElementChild.hidden = !sum.provisional;
}

function queueKey(row) {
  return `${row.source}/${row.queue_id}`;
}

function choose(key) {
  chosen = key;
  setParameter("queue", key);
  draw();
}

function draw() {
  const inChannel = rows.filter((row) => channel === "" || row.channel === channel);
  const slots = grid(rows);
  const queues = groupBy(inChannel, queueKey);
  if (chosen !== null && rows.length > 0 && !queues.has(chosen)) chosen = null;
  const focus = chosen === null ? inChannel : queues.get(chosen);
  drawList(queues, inChannel, slots);
  drawFocus(focus, slots);
}

function drawList(queues, every, slots) {
  const several = new Set(every.map((row) => row.source)).size > 1;
  const entries = [...queues].map(([key, members]) => {
    const { queue_name: name, queue_id: id, source } = members.at(-1);
    return {
      key,
      name: `${name || id || "Without a queue"}${several ? ` · ${source}` : ""}`,
      sum: sumQueues(members),
      course: course(members, slots),
    };
  });
  list.show(entries, { key: "", name: "All queues", sum: sumQueues(every), course: course(every, slots) });
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

function drawFocus(focus, slots) {
  const byStart = groupBy(focus, (row) => Date.parse(row.interval_start));
  const entries = slots.map(({ start, length }) => {
    return { key: String(start), name: interval(start, length), start, sum: sumQueues(byStart.get(start) ?? []) };
  });
  const sums = entries.map(({ sum }) => sum);
  const open = entries.find(({ sum }) => sum.provisional)?.start;
  const of = (value) => sums.map(value);
  volume.show(
    slots,
    [
      of((sum) => sum.answered + sum.abandoned + sum.transferred_out),
      of((sum) => sum.answered + sum.abandoned),
      of((sum) => sum.answered),
      of(serviceLevel),
    ],
    {
      open,
      shown: [
        of((sum) => sum.transferred_out),
        of((sum) => sum.abandoned),
        of((sum) => sum.answered),
        of(serviceLevel),
      ],
    },
  );
  times.show(slots, [of(meanHandle), of(meanAcw), of(speedOfAnswer)], { open });
  const total = sumQueues(focus);
  intervals.show(entries.filter(({ sum }) => sum.formulas.size > 0));
  drawFigures(total);
}

function drawFigures(total) {
  const [threshold] = total.thresholds;
  const within = total.thresholds.size === 1 ? `within ${threshold} s` : "thresholds differ";
  showFigures(byId("figures"), [
    { id: "offered", label: "Offered", value: count(total.offered) },
    { id: "answered", label: "Answered", value: count(total.answered) },
    { id: "abandoned", label: "Abandoned", value: count(total.abandoned), note: percent(abandonRate(total)) },
    { id: "level", label: "Service level", value: percent(serviceLevel(total)), note: within },
    {
      id: "speed",
      label: "Speed of answer",
      value: seconds(speedOfAnswer(total)),
      note: `longest ${seconds(total.longest_s)}`,
    },
    {
      id: "handle",
      label: "Handle time",
      value: seconds(meanHandle(total)),
      note: `and ${seconds(meanAcw(total))} ACW`,
    },
  ]);
}

function offerChannels() {
  const select = byId("channel");
  const channels = [...new Set(rows.map((row) => row.channel))].filter(Boolean).sort();
  byId("channel-label").hidden = channels.length < 2;
  if (select.dataset.drawn === channels.join()) return;
  select.dataset.drawn = channels.join();
  select.replaceChildren(select.options[0], ...channels.map((value) => make("option", { value }, value)));
  select.value = channel;
}

byId("channel").addEventListener("change", () => {
  channel = byId("channel").value;
  setParameter("channel", channel);
  draw();
});
byId("all").addEventListener("click", () => choose(null));
shortcut("Escape", "Show all queues", () => choose(null));
startReport({
  report: "queue_interval",
  keys: ["source", "queue_id", "channel", "direction", "interval_start"],
  nothing:
    "A queue appears with the first contact that ends in it. Contacts come from contact records: look whether a source delivers them.",
  show: ({ rows: next }) => {
    rows = next;
    offerChannels();
    draw();
  },
});

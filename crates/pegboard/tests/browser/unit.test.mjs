// The parts of the page that need no browser: sums, filters, the agents' bookkeeping, and how numbers read.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

/** A zone whose days are not all 24 hours long. */
process.env.TZ = "Europe/Berlin";
/** What modules that make elements look for when they are loaded. */
globalThis.document = { querySelector: () => ({ content: "/" }) };
const JS = new URL("../../src/console/assets/js/", import.meta.url);
const load = (path) => import(new URL(path, JS));
const math = await load("reports/math.js");
const format = await load("lib/format.js");
const filters = await load("board/filter.js");
const { Agents } = await load("board/agents.js");
const { sentence } = await load("board/health.js");
const { windowStart } = await load("reports/report-feed.js");
const { daysLater } = await load("lib/calendar.js");
const { aWeekOn, windowBefore } = await load("reports/week-before.js");

const NOON = Date.parse("2026-03-01T12:00:00Z");

function queueRow(fields) {
  return { service_level_formula: "answered_abandoned_late", service_level_s: 20, offered: 0, ...fields };
}

function agent(id, fields = {}) {
  return {
    source: "acd",
    agent_id: id,
    agent_login: id,
    agent_name: id,
    team: "One",
    class: "available",
    since: "2026-03-01T11:00:00Z",
    status_name: "Available",
    reason: "Available",
    ...fields,
  };
}

describe("sums of queues", () => {
  const rows = [
    queueRow({
      offered: 10,
      answered: 7,
      answered_in_sl: 5,
      abandoned: 2,
      abandoned_in_sl: 1,
      transferred_out: 1,
      service_level_pct: 62.5,
      queue_answered_s: 70,
      queue_answered_max_s: 40,
      handle_s: 700,
    }),
    queueRow({
      offered: 30,
      answered: 30,
      answered_in_sl: 27,
      abandoned: 0,
      abandoned_in_sl: 0,
      transferred_out: 0,
      service_level_pct: 90,
      queue_answered_s: 4,
      queue_answered_max_s: 9,
      handle_s: 40,
    }),
  ];

  test("counts add up, maxima are maxima", () => {
    const sum = math.sumQueues(rows);
    assert.deepEqual([sum.offered, sum.answered, sum.abandoned, sum.longest_s], [40, 37, 2, 40]);
    assert.equal(math.meanHandle(sum), 20);
    assert.equal(math.speedOfAnswer(sum), 2);
    assert.equal(math.abandonRate(sum), 5);
  });

  test("the service level is computed again from the sums, by the formula of the rows", () => {
    const by = (formula) =>
      math.serviceLevel(math.sumQueues(rows.map((row) => ({ ...row, service_level_formula: formula }))));
    assert.equal(by("answered"), (100 * 32) / 37);
    assert.equal(by("answered_abandoned_late"), (100 * 32) / 38);
    assert.equal(by("offered"), (100 * 33) / 40);
    assert.equal(by("aws"), (62.5 * 10 + 90 * 30) / 40);
  });

  test("where nothing was offered there is no percentage, and none over different formulas", () => {
    assert.equal(
      math.serviceLevel(math.sumQueues([queueRow({ answered: 0, abandoned: 0, abandoned_in_sl: 0 })])),
      null,
    );
    assert.equal(math.serviceLevel(math.sumQueues([rows[0], { ...rows[1], service_level_formula: "answered" }])), null);
    assert.equal(math.meanHandle(math.sumQueues([])), null);
  });
});

describe("the grid of intervals", () => {
  const at = (time, length = 900) => ({ interval_start: `2026-03-01T${time}:00Z`, interval_s: length });

  test("holes are filled, rows of one interval count once, order does not matter", () => {
    const slots = math.grid([at("10:00"), at("09:00"), at("09:00"), at("09:15")]);
    assert.deepEqual(
      slots.map(({ start }) => new Date(start).toISOString().slice(11, 16)),
      ["09:00", "09:15", "09:30", "09:45", "10:00"],
    );
  });

  test("an interval that is cut keeps its length", () => {
    assert.deepEqual(
      math.grid([at("09:00", 600), at("09:10")]).map(({ length }) => length),
      [600_000, 900_000],
    );
  });

  test("rows without a length end in time", () => {
    assert.equal(math.grid([at("09:00", 0), at("10:00", 0)]).length, 2);
  });
});

test("durations are cut to the second and grow to hours and days", () => {
  assert.deepEqual([0, 59_999, 60_000, 3_599_000, 3_600_000, 96 * 3_600_000, -5000, null].map(format.duration), [
    "0:00",
    "0:59",
    "1:00",
    "59:59",
    "1:00:00",
    "4 d 00 h",
    "0:00",
    "–",
  ]);
  assert.deepEqual([45_000, 125_000, 12_000_000, 190_000_000].map(format.span), [
    "45 s",
    "2 min",
    "3 h 20 min",
    "2 d 4 h",
  ]);
});

test("a window begins where no interval is cut", () => {
  assert.equal(windowStart("24h", NOON + 1_234_567), NOON - 86_400_000);
  const today = new Date(windowStart("today", NOON));
  assert.deepEqual([today.getHours(), today.getMinutes(), today.getSeconds()], [0, 0, 0]);
});

describe("the filter", () => {
  test("its address says all of it, and the address gives it back", () => {
    const filter = filters.fromAddress(
      "?class=aux&class=talk&q=z%C3%BCrich&team=A+%2F+B&group=team&signed-out=show&sort=-since",
    );
    assert.deepEqual([...filter.classes], ["aux", "talk"]);
    assert.deepEqual(filters.fromAddress(filters.toAddress(filter)), { ...filter, classes: new Set(["talk", "aux"]) });
    assert.equal(filters.toAddress(filters.fromAddress("")), "");
  });

  test("what an address cannot mean is left out", () => {
    const filter = filters.fromAddress("?class=nonsense&sort=constructor");
    assert.deepEqual([filter.classes.size, filter.sort], [0, "name"]);
  });

  test("every word must be there, whatever its case and accents", () => {
    const agents = new Agents();
    agents.replace([
      agent("1", { agent_name: "Jürgen Dvořák", queue_name: "Sales" }),
      agent("2", { agent_name: "Ada", queue_name: "Sales" }),
    ]);
    const found = (text) =>
      filters.candidates(agents.values(), { ...filters.fromAddress(""), text }).map(({ id }) => id);
    assert.deepEqual(found("JURGEN sales"), ["1"]);
    assert.deepEqual(found("sales"), ["1", "2"]);
    assert.deepEqual(found("sales nobody"), []);
  });

  test("the signed out show only when asked for", () => {
    const agents = new Agents();
    agents.replace([agent("1"), agent("2", { class: "signed_out" })]);
    const shown = (search) =>
      [...agents.values()].filter((one) => filters.showsClass(one, filters.fromAddress(search))).map(({ id }) => id);
    assert.deepEqual(shown(""), ["1"]);
    assert.deepEqual(shown("?signed-out=show"), ["1", "2"]);
    assert.deepEqual(shown("?class=signed_out"), ["2"]);
  });

  test("rows sort by any column, numbers in names by value, and group by team with counts", () => {
    const agents = new Agents();
    agents.replace([
      agent("a10"),
      agent("a9"),
      agent("b1", { team: "Two", class: "talk", since: "2026-03-01T09:00:00Z" }),
    ]);
    const rows = (search, closed = []) =>
      filters
        .rowsOf([...agents.values()], filters.fromAddress(search), new Set(closed))
        .map(({ kind, team, agent: one }) => (kind === "group" ? team : one.id));
    assert.deepEqual(rows(""), ["a9", "a10", "b1"]);
    assert.deepEqual(rows("?sort=-name"), ["b1", "a10", "a9"]);
    assert.deepEqual(rows("?sort=-since"), ["b1", "a9", "a10"], "the longest first");
    assert.deepEqual(rows("?group=team", ["One"]), ["One", "Two", "b1"]);
  });
});

describe("the agents", () => {
  test("a class that the page does not know is unknown, a missing name is the login", () => {
    const agents = new Agents();
    agents.replace([agent("1", { class: "napping", agent_name: "" })]);
    const [one] = agents.values();
    assert.deepEqual([one.class, one.name, one.login], ["unknown", "1", ""]);
  });

  test("a later snapshot brings staleness and removes who is gone, but takes back nothing that the stream told since", () => {
    const agents = new Agents();
    agents.replace([agent("moves"), agent("silent"), agent("gone")]);
    const asked = agents.changes;
    agents.apply(agent("moves", { class: "talk" }));
    agents.apply(agent("new"));
    agents.reconcile([agent("moves"), agent("silent", { stale: true })], asked);
    assert.deepEqual(
      [...agents.values()].map(({ id, class: kind, stale }) => [id, kind, stale]),
      [
        ["moves", "talk", false],
        ["silent", "available", true],
        ["new", "available", false],
      ],
    );
  });
});

test("the banner names the sources that are ill, and since when", () => {
  const source = (name, health, watermark) => ({ name, health, watermark });
  assert.equal(sentence([source("a", "ok", null), source("b", "starting", null)], NOON), null);
  const text = sentence(
    [source("a", "lagging", new Date(NOON - 720_000).toISOString()), source("b", "stopped", null)],
    NOON,
  );
  assert.match(
    text,
    /^Source a is behind: its states are as of .*, 12 min ago\. Source b has stopped: nothing is known of it yet\.$/,
  );
});

describe("colours", () => {
  const css = readFileSync(new URL("../css/tokens.css", JS), "utf8");
  const [, dark, light] = css.split(/:root[^{]*\{/);
  const tokens = (block) =>
    new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]));
  const CLASSES = ["talk", "hold", "acw", "ringing", "error", "aux", "available", "signed_out", "unknown"];
  const channels = (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
  const mixed = (over, share, under) => over.map((value, index) => value * share + under[index] * (1 - share));
  const luminance = (rgb) =>
    rgb
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };

  for (const [theme, block] of [
    ["dark", dark],
    ["light", light],
  ]) {
    test(`in ${theme} every text has 4.5:1 on every ground that it stands on`, () => {
      const of = tokens(block);
      const rgb = (name) => channels(of.get(name));
      const pairs = ["text", "text-soft", "text-faint", "accent", ...CLASSES].flatMap((text) =>
        ["ground", "surface", "raised"].map((ground) => [text, ground, rgb(text), rgb(ground)]),
      );
      for (const text of ["text", "text-soft", ...CLASSES]) pairs.push([text, "sunken", rgb(text), rgb("sunken")]);
      for (const kind of CLASSES) pairs.push([kind, "its own pill", rgb(kind), mixed(rgb(kind), 0.13, rgb("surface"))]);
      for (const kind of ["warn", "bad"])
        pairs.push([`${kind}-text`, `${kind}-ground`, rgb(`${kind}-text`), rgb(`${kind}-ground`)]);
      pairs.push(["knockout", "accent", rgb("knockout"), rgb("accent")]);
      const weak = pairs
        .map(([text, ground, a, b]) => [`${text} on ${ground}`, contrast(a, b)])
        .filter(([, value]) => value < 4.5);
      assert.deepEqual(
        weak.map(([name, value]) => `${name}: ${value.toFixed(2)}`),
        [],
      );
    });
  }
});

describe("a week before", () => {
  const minutes = (from, to) => (to - from) / 60_000;

  test("is the same local time, across a change of the clock too", () => {
    const after = Date.parse("2026-03-31T09:15:00+02:00");
    assert.equal(daysLater(after, -7), Date.parse("2026-03-24T09:15:00+01:00"));
    assert.equal(
      aWeekOn({ interval_start: "2026-03-24T08:15:00Z", offered: 3 }).interval_start,
      "2026-03-31T07:15:00.000Z",
    );
  });

  test("of today is the whole day, and of the last 24 hours no more than these", () => {
    const now = Date.parse("2026-03-29T12:00:00+02:00");
    const today = windowBefore("today", windowStart("today", now), now);
    assert.equal(minutes(...today), 24 * 60, "the day before had all its hours, today has 23");
    const last = windowBefore("24h", windowStart("24h", now), now);
    assert.equal(last[1], daysLater(now, -7));
  });

  test("a rise is told in per cent, and of nothing there is none", () => {
    assert.deepEqual(
      [format.more(110, 100), format.more(88, 100), format.more(5, 5), format.more(5, 0), format.more(null, 3)],
      ["+10 %", "−12 %", "±0 %", "", ""],
    );
  });
});

describe("revisions", async () => {
  const { changesOf, isRevised } = await load("reports/revisions.js");

  test("the first one and an open interval are none", () => {
    assert.deepEqual(
      [0, 1, 2, undefined].map((revision) => isRevised({ revision })),
      [false, false, true, false],
    );
  });

  test("what changed is told with what it was, and nothing of a row that is gone", () => {
    assert.deepEqual(changesOf({ changed: { handle_s: [null, 12.5] } }), [
      { column: "handle s", before: "–", after: "12.5" },
    ]);
    assert.deepEqual(changesOf({ changed: null }), []);
  });
});

describe("completeness", async () => {
  const { condensed, holesOf, linesOf, stateOf, tally } = await load("checks/completeness.js");
  const row = (minutes, state, rows, fields) => ({
    interval_start: new Date(NOON + minutes * 60_000).toISOString(),
    interval_s: 900,
    source: "acd",
    origin: "computed",
    report: "queue_interval",
    acd_report: null,
    state,
    rows,
    reason: "",
    ...fields,
  });

  test("silence is no hole, what is over and not here is awaited, and a state that nobody knows is a hole", () => {
    const at = NOON + 20 * 60_000;
    const states = [
      row(0, "complete", 3),
      row(0, "complete", 0),
      row(0, "open", 0),
      row(15, "open", 0),
      row(0, "strange", 4),
      row(0, "unknown", 0),
    ];
    assert.deepEqual(
      states.map((one) => stateOf(one, at)),
      ["complete", "silent", "awaited", "open", "missing", "unknown"],
    );
    const [line] = linesOf([row(0, "unknown", 0), row(15, "complete", 1)], NOON + 90 * 60_000);
    assert.deepEqual(tally(line), { expected: 1, received: 1, missing: 0, awaited: 0 }, "nobody expects what nobody can know");
  });

  test("reports of different origin are lines of their own, and every interval is counted once", () => {
    const acd = { origin: "acd", acd_report: "QR" };
    const rows = [row(15, "missing", 0, acd), row(0, "complete", 2, acd), row(0, "gap", 1), row(15, "open", 0)];
    const lines = linesOf(rows, NOON + 20 * 60_000);
    assert.deepEqual(
      lines.map(({ origin, cells }) => [origin, cells.length]),
      [
        ["acd", 2],
        ["computed", 2],
      ],
    );
    assert.deepEqual(tally(lines[0]), { expected: 2, received: 1, missing: 1, awaited: 0 });
    assert.deepEqual(tally(lines[1]), { expected: 1, received: 0, missing: 1, awaited: 0 });
  });

  test("neighbours that are missing for one reason are one hole", () => {
    const states = ["missing", "missing", "complete", "missing"];
    const [line] = linesOf(
      states.map((state, index) => row(index * 15, state, 0)),
      NOON + 7_200_000,
    );
    assert.deepEqual(
      holesOf(line).map(({ start, end, intervals }) => [(start - NOON) / 60_000, (end - NOON) / 60_000, intervals]),
      [
        [0, 30, 2],
        [45, 60, 1],
      ],
    );
  });

  test("of intervals that are drawn as one the worst shows, and none is lost", () => {
    const cells = Array.from({ length: 672 }, (_, index) => ({
      start: index * 900_000,
      length: 900_000,
      state: index === 401 ? "missing" : "complete",
      rows: 1,
      reason: "",
    }));
    const drawn = condensed(cells);
    assert.ok(drawn.length <= 192 && drawn.some(({ state }) => state === "missing"));
    assert.equal(
      drawn.reduce((sum, { rows }) => sum + rows, 0),
      672,
    );
    assert.equal(drawn.at(-1).start + drawn.at(-1).length, 672 * 900_000);
  });
});

describe("reconciliation", async () => {
  const { amount, narrowed, signed, tallied } = await load("checks/differences.js");
  const rows = [
    { report: "queue_interval", queue_name: "Verträge", queue_id: "q-1", reason: "pegging: x", agrees: false },
    { report: "queue_interval", queue_name: "Sales", queue_id: "q-2", reason: "", agrees: false },
    { report: "agent_interval", agent_login: "ann", agent_id: "a-1", reason: "", agrees: true },
  ].map((row) => ({ measure: "answered", ...row }));
  const names = (narrowing) =>
    narrowed(rows, { find: "", report: "", unexplained: false, ...narrowing }).map(
      (row) => row.queue_name ?? row.agent_login,
    );

  test("is narrowed by words, report and whether a reason is known", () => {
    assert.deepEqual(names({ find: "vertrage ANSWERED" }), ["Verträge"]);
    assert.deepEqual(names({ report: "agent_interval" }), ["ann"]);
    assert.deepEqual(names({ unexplained: true }), ["Sales"], "what agrees needs no reason");
  });

  test("what agrees counts as compared and as no difference", () => {
    const { compared, differences, unexplained, reasons, queues, agents } = tallied(rows);
    assert.deepEqual([compared, differences, unexplained, queues, agents], [3, 2, 1, 2, 0]);
    assert.deepEqual([...reasons], [["pegging", 1]]);
  });

  test("numbers have their unit and differences their sign", () => {
    assert.deepEqual(
      [
        amount("talk_s", 12.5),
        amount("answered", 3),
        amount("talk_s", null),
        signed("talk_s", -2),
        signed("offered", 4),
      ],
      ["12.5 s", "3", "–", "−2 s", "+4"],
    );
  });
});

describe("reasons of dead letters", async () => {
  const { adviceOf, byKind, kindOf, linesAround, placeOf, problemOf } = await load("repair/reasons.js");
  const report = (key, line) =>
    `report \`connect/x/${key}\`, line ${line}, column 2 (\`Contacts handled\`): not a count; mend the cell and retry it`;

  test("what differs from record to record does not tell them apart, the column does", () => {
    assert.equal(kindOf(report("QR-2026-03-01T09:15:00Z.csv", 3)), kindOf(report("QR-2026-03-02T10:00:00Z.csv", 17)));
    assert.notEqual(kindOf("missing field `Username`"), kindOf("missing field `ARN`"));
    const letters = ["newer by 31 min", "newer by 2 min", "not JSON"].map((reason, id) => ({
      id,
      reason,
      at: "2026-03-01T09:00:00Z",
    }));
    assert.deepEqual(
      byKind(letters).map(({ letters: of }) => of.length),
      [2, 1],
    );
  });

  test("the place that a reason names is found, and nothing where it names none", () => {
    assert.deepEqual(placeOf(report("a.csv", 3)), { file: "connect/x/a.csv", line: 3, column: 2 });
    assert.deepEqual(placeOf("not UTF-8"), { file: null, line: null, column: null });
    assert.equal(problemOf("not JSON; at all"), "not JSON; at all");
  });

  test("a report file says itself what to do, and everything has an advice", () => {
    assert.equal(adviceOf(report("a.csv", 3)), "Mend the cell and retry it.");
    for (const reason of ["not JSON", "newer than the hub's clock by 31 min", "missing field `x`", ""])
      assert.ok(adviceOf(reason).length > 20, reason);
  });

  test("of a long record the header and the lines around the wrong one are shown", () => {
    const lines = linesAround(Array.from({ length: 100 }, (_, index) => `line ${index + 1}`).join("\r\n"), 50);
    assert.deepEqual([lines[0].number, lines[1].number, lines.at(-1).number, lines.length], [1, 44, 56, 14]);
    assert.deepEqual(
      lines.filter(({ wrong }) => wrong).map(({ text }) => text),
      ["line 50"],
    );
    assert.equal(linesAround("a\nb\n", 9).length, 2, "a line that is not there");
  });
});

describe("a reload", async () => {
  const { aboutOf, isUnderWay, outcomeOf, requestOf, stateOf } = await load("repair/progress.js");

  test("says how far it is, and what came of it", () => {
    const running = { state: "running", days: 4, days_done: 1, left_s: null };
    assert.equal(stateOf(running), "1 of 4 days");
    assert.equal(stateOf({ ...running, left_s: 90 }), "1 of 4 days, 1 min left");
    const reading = { ...running, files: 40, files_read: 13, read: null };
    assert.equal(stateOf(reading), "Reading the archive: 13 of 40 files");
    assert.equal(stateOf({ ...reading, read: "2026-03-01T00:00:00Z" }), "1 of 4 days");
    const asking = { ...running, from_source: true, observations: 1200, contacts: 7, read: null };
    assert.match(stateOf(asking), /^Asking the source: 1.200 observations, 7 contacts$/);
    assert.equal(stateOf({ ...asking, read: "2026-03-01T00:00:00Z" }), "1 of 4 days");
    assert.equal(aboutOf({ queues: [], agents: [], from_source: true }), "everything, from the source");
    assert.equal(aboutOf({ queues: ["VIP"], agents: ["a"], from_archive: true }), "VIP, a, from the archive");
    assert.deepEqual(
      ["waiting", "done", "new to us"].map((state) => isUnderWay({ state })),
      [true, false, false],
    );
    assert.equal(
      outcomeOf({ state: "failed", rows: 12, differ: 1, error: "the disk is full", notes: [], more_notes: 2 }),
      "the disk is full · 12 rows, 1 not as before · and something to say of 2 more days",
    );
  });

  test("asks for no more than was filled in", () => {
    const fields = { source: "a", from: "2026-03-01", to: "", queues: " , VIP ,", agents: "" };
    assert.deepEqual(requestOf(fields), { source: "a", from: "2026-03-01", queues: ["VIP"] });
    assert.equal(requestOf(fields, "from_archive").from_archive, true);
    const asked = requestOf(fields, "from_source");
    assert.deepEqual([asked.from_archive, asked.from_source], [undefined, true]);
  });
});

describe("an alarm", async () => {
  const { unattended } = await load("lib/alarm-count.js");
  const { factsOf, stateOf } = await load("alarms/words.js");

  test("counts until somebody attends to it, and the worst gives the colour", () => {
    const alarm = (severity, more = {}) => ({ severity, acknowledged: null, silence: null, ...more });
    assert.deepEqual(unattended([]), { number: 0, severity: "none" });
    assert.deepEqual(unattended([alarm("warning")]), { number: 1, severity: "warning" });
    assert.deepEqual(unattended([alarm("warning"), alarm("critical")]), { number: 2, severity: "critical" });
    const attended = [alarm("critical", { acknowledged: {} }), alarm("critical", { silence: {} })];
    assert.deepEqual(unattended(attended), { number: 0, severity: "none" });
  });

  test("says who attends to it, and when it was over", () => {
    const at = "2026-03-01T10:00:00Z";
    const now = Date.parse("2026-03-01T10:10:00Z");
    const alarm = {
      id: 7,
      condition: "sink-failing",
      severity: "critical",
      subject: "wfm",
      since: at,
      seen: at,
      ended: null,
      acknowledged: null,
      silence: null,
    };
    assert.equal(stateOf(alarm, now), "open");
    const ended = { ...alarm, ended: "2026-03-01T10:02:00Z", acknowledged: { by: "ops", at, comment: "on it" } };
    assert.equal(stateOf(ended, now), "over after 2 min, acknowledged by ops");
    const facts = new Map(factsOf(ended, now));
    assert.equal(facts.get("Condition"), "sink-failing (critical), number 7");
    assert.match(facts.get("Acknowledged"), /^ops, .*: on it$/);
  });
});

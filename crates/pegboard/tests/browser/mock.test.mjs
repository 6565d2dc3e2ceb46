// The page against the mock server: everything that needs a hub with faults on demand.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { counter, eventually, launch, texts, visit } from "./harness.mjs";
import { HOSTILE } from "./mock-world.mjs";
import { MockServer } from "./mock-server.mjs";

/** What Chromium itself writes when a request fails. */
const NETWORK = /Failed to load resource|net::ERR/;
/** How often the page asks for a report, and for the sources, in milliseconds. */
const REPORT_EVERY = 15_000;
const SOURCES_EVERY = 5000;
/** How long the page is watched under load, in seconds. */
const WATCHED = 4;
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A page on a mock of its own. */
async function on(options, path, check, visiting) {
  const mock = new MockServer({ rate: 0, ...options });
  const base = await mock.start();
  try {
    await visit(browser, base + path, (page) => check(page, mock, base), visiting);
  } finally {
    await mock.stop();
  }
}

/** The same, and its time can be put forward. */
function timed(options, path, check) {
  return on(options, path, check, { clock: true });
}

function total(mock, kind) {
  return mock.world.agents.filter((agent) => agent.class === kind).length;
}

async function loaded(page) {
  await page.waitForSelector("tr.agent");
}

test("the board counts all agents by class and lists those who are signed in", () =>
  on({ agents: 1000 }, "/", async (page, mock) => {
    await loaded(page);
    for (const kind of ["talk", "hold", "acw", "ringing", "error", "aux", "available", "signed_out", "unknown"]) {
      assert.equal(await counter(page, kind), total(mock, kind), kind);
    }
    const signedIn = 1000 - total(mock, "signed_out");
    assert.equal(await page.locator("#count").textContent(), `${signedIn} of 1,000 agents`);
    assert.equal(await page.locator("#agents").getAttribute("aria-rowcount"), String(signedIn + 1));
    assert.ok((await page.locator("tr.agent").count()) < 60, "only the rows in sight are in the document");
  }));

test("every agent can be scrolled to", () =>
  on({ agents: 300 }, "/?signed-out=show", async (page) => {
    await loaded(page);
    const seen = new Set();
    const height = await page.evaluate(() => document.getElementById("scroller").scrollHeight);
    for (let top = 0; top < height; top += 500) {
      await page.evaluate((to) => {
        document.getElementById("scroller").scrollTop = to;
      }, top);
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      for (const key of await page.locator("tr.agent").evaluateAll((rows) => rows.map((row) => row.dataset.key)))
        seen.add(key);
    }
    assert.equal(seen.size, 300);
  }));

test("a change is on the board at once, in counter and row, and the time counts on", () =>
  on({ agents: 20 }, "/", async (page, mock) => {
    await loaded(page);
    const before = total(mock, "hold");
    mock.change(
      {
        agent_name: "Aaron First",
        class: "hold",
        status_name: "Available",
        channel: "CHAT",
        initiation: "INBOUND",
        queue_name: "Web",
      },
      5,
    );
    await eventually(
      () => counter(page, "hold"),
      (value) => value === before + 1,
      3000,
    );
    const row = page.locator("tr.agent", { hasText: "Aaron First" });
    assert.equal(await row.locator(".state").textContent(), "Hold");
    assert.equal(await row.locator(".col-contact").textContent(), "Chat · Web");
    await eventually(
      () => row.locator(".since").textContent(),
      (text) => /0:0[2-5]/.test(text),
    );
  }));

test("S36: a name with a tag in it is shown as text", () =>
  on({ agents: 5 }, "/?signed-out=show&q=onerror", async (page, mock) => {
    await loaded(page);
    assert.equal(await page.locator(".agent-name").first().textContent(), HOSTILE);
    await page.locator("tr.agent").first().click();
    assert.equal(await page.locator("#panel-name").textContent(), HOSTILE);
    mock.change({ queue_name: HOSTILE, class: "talk", team: HOSTILE }, 0);
    await eventually(
      () => texts(page, ".col-team"),
      (all) => all.includes(HOSTILE),
    );
    assert.equal(await page.locator("main img").count(), 0);
    assert.match(await page.title(), /Pegboard/);
  }));

test("counters filter, and the address says so", () =>
  on({ agents: 200 }, "/", async (page, mock, base) => {
    await loaded(page);
    await page.locator('.counter[data-class="aux"]').click();
    assert.deepEqual([...new Set(await texts(page, "tr.agent .state"))], ["Aux"]);
    assert.equal(new URL(page.url()).search, "?class=aux");
    await page.locator('.counter[data-class="talk"]').click();
    assert.deepEqual([...new Set(await texts(page, "tr.agent .state"))].sort(), ["Aux", "Talk"]);
    await page.goto(`${base}/?class=signed_out`);
    await loaded(page);
    assert.deepEqual([...new Set(await texts(page, "tr.agent .state"))], ["Signed out"]);
    await page.locator("#clear").click();
    assert.equal(new URL(page.url()).search, "");
    assert.ok(!(await texts(page, "tr.agent .state")).includes("Signed out"));
  }));

test("search, teams, groups and sorting", () =>
  on({ agents: 400 }, "/", async (page, mock) => {
    await loaded(page);
    await page.keyboard.press("/");
    await page.keyboard.type("leipzig back office");
    const wanted = mock.world.agents.filter(
      ({ team, class: kind }) => team === "Leipzig / Back office" && kind !== "signed_out",
    ).length;
    await eventually(
      () => page.locator("#count").textContent(),
      (text) => text.startsWith(`${wanted} of`),
    );
    await page.keyboard.press("Escape");
    await page.selectOption("#team", "Porto / Service");
    assert.deepEqual([...new Set(await texts(page, "tr.agent .col-team"))], ["Porto / Service"]);
    await page.selectOption("#team", "");
    await page.locator("th.col-since button").click();
    const order = await texts(page, "tr.agent .since");
    const seconds = order.map((text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0));
    assert.deepEqual(
      seconds,
      seconds.toSorted((a, b) => b - a),
      "the longest first",
    );
    assert.equal(await page.locator("th.col-since").getAttribute("aria-sort"), "descending");
    await page.locator("#grouped").check();
    assert.match((await texts(page, "tr.group .group-name"))[0], /^Leipzig/);
    const rows = Number(await page.locator("#agents").getAttribute("aria-rowcount"));
    await page.locator("tr.group button").first().click();
    assert.ok(Number(await page.locator("#agents").getAttribute("aria-rowcount")) < rows, "a team folds away");
  }));

test("all of it works by keyboard, and single keys can be switched off", () =>
  on({ agents: 100 }, "/", async (page, mock, base) => {
    await loaded(page);
    await page.keyboard.press("a");
    for (let times = 0; times < 40; times += 1) await page.keyboard.press("ArrowDown");
    const active = await page.locator("#agents").getAttribute("aria-activedescendant");
    const name = await page.locator(`#${active} .agent-name`).textContent();
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#panel-name").textContent(), name);
    await eventually(
      () => page.locator(".segments li").count(),
      (number) => number > 3,
    );
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#panel").isHidden());
    await page.keyboard.press("2");
    await page.waitForURL(`${base}/queues`);
    await page.keyboard.press("?");
    await page.locator("#help-enabled").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("1");
    await page.waitForTimeout(300);
    assert.equal(page.url(), `${base}/queues`);
  }));

test("after a break the stream goes on from its cursor, without a new snapshot and without a gap", () =>
  on(
    { agents: 30 },
    "/",
    async (page, mock) => {
      await loaded(page);
      await eventually(
        () => mock.streams.size,
        (size) => size === 1,
      );
      mock.drop();
      mock.change({ agent_name: "Missed Change", class: "error" }, 3);
      await eventually(
        () => texts(page, ".agent-name"),
        (names) => names.includes("Missed Change"),
      );
      assert.equal(mock.requests.filter((line) => line === "GET /api/v1/agents").length, 1);
      await eventually(
        () => page.locator("#link-text").textContent(),
        (text) => text === "Live",
      );
    },
    { expected: NETWORK },
  ));

test("a hub that is away is shown, since when, and found again with a new snapshot when it forgot the cursor", () =>
  on(
    { agents: 30 },
    "/",
    async (page, mock) => {
      await loaded(page);
      mock.down = true;
      mock.drop();
      await eventually(
        () => page.locator("#banner-text").textContent(),
        (text) => /^Not connected since \d\d:\d\d:\d\d/.test(text),
      );
      assert.equal(await page.locator("#link-text").textContent(), "Not connected");
      mock.forget();
      mock.change({ agent_name: "After The Break", class: "talk" }, 4);
      mock.down = false;
      await eventually(
        () => texts(page, ".agent-name"),
        (names) => names.includes("After The Break"),
        30_000,
      );
      await eventually(() => page.locator("#banner").isHidden(), Boolean);
    },
    { expected: NETWORK },
  ));

test("a cursor that dies within the stream leads to a new snapshot at once", () =>
  on(
    { agents: 30 },
    "/",
    async (page, mock) => {
      await loaded(page);
      await eventually(
        () => mock.streams.size,
        (size) => size === 1,
      );
      mock.world.agents[6].agent_name = "Only In The Snapshot";
      mock.world.agents[6].class = "talk";
      mock.gone();
      await eventually(
        () => texts(page, ".agent-name"),
        (names) => names.includes("Only In The Snapshot"),
      );
    },
    { expected: NETWORK },
  ));

test("a source that is behind is a banner with the time, and its agents are marked stale", () =>
  on({ agents: 30 }, "/", async (page, mock) => {
    await loaded(page);
    mock.health = "lagging";
    await page.reload();
    await eventually(
      () => page.locator("#banner-text").textContent(),
      (text) => /connect-production is behind: its states are as of \d\d:\d\d:\d\d, 12 min ago/.test(text),
    );
    await eventually(
      () => page.locator("tr.agent.stale").count(),
      (number) => number > 10,
    );
    assert.equal(await page.locator("#link-text").textContent(), "Stale");
  }));

test("without agents the board says what to do", () =>
  on({ agents: 0 }, "/", async (page) => {
    await eventually(
      () => page.locator("#empty-title").textContent(),
      (text) => text === "No agents yet",
    );
    assert.ok(await page.locator("#empty-link").isVisible());
  }));

test("queues add up, a chosen queue shows its intervals, the open one is provisional, and later only what changed is asked for", () =>
  timed({ agents: 50 }, "/queues", async (page, mock, base) => {
    await page.waitForSelector("#list tbody tr");
    const present = () => mock.requests.filter((line) => line.includes("queue_interval") && !line.includes("&to="));
    const number = (text) => Number(text.replace(/\D/g, ""));
    const offered = (await texts(page, "#list tbody td:nth-child(3) > :first-child")).map(number);
    const sum = offered.reduce((a, b) => a + b, 0);
    assert.equal(number(await page.locator("#list tfoot td:nth-child(3) > :first-child").textContent()), sum);
    assert.equal(number(await page.locator('[data-figure="offered"] .figure-value').textContent()), sum);
    assert.equal(await page.locator("#volume canvas").count(), 1);
    await page.locator("#list tbody .choice").first().click();
    const name = await page.locator("#list tbody .choice").first().textContent();
    assert.equal(await page.locator("#chart-title").textContent(), name);
    assert.equal(number(await page.locator('[data-figure="offered"] .figure-value').textContent()), offered[0]);
    assert.match(await page.locator("#intervals tbody tr").first().textContent(), /provisional/);
    assert.match(page.url(), /queue=/);
    await page.clock.fastForward(REPORT_EVERY);
    await eventually(
      () => present().length,
      (times) => times >= 2,
    );
    const from = (line) => Date.parse(new URL(line.split(" ")[1], base).searchParams.get("from"));
    const [whole, later] = present().map(from);
    assert.ok(later - whole > 20 * 3_600_000, "only the open intervals");
  }));

test("today is held against the same weekday before: the whole of it in the chart, as much as is over in the totals", () =>
  on({ agents: 50 }, "/queues?range=today", async (page, mock, base) => {
    await page.waitForSelector("#intervals .before:not([hidden])");
    const asked = mock.requests
      .filter((line) => line.includes("queue_interval?"))
      .map((line) => new URL(line.split(" ")[1], base));
    const [from, to] = ["from", "to"].map((name) => Date.parse(asked[1].searchParams.get(name)));
    assert.ok(to - from >= 23 * 3_600_000 && to < Date.now(), "the whole day, a week before");
    assert.match(await page.locator("#compared").textContent(), /Totals up to/);
    assert.match(await page.locator('[data-figure="offered"] .figure-before').textContent(), /\d/);
    assert.match(await page.locator("#volume-legend").textContent(), /Offered a week before/);
    assert.match(await page.locator("#volume-legend .legend-time").textContent(), /provisional/);
    await page.keyboard.press("w");
    assert.equal(await page.locator("#intervals .before:not([hidden])").count(), 0);
    assert.doesNotMatch(await page.locator("#volume-legend").textContent(), /week before/);
    assert.match(page.url(), /compare=none/);
  }));

test("an interval that was corrected says so, and tells its history by keyboard too", () =>
  on({ agents: 50 }, "/queues", async (page, mock) => {
    const mark = page.locator("#intervals button.tag:visible").first();
    await mark.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#revisions tbody tr");
    const revisions = await texts(page, "#revisions tbody th");
    assert.deepEqual(revisions.slice(0, 2), ["2", "1"]);
    assert.match((await texts(page, ".changes"))[0], /offered \d+ is now \d+/);
    assert.match(mock.requests.at(-1), /queue_interval\/history\?source=/);
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#revisions").isHidden());
    assert.ok(await mark.evaluate((element) => element === document.activeElement), "and leads back");
  }));

test("staffing draws the largest groups, or those that were chosen", () =>
  on({ agents: 500 }, "/staffing", async (page) => {
    await page.waitForSelector("#list tbody tr");
    assert.equal(await page.locator("#list tbody tr").count(), 12);
    assert.equal(await page.locator("#legend .legend-item").count(), 6);
    await page.locator("#list tbody .choice", { hasText: "Manila / Sales" }).click();
    assert.deepEqual(
      await texts(page, "#legend .legend-item").then((all) => all.map((text) => text.replace(/ [\d.,–]+$/, ""))),
      ["Manila / Sales"],
    );
  }));

test("sources show health, lag, counts and partitions, and lead to what could not be used", () =>
  timed({ agents: 10 }, "/sources", async (page, mock, base) => {
    await page.waitForSelector("article.source");
    assert.deepEqual(await texts(page, "article.source h2"), ["connect-production", "archive"]);
    assert.deepEqual(await texts(page, ".health"), ["Up to date", "Starting"]);
    assert.deepEqual(await texts(page, "article.source summary"), ["3 partitions", "1 partition"]);
    mock.health = "failing";
    await page.clock.fastForward(SOURCES_EVERY);
    await eventually(
      () => texts(page, ".health"),
      ([first]) => first === "Failing",
    );
    assert.match(await page.locator(".source-error").first().textContent(), /cannot read shard 0001/);
    assert.equal(await page.locator(".counts a[href]").count(), 1, "of the other source nothing failed");
    await page.locator(".counts a[href]").click();
    await page.waitForURL(`${base}/repair?source=connect-production`);
  }));

test("dead letters by reason, each with its place, its record and what to do, by keyboard", () =>
  on({ agents: 10 }, "/repair", async (page) => {
    await page.waitForSelector("#reasons tbody tr");
    assert.equal(await page.locator("#reasons tbody tr").count(), 4);
    assert.equal(await page.locator("#letters tbody tr").count(), 100);
    await page.locator("#older").click();
    await eventually(
      () => page.locator("#letters tbody tr").count(),
      (number) => number === 140,
    );
    assert.ok(await page.locator("#older").isHidden());
    await page.locator("#reasons .choice", { hasText: "not a count" }).focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#letters tbody tr").count(), 35);
    await page.locator("#letters .choice").first().focus();
    await page.keyboard.press("Enter");
    assert.match(await page.locator("#letter-advice").textContent(), /^Mend the cell/);
    assert.match(await page.locator("#letter-facts").textContent(), /Line3Column2/);
    assert.equal(await page.locator(".record .broken").textContent(), "3Sales voice,twelve");
    assert.ok(await page.locator("#letter-previous").isDisabled(), "it is the newest");
    const first = await page.locator("#letter-facts").textContent();
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await page.locator("#letter-facts").textContent(), first);
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#letter").isHidden());
  }));

test("a dead letter is tried again, or dropped for a reason, and the next one comes", () =>
  on(
    { agents: 10, token: "pgb_secret" },
    "/sign-in",
    async (page, mock, base) => {
      await page.fill("#token", "pgb_secret");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${base}/`);
      await page.goto(`${base}/repair`);
      await page.locator("#letters .choice").nth(1).click();
      await page.locator("#retry").click();
      await eventually(
        () => page.locator("#outcome").textContent(),
        (text) => /is mended/.test(text),
      );
      assert.equal(await page.locator("#letters tbody tr").count(), 99);
      await page.locator("#retry").click();
      await eventually(
        () => page.locator("#outcome").textContent(),
        (text) => text === "Still not: not a count, as before",
      );
      await page.keyboard.press("Tab");
      await page.keyboard.type("a test of ours");
      await page.keyboard.press("Enter");
      await eventually(
        () => page.locator("#outcome").textContent(),
        (text) => /is dropped/.test(text),
      );
      assert.deepEqual(
        mock.mended.map(({ what, body, csrf }) => [what, body, csrf]),
        [
          ["retry", "", "proof"],
          ["retry", "", "proof"],
          ["drop", '{"comment":"a test of ours"}', "proof"],
        ],
      );
      assert.equal(await page.locator("#letters tbody tr").count(), 98);
    },
    { expected: NETWORK },
  ));

test("a reload is tried dry, started, watched and cancelled, by keyboard", () =>
  on({ agents: 10 }, "/repair", async (page, mock) => {
    await page.waitForSelector("#reload:not([hidden])");
    assert.ok(await page.locator("#no-reloads").isVisible());
    await page.locator("#reload-from").fill("2026-03-01");
    await page.locator("#reload-to").fill("2026-03-04");
    await page.locator("#reload-queues").fill("VIP, Sales voice");
    await page.locator("#preview").focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#changes tbody tr");
    assert.deepEqual((await texts(page, "#changes tbody td")).slice(2), ["VIP", "answered", "3", "4"]);
    await page.keyboard.press("Escape");
    assert.equal(mock.reloads.length, 0, "nothing was started");
    await page.locator("#reload-queues").focus();
    await page.keyboard.press("Enter");
    await eventually(
      () => texts(page, "#reloads .state"),
      ([state]) => state === "1 of 4 days, 42 s left",
    );
    const [{ source, from, to, queues, agents }] = mock.reloads;
    assert.deepEqual(
      [source, from, to, queues, agents],
      ["connect-production", "2026-03-01", "2026-03-04", ["VIP", "Sales voice"], []],
    );
    assert.equal(await page.locator("#reloads progress").getAttribute("value"), "0.25");
    await page.locator("#reloads button", { hasText: "Cancel" }).focus();
    await page.keyboard.press("Enter");
    await eventually(
      () => texts(page, "#reloads .state"),
      ([state]) => state === "Cancelled",
    );
    assert.ok(await page.locator("#reloads progress").isHidden());
  }));

test("who may not repair anything does not see the records, and is told so", () =>
  on({ agents: 10, role: "viewer" }, "/repair", async (page) => {
    await page.locator("#letters .choice").first().click();
    assert.match(await page.locator("#letter-record").textContent(), /only operators and admins/);
    assert.ok(await page.locator("#mending").isHidden());
    assert.ok(await page.locator("#reload").isHidden());
  }));

test("completeness tells a hole from silence, and a line is walked along by keyboard", () =>
  on({ agents: 10 }, "/checks", async (page) => {
    await page.waitForSelector(".strip");
    const line = page.locator('.strip-line[data-report="queue_interval"][data-origin="acd"]');
    assert.equal(await line.locator('[data-state="missing"]').count(), 3);
    assert.ok((await line.locator('[data-state="silent"]').count()) > 8);
    assert.equal(await line.locator('[data-count="missing"]').textContent(), "Missing 3");
    assert.deepEqual(
      (await texts(page, "#holes tbody td:nth-child(4)")).toSorted(),
      ["Gap", "Missing"],
      "neighbours are one stretch",
    );
    assert.match(await page.locator("#file-list").textContent(), /^Late QR-intraday, run of .*\*\.csv$/);
    const strip = line.locator(".strip");
    await strip.focus();
    await page.keyboard.press("Home");
    for (let times = 0; times < 30; times += 1) await page.keyboard.press("ArrowRight");
    assert.match(await strip.getAttribute("aria-valuetext"), /: missing · no file told of it$/);
    assert.match(await page.locator("#pointed").textContent(), /the ACD's QR-intraday · .*missing/);
    await page.keyboard.press("End");
    assert.equal(await strip.getAttribute("aria-valuenow"), await strip.getAttribute("aria-valuemax"));
  }));

test("reconciliation is narrowed, asks for days, tolerance and what agrees, and is there as a file", () =>
  on({ agents: 10 }, "/checks", async (page, mock, base) => {
    await page.waitForSelector("#differences tbody tr");
    const asked = () =>
      new URL(
        mock.requests
          .filter((line) => line.includes("reconciliation"))
          .at(-1)
          .split(" ")[1],
        base,
      );
    assert.ok((await page.locator("#differences tbody tr").count()) <= 200, "no more than one can read");
    assert.match(await page.locator("#tally").textContent(), /differ.*without a known reason.*by pegging/);
    await page.locator("#find").fill("retention");
    await eventually(
      () => texts(page, "#differences tbody td:nth-child(2)"),
      (all) => all.length > 0 && all.every((name) => name === "Retention"),
    );
    await page.locator("#unexplained").check();
    assert.ok((await texts(page, "#differences .reason")).every((text) => text === "not known"));
    await page.locator("#unexplained").uncheck();
    await page.locator("#differing").uncheck();
    await eventually(
      () => texts(page, "#differences .reason"),
      (all) => all.includes("agrees"),
    );
    await page.selectOption("#by", "day");
    await page.locator("#tolerance").fill("5");
    await page.keyboard.press("Tab");
    await eventually(asked, (url) => url.searchParams.get("tolerance") === "5");
    assert.deepEqual(
      ["by", "agreeing"].map((name) => asked().searchParams.get(name)),
      ["day", "true"],
    );
    const file = new URL(await page.locator("#csv").getAttribute("href"), base).searchParams;
    assert.deepEqual(
      ["format", "spreadsheet", "by", "tolerance"].map((name) => file.get(name)),
      ["csv", "true", "day", "5"],
    );
    assert.match(page.url(), /find=retention.*differing=false.*by=day.*tolerance=5/);
  }));

test("a window that is too long to compare is said, and the rest of the page goes on", () =>
  on(
    { agents: 10 },
    "/checks?range=7d",
    async (page) => {
      await page.waitForSelector(".strip.dense");
      await eventually(
        () => page.locator("#no-differences").textContent(),
        (text) => /shorter window/.test(text),
      );
      assert.ok(await page.locator("#banner").isHidden());
    },
    { expected: NETWORK },
  ));

test("a page that needs a token leads to the sign-in and back, and signing out ends it", () =>
  on(
    { agents: 20, token: "pgb_secret" },
    "/queues?range=today",
    async (page, mock, base) => {
      await page.waitForURL(/\/sign-in\?next=/);
      await page.fill("#token", "wrong");
      await page.keyboard.press("Enter");
      await eventually(
        () => page.locator("#problem").textContent(),
        (text) => /not valid/.test(text),
      );
      await page.fill("#token", "pgb_secret");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${base}/queues?range=today`);
      await eventually(
        () => page.locator("#who-name").textContent(),
        (text) => text === "planner · operator",
      );
      await page.locator("#sign-out").click();
      await page.waitForURL(`${base}/sign-in`);
    },
    { expected: NETWORK },
  ));

test("the sign-in leads nowhere but to this page", () =>
  on({ agents: 5 }, "/sign-in?next=//evil.example/x", async (page, mock, base) => {
    await page.waitForURL(`${base}/`);
  }));

test("colours follow the system and the switch, and the switch is remembered", () =>
  on(
    { agents: 20 },
    "/",
    async (page) => {
      await loaded(page);
      const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
      assert.equal(await theme(), "light");
      await page.keyboard.press("t");
      assert.equal(await theme(), "dark");
      await page.reload();
      assert.equal(await theme(), "dark");
    },
    { colorScheme: "light" },
  ));

test("a thousand agents and a hundred changes a second stay smooth", () =>
  on({ agents: 1000, rate: 100 }, "/?sort=-since", async (page) => {
    await loaded(page);
    await page.waitForTimeout(1000);
    await page.evaluate(() => {
      globalThis.longTasks = [];
      new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
        type: "longtask",
      });
    });
    const frames = await page.evaluate(
      (watched) =>
        new Promise((done) => {
          const end = performance.now() + watched * 1000;
          let count = 0;
          const next = () => {
            count += 1;
            document.getElementById("scroller").scrollTop += 20;
            if (performance.now() < end) requestAnimationFrame(next);
            else done(count);
          };
          next();
        }),
      WATCHED,
    );
    const tasks = await page.evaluate(() => longTasks);
    const worst = Math.max(0, ...tasks);
    console.log(
      `1,000 agents, 100 changes/s, scrolling for ${WATCHED} s: ${(frames / WATCHED).toFixed(1)} frames/s, ${tasks.length} tasks over 50 ms, the longest ${worst.toFixed(0)} ms`,
    );
    assert.ok(worst < 1000, `a task of ${worst} ms`);
  }));

function alarm(id, severity, subject) {
  const since = new Date(Date.now() - 600_000).toISOString();
  return {
    id,
    condition: "sink-failing",
    severity,
    title: "A sink takes nothing",
    subject,
    source: null,
    text: "3 tries in a row have failed, the last because of: <b>503</b>",
    advice: "See the target.",
    since,
    seen: since,
    ended: null,
    acknowledged: null,
    silence: null,
  };
}

test("alarms are counted in the bar, and attended to on their page", () =>
  on({ agents: 10 }, "/sources", async (page, mock) => {
    assert.equal(await page.locator("#alarm-count").textContent(), "");
    mock.alarms = [alarm(2, "warning", "wfm / reports"), alarm(1, "critical", "wfm / states")];
    await page.locator("#alarm-link").click();
    await eventually(
      () => texts(page, "#alarm-count"),
      ([number]) => number === "2",
    );
    assert.equal(await page.locator("#alarm-link").getAttribute("data-severity"), "critical");
    await page.locator("#alarms tr", { hasText: "wfm / states" }).locator(".choice").click();
    assert.match(await page.locator("#alarm-text").textContent(), /<b>503<\/b>/);
    await page.locator("#notice").fill("on it");
    await page.keyboard.press("Enter");
    await eventually(
      () => texts(page, "#outcome"),
      ([words]) => words === "Acknowledged.",
    );
    assert.equal(mock.alarms[1].acknowledged.comment, "on it");
    assert.equal(await page.locator("#alarm-link").getAttribute("data-severity"), "warning");
    await page.locator("#why").fill("it is being moved");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#speak:not([hidden])");
    assert.equal(mock.alarms[1].silence.comment, "it is being moved");
    await page.locator("#speak").click();
    await page.waitForSelector("#speak", { state: "hidden" });
    await page.keyboard.press("Escape");
    mock.alarms = [];
    await page.waitForSelector("#no-alarms:not([hidden])", { timeout: 15_000 });
    await eventually(
      () => texts(page, "#alarm-count"),
      ([number]) => number === "",
    );
  }));

test("who may not repair anything attends to no alarm", () =>
  on({ agents: 10, role: "viewer" }, "/alarms", async (page, mock) => {
    await page.waitForSelector("#no-alarms:not([hidden])");
    mock.alarms = [alarm(1, "critical", "wfm / states")];
    await page.locator("#alarms .choice").first().click({ timeout: 15_000 });
    assert.ok(await page.locator("#attending").isHidden());
  }));

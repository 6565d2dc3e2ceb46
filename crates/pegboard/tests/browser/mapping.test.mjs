// The page of mapping against the mock server, and its parts that need no browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { wordsOf } from "../../src/console/assets/js/mapping/suggestion.js";
import { TABLES, asRow, holdsIn, keyOf, matches } from "../../src/console/assets/js/mapping/tables.js";
import { eventually, launch, texts, visit } from "./harness.mjs";
import { MockServer } from "./mock-server.mjs";

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

async function on(options, check, { query = "", ...visiting } = {}) {
  const mock = new MockServer({ rate: 0, agents: 5, ...options });
  const base = await mock.start();
  try {
    await visit(browser, `${base}/mapping${query}`, (page) => check(page, mock), visiting);
  } finally {
    await mock.stop();
  }
}

const text = (page, id) => page.locator(`#${id}`).textContent();
const told = (page, id, wanted) => eventually(() => text(page, id), (words) => wanted.test(words));
const row = (page, words) => page.locator("#rows tbody tr", { hasText: words });

test("a suggestion is accepted by one button, and what it names leaves the list", () =>
  on({}, async (page, mock) => {
    await page.waitForSelector("#unmapped tbody tr");
    assert.equal(await text(page, "unmapped-title"), "Not mapped · 3");
    const [state, note] = await texts(page, "#unmapped tbody tr");
    assert.match(state, /^Lunch <img src=x> · lateLunch, closedAcceptStateconnect-production12.*ann, bob, cid and more$/);
    assert.match(note, /^left out: 3 contacts of agents/);
    assert.equal(await page.locator("#unmapped .accept:visible").count(), 3, "a note is about no name");
    await page.getByRole("button", { name: "Accept: Lunch" }).focus();
    await page.keyboard.press("Enter");
    await told(page, "inbox-outcome", /^Lunch <img src=x> is Lunch, closed from now on/);
    const { path, body } = mock.mapping.asked[0];
    assert.deepEqual([path, body.version], ["mapping/states/rows", 1]);
    assert.deepEqual(body.set, { event_id: "Lunch <img src=x>", activity_code: "Lunch", status: "closed" });
    assert.ok(!(await page.locator("#row").isVisible()), "the button is not the row");
    await eventually(() => text(page, "unmapped-title"), (title) => title === "Not mapped · 2");
    await eventually(() => text(page, "count-states"), (count) => count === "2");
    assert.equal(await row(page, "Lunch <img src=x>").count(), 1);
    assert.equal(await page.locator("main img").count(), 0);
  }));

test("long ids make no high rows, and whoever points at one sees all of it", () =>
  on({}, async (page, mock) => {
    const id = (number) => `arn:aws:connect:eu-central-1:111122223333:instance/5c1e20aa-7b3d-4f6a-9c11-0d2e5b7f8a91/queue/q-${number}`;
    const cells = { queue: id(1), wfm_queue_id: id(1), wfm_queue_name: "Web chat" };
    const row = { table: "queues", cells, complete: true };
    mock.delivery.names = [["queue", id(1), "Web chat CHAT inbound", id(1), [id(2), id(3), id(4), id(5)], row]];
    await page.reload();
    await page.waitForSelector("#unmapped tbody tr");
    for (const width of [1440, 1024, 400]) {
      await page.setViewportSize({ width, height: 900 });
      const [row] = await page.$$eval("#unmapped tbody tr", (rows) => rows.map((row) => row.offsetHeight));
      assert.ok(row <= 70, `${width}: the row is ${row} px high`);
    }
    assert.equal(await page.locator("#unmapped .clipped").first().getAttribute("title"), `Web chat CHAT inbound · ${id(1)}`);
    assert.equal(await page.locator("#unmapped .clipped").last().getAttribute("title"), [2, 3, 4, 5].map(id).join(", "));
  }));

test("a name is given another row than the suggested one, which says more", () =>
  on({}, async (page, mock) => {
    await page.locator("#unmapped .choice", { hasText: "q-7" }).click();
    assert.equal(await page.locator('#row-fields [name="channel"]').inputValue(), "CHAT");
    assert.equal(await page.evaluate(() => document.activeElement.name), "wfm_queue_id");
    await page.keyboard.type("101");
    await page.keyboard.press("Enter");
    await told(page, "table-outcome", /^Saved\. 1 of the names that wait get a row by it\.$/);
    const { body } = mock.mapping.asked.at(-1);
    assert.deepEqual([body.set.queue, body.set.direction, body.version], ["q-7", "inbound", 0]);
    assert.match(body.set.wfm_queue_id, /101$/);
  }));

test("a table is chosen, searched and remembered by its address, by keyboard", () =>
  on(
    {},
    async (page) => {
      await eventually(() => page.locator("#rows tbody tr:visible").count(), (rows) => rows === 3);
      assert.match(await text(page, "holds"), /^3 rows, version 1, by ann, /);
      await page.keyboard.press("/");
      await page.keyboard.type("P2 CID");
      assert.equal(await page.locator("#rows tbody tr:visible").count(), 1);
      assert.equal(await text(page, "found"), "1 of 3 rows");
      await page.locator('[name="table"][value="agents"]').focus();
      await page.keyboard.press("ArrowLeft");
      await told(page, "holds", /^No row yet/);
      assert.match(page.url(), /table=queues/);
      assert.ok(await page.locator("#no-rows").isVisible());
      assert.equal(await page.locator("#export").getAttribute("href"), "/api/v1/sinks/wfm/mapping/queues?format=csv");
    },
    { query: "?table=agents" },
  ));

test("of a table that nobody reads to its end the first rows are drawn, and what is searched is found", () =>
  on({}, async (page, mock) => {
    await page.waitForSelector("#rows tbody tr");
    const rows = Array.from({ length: 600 }, (_, index) => [`a${index + 1000}`, `P${index}`, "", "", ""]);
    Object.assign(mock.mapping.tables.agents, { rows });
    await page.locator('[name="table"][value="agents"]').check();
    await told(page, "found", /^600 of 600 rows, of which the first 500 are here/);
    assert.equal(await page.locator("#rows tbody tr:visible").count(), 500);
    await page.fill("#search", "a1599");
    await told(page, "found", /^1 of 600 rows$/);
  }));

test("a row is changed and removed; what it is for stays", () =>
  on({}, async (page, mock) => {
    await page.locator("#rows .choice").first().click();
    assert.ok(await page.locator('#row-fields [name="event_id"]').evaluate((field) => field.readOnly));
    await page.fill('#row-fields [name="activity_code"]', "Pause");
    await page.locator('#row-form button:has-text("Save")').click();
    await told(page, "table-outcome", /^Saved\.$/);
    assert.deepEqual(mock.mapping.tables.states.rows[0].slice(0, 3), ["Break <b>x</b>", "Pause", "closed"]);
    await eventually(() => texts(page, "#rows tbody td:nth-child(2)"), (codes) => codes.includes("Pause"));
    await page.locator("#rows .choice").first().click();
    await page.locator("#row-remove").click();
    await told(page, "table-outcome", /^Removed/);
    assert.deepEqual(mock.mapping.tables.states.rows, []);
  }));

test("a second row for the same is told before it replaces the first, and a fault before it is written", () =>
  on({}, async (page, mock) => {
    await page.waitForSelector("#rows tbody tr");
    await page.locator("#add").click();
    await page.fill('#row-fields [name="event_id"]', "BREAK <b>x</b>");
    await page.fill('#row-fields [name="activity_code"]', "Pause");
    await page.keyboard.press("Enter");
    await told(page, "row-outcome", /already: Break <b>x<\/b>, Break, closed\. Save again/);
    assert.equal(mock.mapping.tables.states.rows[0][1], "Break");
    await page.keyboard.press("Enter");
    await told(page, "table-outcome", /^Saved/);
    assert.equal(mock.mapping.tables.states.rows[0][1], "Pause");
    await page.locator("#add").click();
    await page.fill('#row-fields [name="event_id"]', "X");
    await page.locator('#row-fields [name="activity_code"]').evaluate((field) => field.removeAttribute("required"));
    await page.keyboard.press("Enter");
    await told(page, "row-outcome", /^it must say something <i>\. such as X\.$/);
  }));

test("a file is imported as it was shown: rows, names that get one, and faults with their place", () =>
  on({}, async (page, mock) => {
    await page.waitForSelector("#rows tbody tr");
    await page.locator("#import-open").click();
    const choose = (csv) =>
      page.setInputFiles("#import-file", { name: "states.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
    await choose("event_id,activity_code,status\nX,,closed\n");
    await told(page, "import-outcome", /^Nothing of it can be taken: 1 fault\.$/);
    assert.deepEqual(await texts(page, "#import-faults td"), ["2", "7", "it must say something <i>; such as X"]);
    assert.ok(await page.locator("#import-apply").isDisabled());
    await choose(new Uint8Array([0x4c, 0xe4, 0x0a]));
    await told(page, "import-outcome", /not UTF-8/);
    await choose("\ufeffevent_id,activity_code,status\nBreak <b>x</b>,Pause,closed\nLunch <img src=x>,Lunch,closed\n");
    await told(page, "import-outcome", /^1 row added, 1 changed, 0 removed\. 1 name that waits gets a row\.$/);
    assert.deepEqual(await texts(page, "#import-rows tbody td:nth-child(4)"), ["Break Pause", "Lunch"]);
    assert.match(await text(page, "import-names"), /Lunch <img src=x> · late/);
    assert.ok(mock.mapping.asked.every(({ body }) => body.dry_run), "nothing is written yet");
    mock.mapping.faster = true;
    await page.locator("#import-apply").click();
    await told(page, "import-outcome", /edited meanwhile/);
    await eventually(() => texts(page, "#import-rows .tag"), (tags) => tags.join() === "Changed,Added,Removed");
    await page.locator("#import-apply").click();
    await told(page, "table-outcome", /^Version 3: 1 row added, 1 changed, 1 removed/);
  }, { expected: /409/ }));

test("a version is brought back, and a table given back after it was asked twice", () =>
  on({}, async (page, mock) => {
    await page.waitForSelector("#rows tbody tr");
    await page.locator("#rows .choice").first().click();
    await page.locator("#row-remove").click();
    await told(page, "table-outcome", /^Removed/);
    await page.locator("#history-open").click();
    const lines = await texts(page, "#versions li");
    assert.match(lines[0], /^Version 2 .* by planner: 0 rows, holds/);
    assert.match(lines[1], /^Version 1 .* by ann: 1 row/);
    const link = page.getByRole("link", { name: "Version 1 as CSV" });
    assert.match(await link.getAttribute("href"), /mapping\/states\?format=csv&version=1$/);
    await page.getByRole("button", { name: "Bring back version 1" }).click();
    await told(page, "import-outcome", /^1 row added/);
    await page.locator("#import-apply").click();
    await told(page, "table-outcome", /^Version 3/);
    await page.locator("#history-open").click();
    await page.locator("#give-back").click();
    assert.match(await text(page, "give-back"), /^Really: no row of the folder/);
    assert.equal(mock.mapping.tables.states.holds, "edited");
    await page.locator("#give-back").click();
    await told(page, "holds", /^No row yet/);
  }));

test("who only looks sees all of it and changes nothing", () =>
  on({ role: "viewer" }, async (page, mock) => {
    await page.waitForSelector("#rows tbody tr");
    for (const id of ["add", "import-open"]) assert.ok(await page.locator(`#${id}`).isHidden(), id);
    assert.equal(await page.locator(".accept:visible").count(), 0);
    assert.equal(await page.locator("main .choice").count(), 0);
    await page.locator("#history-open").click();
    assert.equal(await page.locator("#versions li").count(), 1);
    assert.ok(await page.locator("#give-back").isHidden());
    assert.deepEqual(mock.mapping.asked, []);
  }));

test("it fits: no width makes the page itself scroll sideways, nor the bar, also for whoever signed in", () =>
  on(
    { token: "t" },
    async (page) => {
      const url = new URL("/mapping", page.url()).href;
      await page.context().addCookies([{ name: "pegboard_session", value: "yes", url }]);
      await page.goto(url);
      await page.waitForSelector("#rows tbody tr");
      await page.waitForSelector("#sign-out");
      for (const width of [2560, 2000, 1760, 1600, 1440, 1301, 1300, 1180, 1024, 900, 768, 640, 460, 400]) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${width}: the page is ${wide} px too wide`);
        const cut = await page.evaluate(() => {
          const edge = document.querySelector(".bar").getBoundingClientRect();
          const parts = [...document.querySelectorAll(".bar a, .bar button, .clock")].filter((part) => part.offsetParent);
          const rows = new Set(parts.map((part) => Math.round(part.getBoundingClientRect().top / 40)));
          const outside = parts.filter((part) => part.getBoundingClientRect().right > edge.right);
          return { outside: outside.map((part) => part.textContent), rows: rows.size };
        });
        assert.deepEqual(cut.outside, [], `${width}`);
        assert.ok(cut.rows <= (width > 560 ? 2 : 3), `${width}: the bar has ${cut.rows} lines`);
      }
    },
    { expected: /401/ },
  ));

test("a suggested row is told in a few words", () => {
  const queue = { queue: "q", wfm_queue_id: "101", wfm_queue_name: "Web chat", channel: "CHAT" };
  assert.equal(wordsOf({ table: "queues", cells: queue }), "101, Web chat");
  assert.equal(wordsOf({ table: "states", cells: { event_id: "L", activity_code: "L", status: "closed" } }), "L, closed");
  assert.equal(wordsOf({ table: "agents", cells: { agent: "7", wfm_agent_id: "7" } }), "7");
  assert.equal(wordsOf(null), "");
});

test("a row is known by what it is for, and found by its words", () => {
  const row = asRow(["agent", "wfm_agent_id"], ["Ann", "P1"]);
  assert.equal(keyOf("agents", row), keyOf("agents", { ...row, agent: "ANN", wfm_agent_id: "P2" }));
  assert.notEqual(keyOf("agents", row), keyOf("agents", { ...row, source: "acme" }));
  assert.ok(matches(row, "p1 an") && matches(row, "") && !matches(row, "p2"));
  assert.deepEqual(TABLES.agents.fields.filter(({ wfm }) => wfm).length, 2);
  const about = { holds: "folder", version: 0, rows: 1, folder_rows: 1, versions: [] };
  assert.equal(holdsIn(about, String), "1 row, as in the folder of the configuration.");
  const edited = { holds: "edited", version: 2, rows: 3, folder_rows: 1, versions: [{ by: "ann", at: "now" }] };
  assert.equal(holdsIn(edited, String), "3 rows, version 2, by ann, now. The 1 of the folder do not hold.");
});

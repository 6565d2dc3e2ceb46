// S36: whatever a platform lets people call themselves, their teams and their queues stays text: in every column, label, tooltip,
// chart and list of every page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, launch, visit } from "./harness.mjs";
import { MockServer } from "./mock-server.mjs";

/** Each tries another way out of being text. All of them would leave a mark that the tests look for. */
const PAYLOADS = [
  `<img src=x onerror="globalThis.owned=1">`,
  `"><script>globalThis.owned=1</script>`,
  `' onmouseover='globalThis.owned=1' x='`,
  `javascript:globalThis.owned=1`,
  `<svg onload=globalThis.owned=1><title>`,
  `</title></textarea></style><iframe srcdoc="<script>parent.owned=1</script>">`,
  "{{globalThis.owned=1}}${globalThis.owned=1}",
  `=HYPERLINK("https://evil.example","x")`,
  "\u202e\u0000\u2028",
];
/** What people or platforms name; times, numbers, classes and cursors are the hub's own words. */
const NAMED = new Set([
  "agent_name",
  "agent_login",
  "team",
  "routing_profile",
  "status_name",
  "reason",
  "event_id",
  "initiation",
  "channel",
  "direction",
  "contact_id",
  "queue_name",
  "group",
  "message",
  "partition",
  "payload",
  "position",
  "kind",
  "acd_report",
  "key",
  "old",
  "new",
  "name",
  "file",
  "changed",
]);
/** What stands in a mapping, where the sink keeps its own name: requests name it. */
const MAPPED = new Set([
  ...["id", "detail", "source", "agents", "suggestion", "rows", "by", "before", "after", "message", "help"],
  ...["event_id", "activity_code", "wfm_queue_id", "wfm_queue_name", "wfm_agent_id", "wfm_agent_value"],
]);
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The same value poisoned in the same way each time, so that what belongs together still does. */
function poisoned(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) % 100_003;
  return `${text} ${PAYLOADS[hash % PAYLOADS.length]}`;
}

function poison(value, key, named) {
  if (Array.isArray(value)) return value.map((item) => poison(item, key, named));
  if (value !== null && typeof value === "object")
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, poison(inner, key === "changed" ? key : name, named)]),
    );
  return typeof value === "string" && named.has(key) ? poisoned(value) : value;
}

/** A page all of whose answers are poisoned, and its check that nothing of it ran or became an element. */
async function hostile(path, check, named = NAMED) {
  const mock = new MockServer({ rate: 0, agents: 60 });
  const base = await mock.start();
  let answers = 0;
  try {
    await visit(
      browser,
      `${base}/sign-in-not-yet`,
      async (page) => {
        await page.route(/\/api\/v1\/(?!agents\/stream)/, async (route) => {
          const response = await route.fetch();
          const type = response.headers()["content-type"] ?? "";
          if (!type.includes("json")) return route.fulfill({ response });
          answers += 1;
          return route.fulfill({ response, json: poison(await response.json(), "", named) });
        });
        await page.goto(base + path);
        await check(page);
        await inert(page);
      },
      { expected: /404/ },
    );
    assert.ok(answers > 0, "nothing was poisoned");
  } finally {
    await mock.stop();
  }
}

async function inert(page) {
  const found = await page.evaluate(() => {
    const all = [...document.querySelectorAll("*")];
    const handlers = all.flatMap((element) => [...element.attributes].filter(({ name }) => name.startsWith("on")));
    return {
      owned: globalThis.owned,
      handlers: handlers.map(({ name }) => name),
      elements: all.filter((element) => element.matches("img[src=x], iframe, script:not([src]), svg[onload]")).length,
      links: all.filter(({ href }) => typeof href === "string" && /^\s*(javascript|data):/i.test(href)).length,
    };
  });
  assert.deepEqual(found, { owned: undefined, handlers: [], elements: 0, links: 0 });
}

/** Waits until a poisoned text is on the page, as text. */
function shows(page, selector, payload = /<img src=x|<script>|onmouseover|javascript:|<svg|<iframe|\{\{|HYPERLINK/) {
  return eventually(
    async () => (await page.locator(selector).allTextContents()).join("\n"),
    (text) => payload.test(text),
  );
}

/** Puts the pointer on everything that has more to tell. */
async function pointAtAll(page, selector) {
  for (const element of (await page.locator(selector).all()).slice(0, 20)) {
    if (await element.isVisible()) await element.hover({ force: true, timeout: 2000 }).catch(() => {});
  }
}

test("S36: the board and its panel", () =>
  hostile("/?signed-out=show", async (page) => {
    await page.waitForSelector("tr.agent");
    await shows(page, "tr.agent");
    await pointAtAll(page, "tr.agent td");
    await page.locator("tr.agent").first().click();
    await shows(page, "body");
    await page.keyboard.press("g");
    await page.keyboard.press("/");
    await page.keyboard.type("<img");
    await page.waitForTimeout(300);
  }));

test("S36: queues, their chart and their intervals", () =>
  hostile("/queues?range=today", async (page) => {
    await page.waitForSelector("tbody tr");
    await shows(page, "tbody");
    await page.locator("tbody tr").nth(1).click();
    await pointAtAll(page, "canvas, .u-over, [title], tbody td");
    await page.waitForTimeout(300);
  }));

test("S36: staffing, its legend and its chart", () =>
  hostile("/staffing", async (page) => {
    await shows(page, "#legend");
    await pointAtAll(page, "canvas, .u-over, [title], #legend .legend-item");
  }));

test("S36: the history of an interval", () =>
  hostile("/queues", async (page) => {
    await page.locator("#intervals button.tag:visible").first().click();
    await shows(page, "#revisions h3, #revisions td");
    await pointAtAll(page, "#revisions td");
  }));

test("S36: sources", () =>
  hostile("/sources", async (page) => {
    await page.waitForSelector("article.source");
    await pointAtAll(page, "[title]");
    await shows(page, "body");
  }));

test("S36: completeness and reconciliation", () =>
  hostile("/checks", async (page) => {
    await page.waitForSelector("#differences tbody tr");
    await shows(page, "#lines");
    await shows(page, "#holes tbody");
    await shows(page, "#differences tbody");
    await pointAtAll(page, ".strip .cell, [title]");
    await shows(page, "#pointed");
    await shows(page, "#file-list");
    await page.locator("#find").fill("<img");
  }));

test("S36: what a reload says and would change", () =>
  hostile("/repair", async (page) => {
    await page.locator("#reload-from").fill("2026-03-01");
    await page.locator("#preview").click();
    await shows(page, "#changes");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Enter");
  }));

test("S36: dead letters and their records", () =>
  hostile("/repair", async (page) => {
    await shows(page, "#reasons tbody");
    await shows(page, "#letters tbody");
    await page.locator("#letters .choice").first().click();
    for (let times = 0; times < 8; times += 1) await page.keyboard.press("ArrowRight");
    await shows(page, "#letter");
  }));

test("S36: a mapping, what it does not name, its versions and what an import would change", () =>
  hostile(
    "/mapping",
    async (page) => {
      await shows(page, "#unmapped tbody");
      await shows(page, "#rows tbody");
      await pointAtAll(page, "[title]");
      await page.locator("#history-open").click();
      await shows(page, "#versions");
      await page.keyboard.press("Escape");
      await page.locator("#import-open").click();
      const csv = "event_id,activity_code,status\nX,Y,closed\nLunch <img src=x>,L,closed\n";
      await page.setInputFiles("#import-file", { name: "x.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
      await shows(page, "#import-rows tbody");
      await shows(page, "#import-names");
      await page.keyboard.press("Escape");
      await page.locator("#rows .choice").first().click();
      assert.match(await page.locator('#row-fields [name="event_id"]').inputValue(), /Break/);
      await page.keyboard.press("Escape");
      await page.locator("#unmapped .accept").first().click();
      await shows(page, "#inbox-outcome");
    },
    MAPPED,
  ));

test("S36: the check finds what it looks for", () =>
  assert.rejects(
    hostile("/", async (page) => {
      await page.waitForSelector("tr.agent");
      await page.evaluate(() => {
        const image = document.createElement("img");
        image.setAttribute("src", "x");
        document.body.append(image);
      });
    }),
  ));

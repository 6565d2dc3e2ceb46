// The page against a hub at PEGBOARD_TEST_URL that has agents and needs no token, as `pegboard demo`: everything together.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { counter, eventually, launch, texts, visit } from "./harness.mjs";

const BASE = process.env.PEGBOARD_TEST_URL;
const CLASSES = ["talk", "hold", "acw", "ringing", "error", "aux", "available", "signed_out", "unknown"];
/** A history of a day is made at the start; on a slow machine that takes a while. */
const PATIENCE = 120_000;
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("the board shows every agent of the hub and follows the stream", () =>
  visit(browser, `${BASE}/`, async (page) => {
    const known = () => page.evaluate(async () => (await (await fetch("/api/v1/agents")).json()).agents.length);
    const counted = async () => {
      const counts = await Promise.all(CLASSES.map((id) => counter(page, id)));
      return counts.reduce((sum, value) => sum + value, 0);
    };
    await eventually(
      async () => [await counted(), await known()],
      ([shown, there]) => there > 0 && shown === there,
      PATIENCE,
    );
    await eventually(
      () => page.locator("#link-text").textContent(),
      (text) => text === "Live",
      PATIENCE,
    );
    const before = await texts(page, ".counter-number");
    await eventually(
      () => texts(page, ".counter-number"),
      (now) => now.join() !== before.join(),
      PATIENCE,
    );
    assert.ok(await page.locator("#who").isHidden(), "nobody signed in");
  }));

test("queues and staffing have figures, charts and intervals", async () => {
  for (const path of ["/queues", "/staffing"]) {
    await visit(browser, BASE + path, async (page) => {
      await page.waitForSelector("#list tbody tr", { timeout: PATIENCE });
      assert.ok((await page.locator("#intervals tbody tr").count()) > 3, path);
      assert.ok((await page.locator("canvas").count()) >= 1, path);
      assert.ok(
        (await texts(page, ".figure-value")).every((text) => text !== ""),
        path,
      );
    });
  }
});

test("the source is well", () =>
  visit(browser, `${BASE}/sources`, async (page) => {
    await eventually(
      () => texts(page, ".health"),
      (all) => all.includes("Up to date"),
      PATIENCE,
    );
  }));

test("an agent opens with the timeline of the last hours", () =>
  visit(browser, `${BASE}/`, async (page) => {
    await page.locator("tr.agent").first().click({ timeout: PATIENCE });
    await eventually(
      () => page.locator(".segments li").count(),
      (number) => number > 0,
    );
    assert.equal(await page.locator("#panel .problem").textContent(), "");
  }));

test("the ACD's own rows are there: completeness has holes, and differences have reasons", () =>
  visit(browser, `${BASE}/checks`, async (page) => {
    // The page looks again once a minute; here nobody waits so long.
    const looked = async (selector) => {
      await page.reload({ waitUntil: "networkidle" });
      return page.locator(selector).count();
    };
    await eventually(
      () => looked('.strip-line[data-origin="acd"]'),
      (lines) => lines >= 3,
      PATIENCE,
    );
    await eventually(
      () => looked('.cell[data-state="missing"]'),
      (cells) => cells > 0,
      PATIENCE,
    );
    await eventually(
      () => looked("#differences tbody tr"),
      (rows) => rows > 0,
      PATIENCE,
    );
    assert.match(await page.locator("#tally").textContent(), /by (ready time|pegging)/);
  }));

test("a name without a row is mapped by one button, and leaves the list when what waited goes out", () =>
  visit(browser, `${BASE}/mapping?table=queues`, async (page) => {
    // Both centres have a queue of this name.
    const chat = page.locator("#unmapped tbody tr", { hasText: "Web chat CHAT inbound" }).filter({ hasText: "simulated" });
    await chat.waitFor({ timeout: PATIENCE });
    const rows = Number(await page.locator("#count-queues").textContent());
    assert.ok(rows > 0, "the others have rows");
    assert.ok(Number(await page.locator("#count-agents").textContent()) >= 60, "and so has everybody");
    await chat.locator(".accept").click();
    await eventually(
      () => page.locator("#inbox-outcome").textContent(),
      (text) => /goes out within seconds/.test(text),
      PATIENCE,
    );
    await eventually(() => page.locator("#count-queues").textContent(), (text) => Number(text) === rows + 1, PATIENCE);
    await eventually(() => chat.count(), (left) => left === 0, PATIENCE);
  }));

test("what could not be used says where and what to do", () =>
  visit(browser, `${BASE}/repair`, async (page) => {
    await page.locator("#letters .choice").first().click({ timeout: PATIENCE });
    assert.ok((await page.locator("#letter-advice").textContent()).length > 20);
    await page.keyboard.press("Escape");
    await eventually(
      () => texts(page, "#reasons .choice"),
      (kinds) => kinds.some((kind) => /^report .*line/.test(kind)),
      PATIENCE,
    );
  }));

// The page of delivery against the mock server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { linesOf } from "../../src/console/assets/js/delivery/ledger.js";
import { eventually, launch, texts, visit } from "./harness.mjs";
import { MockServer } from "./mock-server.mjs";

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

async function on(options, check) {
  const mock = new MockServer({ rate: 0, agents: 5, ...options });
  const base = await mock.start();
  try {
    await visit(browser, `${base}/delivery`, (page) => check(page, mock));
  } finally {
    await mock.stop();
  }
}

test("a sink shows how it is doing and what it has of each interval, and a line is walked along by keyboard", () =>
  on({}, async (page) => {
    const queue = page.locator('.strip-line[data-report="cxone-queue-report"]');
    await eventually(
      () => queue.locator(".strip .cell[data-state=parked]").count(),
      (cells) => cells === 3,
    );
    assert.equal(await page.locator(".sink .health").textContent(), "Refusing");
    assert.match(await page.locator(".sink .lag").textContent(), /^2 h|^3 h/);
    assert.equal(await queue.locator(".cell[data-state=corrected]").count(), 1);
    assert.equal(await queue.locator('[data-count="parked"]').textContent(), "Not sent 3");
    const strip = queue.locator(".strip");
    await strip.focus();
    await page.keyboard.press("Home");
    const words = [];
    for (let step = 0; step < 110; step += 1) {
      await page.keyboard.press("ArrowRight");
      words.push(await strip.getAttribute("aria-valuetext"));
    }
    assert.ok(
      words.some((text) => /: parked · queueReport\[0\]/.test(text)),
      words.at(-12),
    );
    assert.ok(words.some((text) => /: corrected · revision 2$/.test(text)));
    assert.equal(await page.locator("#pointed").textContent(), `wfm, cxone-queue-report · ${words.at(-1)}`);
  }));

test("what is refused is told by reason, seen with its body, and retried, by keyboard", () =>
  on({}, async (page, mock) => {
    await page.locator("#reasons .choice").focus();
    await page.keyboard.press("Enter");
    await eventually(
      () => page.locator("#parked-words").textContent(),
      (text) => text === "wfm, cxone-queue-report: 3 intervals.",
    );
    assert.match(await page.locator("#parked-reason").textContent(), /no such queue <img/);
    await page.locator("#units .choice").first().focus();
    await page.keyboard.press("Enter");
    await eventually(() => texts(page, ".payload"), ([text]) => /<b>q<\/b>/.test(text ?? ""));
    await page.locator("#retry").focus();
    await page.keyboard.press("Enter");
    await eventually(
      () => page.locator("#outcome").textContent(),
      (text) => text === "3 intervals are sent again, as they are now.",
    );
    const [decided] = mock.delivery.decided;
    assert.deepEqual([decided.what, decided.body.report], ["retry", "cxone-queue-report"]);
    await eventually(
      () => page.locator("#no-parked").isVisible(),
      (none) => none,
    );
    assert.equal(await page.locator("main img").count(), 0);
  }));

test("what is dropped needs a reason, and a refused state is taken off the list", () =>
  on({}, async (page, mock) => {
    await page.locator("#reasons .choice").click();
    await page.locator("#drop button").click();
    assert.deepEqual(mock.delivery.decided, [], "the field is required");
    await page.fill("#comment", "closed that day");
    await page.locator("#drop button").click();
    await eventually(
      () => page.locator("#outcome").textContent(),
      (text) => /dropped/.test(text),
    );
    assert.equal(mock.delivery.decided[0].body.comment, "closed that day");
    await page.locator("#parked .buttons button").click();
    await page.locator("#refused .choice").click();
    await page.fill("#state-comment", "left");
    await page.locator("#drop-state button").click();
    await eventually(
      () => page.locator("#no-refused").isVisible(),
      (none) => none,
    );
    const { body } = mock.delivery.decided[1];
    assert.deepEqual(body, { source: "connect-production", agent_id: "ann", comment: "left" });
  }));

test("what is not mapped is told with what a row could say, until the list begins anew", () =>
  on({}, async (page, mock) => {
    await page.waitForSelector("#unmapped tbody tr");
    const [state, note] = await texts(page, "#unmapped tbody tr");
    assert.match(state, /^StateLunch <img src=x> · late.*ann, bob, cid and more.*Lunch,closed$/);
    assert.match(note, /^Noteleft out: 3 contacts of agents/);
    await page.locator("#forget").click();
    await eventually(
      () => page.locator("#no-unmapped").isVisible(),
      (none) => none,
    );
    assert.equal(mock.delivery.decided[0].what, "unmapped/forget");
  }));

test("who may not repair anything decides nothing", () =>
  on({ role: "viewer" }, async (page) => {
    await page.locator("#reasons .choice").click();
    await page.waitForSelector("#units tbody tr");
    assert.ok(await page.locator("#deciding").isHidden());
  }));

test("a line has a cell for each interval of the window, also where the ledger has none", () => {
  const delivery = (start, state, revision = 1) => ({ report: "r", interval_start: start, state, revision });
  const [line] = linesOf(
    "wfm",
    [
      delivery("2026-03-01T09:30:00Z", "parked"),
      delivery("2026-03-01T09:00:00Z", "acknowledged", 2),
      delivery("2026-03-01T09:15:00Z", "acknowledged"),
    ],
    [Date.parse("2026-03-01T08:50:00Z"), Date.parse("2026-03-01T10:00:00Z")],
  );
  assert.deepEqual(
    line.cells.map(({ state }) => state),
    ["none", "corrected", "acknowledged", "parked", "none"],
  );
  assert.deepEqual(line.counts, { expected: 3, acknowledged: 2, waiting: 0, parked: 1 });
});

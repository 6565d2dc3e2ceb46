// Chromium, and what every test of the page wants to know of it: did anything go wrong that nobody looked at?
//
// Needs PEGBOARD_TEST_CHROMIUM (the browser) and PEGBOARD_TEST_NODE_MODULES (where playwright-core is).

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { chromium } = createRequire(`${process.env.PEGBOARD_TEST_NODE_MODULES}/`)("playwright-core");
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function launch() {
  return chromium.launch({ executablePath: process.env.PEGBOARD_TEST_CHROMIUM, args: FLAGS });
}

/**
 * Opens an address in a window of its own, runs `check` and closes it. Fails if a script threw, the console showed an error, or
 * the content security policy was broken, but for those messages that `expected` matches. With `clock` the page's time can be
 * put forward (`page.clock.fastForward`), so that nobody waits for what the page does now and then.
 */
export async function visit(browser, address, check, { expected = /(?!)/, clock = false, ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text());
  });
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    ),
  );
  if (clock) await page.clock.install();
  try {
    await page.goto(address);
    await check(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(
    wrong.filter((text) => !expected.test(text)),
    [],
  );
}

/** Waits until `read` gives what `wanted` says, and fails with what it gave at last. */
export async function eventually(read, wanted, within = 8000) {
  const end = Date.now() + within;
  let last;
  do {
    last = await read();
    if (wanted(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (Date.now() < end);
  assert.fail(`still ${JSON.stringify(last)} after ${within} ms; wanted ${wanted}`);
}

/** The texts of all elements that match. */
export function texts(page, selector) {
  return page.locator(selector).allTextContents();
}

/** A counter of the board as a number. */
export async function counter(page, id) {
  const text = await page.locator(`.counter[data-class="${id}"] .counter-number`).textContent();
  return Number(text.replace(/\D/g, "") || Number.NaN);
}

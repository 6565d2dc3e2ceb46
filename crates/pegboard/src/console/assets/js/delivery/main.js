// Delivery: how sinks are doing, what they have of each interval, and what they refuse.

import { get } from "../lib/api.js";
import { windowOf } from "../lib/calendar.js";
import { now } from "../lib/clock.js";
import { arrange, byId, setText } from "../lib/dom.js";
import { count, moment } from "../lib/format.js";
import { showBanner, showLink, showLost, startShell } from "../lib/shell.js";
import { parameter, setParameter } from "../reports/page.js";
import { Decisions } from "./decisions.js";
import { linesOf } from "./ledger.js";
import { Parked } from "./parked.js";
import { RefusedStates } from "./refused.js";
import { SinkCard } from "./sink-card.js";
import { LedgerStrips } from "./strips.js";
import { Unmapped } from "./unmapped.js";

const EVERY = 5000;
/** How many pages of the ledger of one sink are drawn. */
const PAGES = 5;

/** @type {Map<string, SinkCard>} */
const cards = new Map();
const strips = new LedgerStrips();
const decisions = new Decisions();
const parked = new Parked(decisions, () => void look());
const unmapped = new Unmapped(decisions, () => void look());
const refused = new RefusedStates(decisions, () => void look());
let heard = Date.now();
let timer = 0;
/** Counts requests, so that an answer that was overtaken changes nothing. */
let turn = 0;

async function look() {
  clearTimeout(timer);
  const mine = ++turn;
  const window = windowOf(byId("range").value, now());
  try {
    const { sinks } = await get("sinks");
    const all = await Promise.all(sinks.map(({ name }) => of(name, window)));
    if (mine !== turn) return;
    heard = Date.now();
    showLink("live");
    showBanner(null);
    setText(byId("window"), `${moment(window[0], window[1])} to ${moment(window[1], window[1])}`);
    showSinks(sinks);
    strips.show(all.flatMap(({ lines }) => lines));
    parked.show(all.flatMap((sink) => sink.parked));
    unmapped.show(all.flatMap((sink) => sink.unmapped));
    refused.show(all.flatMap((sink) => sink.refused));
  } catch (error) {
    if (mine !== turn) return;
    showLost(heard, error);
  }
  if (mine === turn && document.visibilityState === "visible") timer = setTimeout(() => void look(), EVERY);
}

/** What the page shows of one sink. */
async function of(sink, window) {
  const path = `sinks/${encodeURIComponent(sink)}`;
  const [deliveries, { parked: reasons }, { refused_states: states }, { unmapped: names }] = await Promise.all([
    ledger(path, window),
    get(`${path}/parked`),
    get(`${path}/refused-states`, { limit: 100 }),
    get(`${path}/unmapped`, { limit: 100 }),
  ]);
  const owned = (items) => items.map((item) => ({ ...item, sink }));
  const lines = linesOf(sink, deliveries, window);
  return { lines, parked: owned(reasons), refused: owned(states), unmapped: owned(names) };
}

async function ledger(path, [from, to]) {
  const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const found = [];
  let before = null;
  for (let page = 0; page < PAGES; page += 1) {
    const { deliveries, next } = await get(`${path}/ledger`, { ...span, before });
    found.push(...deliveries);
    before = next;
    if (!next) break;
  }
  return found;
}

function showSinks(sinks) {
  for (const sink of sinks) {
    if (!cards.has(sink.name)) cards.set(sink.name, new SinkCard(sink.name, decisions, () => void look()));
    cards.get(sink.name).show(sink, now());
  }
  arrange(
    byId("sinks"),
    sinks.map(({ name }) => cards.get(name).element),
  );
  setText(byId("sinks-title"), `Sinks · ${count(sinks.length)}`);
  byId("main").classList.toggle("is-empty", sinks.length === 0);
  byId("empty").hidden = sinks.length > 0;
}

const range = byId("range");
if (["today", "yesterday", "7d"].includes(parameter("range"))) range.value = parameter("range");
range.addEventListener("change", () => {
  setParameter("range", range.value === "24h" ? null : range.value);
  void look();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void look();
});
startShell();
void decisions.ask().then(look);

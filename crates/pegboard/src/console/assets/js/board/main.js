// The board: who is doing what right now.

import { AgentFeed } from "../lib/agent-feed.js";
import { get } from "../lib/api.js";
import { everySecond, now } from "../lib/clock.js";
import { byId, setText } from "../lib/dom.js";
import { many, moment } from "../lib/format.js";
import { showBanner, showLink, startShell } from "../lib/shell.js";
import { shortcut } from "../lib/shortcuts.js";
import { Agents } from "./agents.js";
import { Counters } from "./counters.js";
import { candidates, countByClass, narrows, rowsOf, showsClass } from "./filter.js";
import { watchHealth } from "./health.js";
import { Panel } from "./panel.js";
import { Table } from "./table.js";
import { Toolbar } from "./toolbar.js";

/** What the stream does not tell (who fell silent, who was removed) is asked for this often. */
const RECONCILE = 60_000;
/** A shorter break of the connection is shown in the bar only. */
const PATIENCE = 2000;

const agents = new Agents();
const closedTeams = new Set();
/** @type {import("../lib/agent-feed.js").Link} */
let link = { state: "starting", heard: Date.now(), problem: null };
let lostAt = 0;
/** By the hub's clock: times stand still while nothing is known. */
let frozen = 0;
let illness = null;
/** @type {Set<string>} */
let illSources = new Set();
let loaded = false;
/** The order is stale: rows move at most once a second, so that the eye can follow. */
let reorder = false;
let frame = 0;

const toolbar = new Toolbar(() => order());
const counters = new Counters((id) => toolbar.toggleClass(id));
const panel = new Panel(presentOfBoard, () => {
  table.mark(null);
  byId("agents").focus({ preventScroll: true });
});
const table = new Table(
  {
    sort: (column) => toolbar.sortBy(column),
    fold: (team) => {
      if (!closedTeams.delete(team)) closedTeams.add(team);
      order();
    },
    open: (key) => panel.open(agents.get(key)),
  },
  presentOfBoard,
);
const feed = new AgentFeed({
  snapshot: ({ agents: list }) => {
    agents.replace(list);
    loaded = true;
    order();
  },
  state: (agent) => {
    agents.apply(agent, illSources.has(agent.source));
    reorder = true;
    schedule();
  },
  link: (next) => {
    if (next.state === "lost" && link.state !== "lost") {
      lostAt = Date.now();
      frozen = now();
    }
    link = next;
    showConnection();
  },
});

function presentOfBoard() {
  return link.state === "lost" ? frozen : now();
}

function schedule() {
  if (frame === 0) frame = requestAnimationFrame(draw);
}

/** What has changed, where it stands. */
function draw() {
  frame = 0;
  const shown = candidates(agents.values(), toolbar.filter);
  counters.show(countByClass(shown), toolbar.filter.classes);
  table.refresh((key) => agents.get(key));
  const open = panel.key === null ? undefined : agents.get(panel.key);
  if (open) panel.update(open);
}

/** All of it, in order. */
function order() {
  reorder = false;
  const { filter } = toolbar;
  const every = [...agents.values()];
  const shown = candidates(every, filter).filter((agent) => showsClass(agent, filter));
  const teams = distinct(every.map((agent) => agent.team));
  const sources = distinct(every.map((agent) => agent.source));
  table.showSort(filter.sort, filter.descending);
  table.showColumn("source", sources.length > 1);
  table.showColumn("team", !filter.grouped);
  table.show(rowsOf(shown, filter, closedTeams));
  toolbar.offer({ teams, sources, shown: shown.length, total: every.length });
  showEmpty(shown.length, every.length);
  draw();
}

function distinct(values) {
  return [...new Set(values)].filter(Boolean).sort((a, b) => a.localeCompare(b));
}

function showEmpty(shown, total) {
  byId("empty").hidden = shown > 0;
  byId("agents").classList.toggle("bare", shown === 0);
  if (shown > 0) return;
  const [title, text] = emptyWords(total);
  setText(byId("empty-title"), title);
  setText(byId("empty-text"), text);
  byId("empty-link").hidden = !loaded || total > 0;
}

function emptyWords(total) {
  if (!loaded) {
    if (link.state !== "lost") return ["Loading", "Asking the hub for all agents."];
    return ["The hub does not answer", "The board appears by itself as soon as it does."];
  }
  if (total === 0) {
    return [
      "No agents yet",
      "An agent appears here by himself with the first event that a source delivers. " +
        "If agents are working right now, look whether the sources are well.",
    ];
  }
  if (narrows(toolbar.filter))
    return ["No agent matches", "Clear the filters (Esc) to see everybody who is signed in."];
  return ["Nobody is signed in", `${many(total, "agent")} ${total === 1 ? "is" : "are"} known. “Show signed out” lists them.`];
}

function showConnection() {
  const stale = link.state === "live" && illness !== null;
  showLink(stale ? "stale" : link.state);
  if (link.state === "lost") {
    if (Date.now() - lostAt < PATIENCE) return;
    const since = moment(link.heard, Date.now());
    const text = loaded
      ? `Not connected since ${since} (${link.problem}). The board shows what was known then; trying again.`
      : `Not connected (${link.problem}); trying again.`;
    showBanner({ kind: "lost", text, retry: () => feed.retryNow() });
    if (!loaded) showEmpty(0, 0);
  } else {
    showBanner(illness === null ? null : { kind: "stale", text: illness });
  }
  byId("scroller").classList.toggle("outdated", link.state === "lost");
}

async function reconcile() {
  if (link.state !== "live") return;
  const asked = agents.changes;
  try {
    const { agents: list } = await get("agents");
    agents.reconcile(list, asked);
    order();
  } catch {
    // The stream tells if the hub is gone; the next time will do.
  }
}

function escape() {
  if (panel.key !== null) panel.close();
  else if (document.activeElement === byId("search") && toolbar.filter.text === "") byId("search").blur();
  else toolbar.clear();
}

function start() {
  startShell();
  shortcut("/", "Search", () => byId("search").focus());
  shortcut("g", "Group by team, or not", () => toolbar.set({ grouped: !toolbar.filter.grouped }));
  shortcut("o", "Show the signed out, or not", () => toolbar.set({ signedOut: !toolbar.filter.signedOut }));
  shortcut("a", "To the table: arrows move, Enter opens an agent", () => byId("agents").focus());
  shortcut("Escape", "Close the agent, or clear the filters", escape);
  order();
  feed.start();
  watchHealth((sentence, ill) => {
    const changed = [...ill].join("\n") !== [...illSources].join("\n");
    illness = sentence;
    illSources = ill;
    showConnection();
    if (changed) void reconcile();
  }, now);
  setInterval(() => void reconcile(), RECONCILE);
  everySecond(() => {
    table.tick();
    panel.tick();
    if (reorder) order();
    if (link.state === "lost") showConnection();
  });
}

start();

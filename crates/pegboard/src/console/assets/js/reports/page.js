// What the views of reports have in common: the window and its choice, the link to the same rows as a file, and what to show
// while there are none.

import { now } from "../lib/clock.js";
import { byId, make, setText } from "../lib/dom.js";
import { moment } from "../lib/format.js";
import { showBanner, showLink, showLost, startShell } from "../lib/shell.js";
import { ReportFeed, windowStart } from "./report-feed.js";

/**
 * Starts a view of an interval report.
 * @param {object} view
 * @param {string} view.report
 * @param {string[]} view.keys the columns that name a row
 * @param {string} view.nothing what to say where there are no rows
 * @param {(rows: import("./report-feed.js").Rows) => void} view.show
 */
export function startReport({ report, keys, nothing, show }) {
  startShell();
  let heard = Date.now();
  const feed = new ReportFeed(report, keys, {
    rows: (rows) => {
      heard = Date.now();
      showLink("live");
      showBanner(null);
      setText(byId("window"), `${moment(rows.from, rows.at)} to ${moment(rows.at, rows.at)}`);
      showEmpty(rows.rows.length === 0, nothing);
      if (rows.rows.length > 0) show(rows);
    },
    problem: (error) => showLost(heard, error),
  });
  const range = byId("range");
  range.value = parameter("range") === "today" ? "today" : "24h";
  const choose = () => {
    setParameter("range", range.value === "24h" ? null : range.value);
    byId("csv").href =
      `/api/v1/reports/${report}?format=csv&spreadsheet=true&from=${encodeURIComponent(new Date(windowStart(range.value, now())).toISOString())}`;
    feed.show(range.value);
  };
  range.addEventListener("change", choose);
  choose();
}

/** A value of the page's address. @param {string} name */
export function parameter(name) {
  return new URLSearchParams(location.search).get(name);
}

/** Sets it, or removes it with null. @param {string} name @param {string | null} value */
export function setParameter(name, value) {
  const query = new URLSearchParams(location.search);
  if (value === null || value === "") query.delete(name);
  else query.set(name, value);
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text && `?${text}`));
}

function showEmpty(empty, nothing) {
  const main = byId("main");
  main.classList.toggle("is-empty", empty);
  byId("empty").hidden = !empty;
  if (!empty || byId("empty").childElementCount > 0) return;
  byId("empty").append(
    make("h2", {}, "Nothing in this window yet"),
    make("p", {}, nothing),
    make("a", { href: "/sources" }, "Look at the sources"),
  );
}

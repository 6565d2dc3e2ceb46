// What every view has around it: navigation, clock, how the page hears from the hub, colours, keys, who is signed in.

import { startAlarmCount } from "./alarm-count.js";
import { everySecond } from "./clock.js";
import { byId, setAttribute, setText } from "./dom.js";
import { moment, time, zone } from "./format.js";
import { startSession } from "./session.js";
import { shortcut, showHelp, startShortcuts } from "./shortcuts.js";
import { startTheme, switchTheme } from "./theme.js";

const WORDS = { starting: "Connecting", live: "Live", stale: "Stale", lost: "Not connected", paused: "Paused" };

/** Brings the shell to life; once for each document. */
export function startShell() {
  startTheme();
  markNavigation();
  everySecond(showClock);
  showClock();
  shortcut("?", "This list", showHelp);
  shortcut("t", "Colours: system, dark, light", switchTheme);
  startShortcuts();
  void startSession();
  if (document.documentElement.dataset.view !== "sign-in") void startAlarmCount();
}

/**
 * How the page hears from the hub, in the bar.
 * @param {"starting" | "live" | "stale" | "lost" | "paused"} state
 */
export function showLink(state) {
  setAttribute(byId("link"), "data-link", state);
  setText(byId("link-text"), WORDS[state]);
}

/**
 * A sentence across the page, or none.
 * @param {{ kind: "lost" | "stale", text: string, retry?: () => void } | null} banner
 */
export function showBanner(banner) {
  const element = byId("banner");
  element.hidden = banner === null;
  if (banner === null) {
    setText(byId("banner-text"), "");
    return;
  }
  setAttribute(element, "data-kind", banner.kind);
  setText(byId("banner-text"), banner.text);
  byId("banner-retry").hidden = !banner.retry;
  byId("banner-retry").onclick = banner.retry ?? null;
}

/**
 * The hub does not answer, and is asked again.
 * @param {number} heard when it last did, in ms since 1970
 * @param {Error} error
 */
export function showLost(heard, error) {
  showLink("lost");
  const since = moment(heard, Date.now());
  showBanner({ kind: "lost", text: `Nothing new since ${since} (${error.message}); trying again.` });
}

function markNavigation() {
  const view = document.documentElement.dataset.view;
  document.querySelectorAll("[data-nav]").forEach((link, index) => {
    if (link.dataset.nav === view) link.setAttribute("aria-current", "page");
    shortcut(String(index + 1), `Go to ${link.querySelector("span").textContent}`, () => location.assign(link.href));
  });
}

function showClock() {
  const now = Date.now();
  setText(byId("clock"), time(now));
  setText(byId("zone"), zone(now));
}

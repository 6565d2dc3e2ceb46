// Keys. Those of a single character can be switched off (WCAG 2.1.4): people who speak to their computer, or whose hand slips,
// would trigger them by accident.

import { byId, make } from "./dom.js";
import { recall, remember } from "./preferences.js";

/** @type {Map<string, { words: string, run: () => void }>} */
const SHORTCUTS = new Map();

/**
 * Adds a key of this view.
 * @param {string} key as `KeyboardEvent.key` names it
 * @param {string} words what it does
 * @param {() => void} run
 */
export function shortcut(key, words, run) {
  SHORTCUTS.set(key, { words, run });
}

/** Listens, and makes the list behind the button. */
export function startShortcuts() {
  const enabled = /** @type {HTMLInputElement} */ (byId("help-enabled"));
  enabled.checked = recall("keys") !== "off";
  enabled.addEventListener("change", () => {
    remember("keys", enabled.checked ? null : "off");
    document.documentElement.dataset.keys = enabled.checked ? "on" : "off";
  });
  byId("help-open").addEventListener("click", showHelp);
  document.addEventListener("keydown", (event) => {
    const found = SHORTCUTS.get(event.key);
    if (!found || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const single = event.key.length === 1;
    if (single && (!enabled.checked || isTyping(event.target))) return;
    if (byId("help").open) return;
    if (single) event.preventDefault();
    found.run();
  });
}

/** Opens the list. */
export function showHelp() {
  const list = byId("help-keys");
  list.replaceChildren();
  for (const [key, { words }] of SHORTCUTS) {
    list.append(make("dt", {}, make("kbd", {}, key === "Escape" ? "Esc" : key)), make("dd", {}, words));
  }
  byId("help").showModal();
}

function isTyping(target) {
  return (
    target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")
  );
}

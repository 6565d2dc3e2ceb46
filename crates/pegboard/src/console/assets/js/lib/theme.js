// Dark, light, or as the system says; the switch goes round in that order.

import { byId, setAttribute, setIcon } from "./dom.js";
import { recall, remember } from "./preferences.js";

const SYSTEM = matchMedia("(prefers-color-scheme: light)");
const NEXT = { auto: "dark", dark: "light", light: "auto" };
const WORDS = { auto: "as the system", dark: "dark", light: "light" };

/** Fires `themechange` on the document when colours have changed: what is painted on a canvas must be painted again. */
export function startTheme() {
  byId("theme").addEventListener("click", switchTheme);
  SYSTEM.addEventListener("change", show);
  show();
}

/** Goes on to the next choice. */
export function switchTheme() {
  const next = NEXT[choice()];
  remember("theme", next === "auto" ? null : next);
  show();
}

/** @returns {"auto" | "dark" | "light"} */
function choice() {
  const chosen = recall("theme");
  return chosen === "dark" || chosen === "light" ? chosen : "auto";
}

function show() {
  const chosen = choice();
  const theme = chosen === "auto" ? (SYSTEM.matches ? "light" : "dark") : chosen;
  const root = document.documentElement;
  const changed = root.dataset.theme !== theme;
  root.dataset.theme = theme;
  setAttribute(byId("theme"), "aria-label", `Colours: ${WORDS[chosen]}`);
  setIcon(byId("theme").firstElementChild, `theme-${chosen}`);
  if (changed) document.dispatchEvent(new Event("themechange"));
}

/** A colour of tokens.css, as it is now. @param {string} name without the dashes */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

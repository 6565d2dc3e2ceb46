// Repair: days that are made anew, and what could not be used.

import { get } from "../lib/api.js";
import { byId, setText } from "../lib/dom.js";
import { moment } from "../lib/format.js";
import { showBanner, showLink, showLost, startShell } from "../lib/shell.js";
import { Letters } from "./letters.js";
import { Reloads } from "./reloads.js";

const EVERY = 5000;

const letters = new Letters();
const reloads = new Reloads();
/** How many records had failed when the letters were last asked for. */
let failed = null;
let heard = Date.now();

async function look() {
  try {
    const { sources } = await get("sources");
    const names = sources.map(({ name }) => name);
    letters.offer(names);
    reloads.offer(names);
    const failing = sources.map(({ counts }) => counts.failed).join();
    if (failing !== failed) await letters.refresh();
    failed = failing;
    heard = Date.now();
    setText(byId("window"), `as of ${moment(heard, heard)}`);
    showLink("live");
    showBanner(null);
  } catch (error) {
    showLost(heard, error);
  }
  setTimeout(look, EVERY);
}

startShell();
void look();

// Sources: how each is doing.

import { get } from "../lib/api.js";
import { everySecond, now } from "../lib/clock.js";
import { arrange, byId, make, setText } from "../lib/dom.js";
import { count, moment } from "../lib/format.js";
import { showBanner, showLink, showLost, startShell } from "../lib/shell.js";
import { SourceCard } from "./card.js";

const EVERY = 5000;

/** @type {Map<string, SourceCard>} */
const cards = new Map();
let heard = Date.now();

async function look() {
  try {
    const { sources } = await get("sources");
    heard = Date.now();
    show(sources);
    showLink("live");
    showBanner(null);
  } catch (error) {
    showLost(heard, error);
  }
  setTimeout(look, EVERY);
}

function show(sources) {
  for (const source of sources) {
    if (!cards.has(source.name)) cards.set(source.name, new SourceCard(source.name));
    cards.get(source.name).show(source, now());
  }
  arrange(
    byId("sources"),
    sources.map(({ name }) => cards.get(name).element),
  );
  setText(byId("window"), `${count(sources.length)} configured · as of ${moment(heard, heard)}`);
  byId("empty").hidden = sources.length > 0;
  if (sources.length > 0 || byId("empty").childElementCount > 0) return;
  byId("empty").append(
    make("h2", {}, "No source is configured"),
    make(
      "p",
      {},
      "Add one to pegboard.toml and start the hub again; pegboard init writes a file with comments to begin with.",
    ),
  );
}

startShell();
void look();
everySecond(() => {
  for (const card of cards.values()) card.tick(now());
});

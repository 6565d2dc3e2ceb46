// One source.

import { arrange, icon, make, setAttribute, setIcon, setText } from "../lib/dom.js";
import { NONE, count, duration, many, moment } from "../lib/format.js";

const HEALTH = {
  starting: { words: "Starting", picture: "stale" },
  ok: { words: "Up to date", picture: "available" },
  lagging: { words: "Behind", picture: "warning" },
  failing: { words: "Failing", picture: "error" },
  stopped: { words: "Stopped", picture: "error" },
};
const COUNTS = [
  ["records", "Records", "All that was ever read"],
  ["events", "Agent events", ""],
  ["contacts", "Contacts", "Versions of contacts"],
  ["duplicates", "Duplicates", "Events that had been seen before"],
  ["foreign", "Foreign", "Records of something else on the same stream"],
  ["failed", "Failed", "Records that could not be used: see the dead letters"],
];

/** Shows texts under their title, or neither where there are none. */
function list(title, element, texts) {
  title.hidden = texts.length === 0;
  element.hidden = texts.length === 0;
  if (element.textContent !== texts.join("")) element.replaceChildren(...texts.map((text) => make("li", {}, text)));
}

export class SourceCard {
  #picture = icon("stale");
  #health = make("span");
  #badge = make("span", { class: "health" }, this.#picture, this.#health);
  #kind = make("span", { class: "hint" });
  #lag = make("dd", { class: "lag" });
  #watermark = make("dd");
  #closed = make("dd");
  #agents = make("dd");
  #repaired = make("dd");
  #repairs;
  #error = make("p", { class: "source-error", role: "alert" });
  #fallback = make("p", { class: "source-fallback hint", role: "status" });
  #gapsTitle = make("h3", {}, "Lost for good");
  #gaps = make("ul", { class: "gaps" });
  #noticesTitle = make("h3", {}, "Changed");
  #notices = make("ul", { class: "gaps" });
  #counts = new Map();
  #partitions = make("tbody");
  #summary = make("summary");
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  #source = null;

  /** @param {string} name */
  constructor(name) {
    const fact = (label, value, title) => make("div", { title }, make("dt", {}, label), value);
    const counts = make("dl", { class: "counts" });
    for (const [id, label, title] of COUNTS) {
      const value = make("dd");
      if (id === "failed") value.append(make("a"));
      this.#counts.set(id, value.firstElementChild ?? value);
      counts.append(fact(label, value, title || null));
    }
    const heads = ["Partition", "Behind", "Complete up to", "Position"].map((label) =>
      make("th", { scope: "col" }, label),
    );
    this.#repairs = fact("Repaired", this.#repaired, "Agents whom the platform itself showed in another state");
    this.element = make(
      "article",
      { class: "card source" },
      make("header", { class: "card-head" }, make("h2", {}, name), this.#kind, this.#badge),
      make(
        "dl",
        { class: "facts" },
        fact("Behind", this.#lag, "How far its slowest partition is behind the newest record"),
        fact("Complete up to", this.#watermark, "Everything of it is known up to here"),
        fact("Intervals closed until", this.#closed, "Reports up to here are final, but for corrections"),
        fact("Agents", this.#agents, null),
        this.#repairs,
      ),
      this.#error,
      this.#fallback,
      counts,
      this.#gapsTitle,
      this.#gaps,
      this.#noticesTitle,
      this.#notices,
      make(
        "details",
        {},
        this.#summary,
        make(
          "div",
          { class: "table-wrap" },
          make("table", { class: "data partitions" }, make("thead", {}, make("tr", {}, ...heads)), this.#partitions),
        ),
      ),
    );
  }

  /** @param {object} source as the API gives it @param {number} now */
  show(source, now) {
    this.#source = source;
    const { words, picture } = HEALTH[source.health] ?? { words: source.health, picture: "unknown" };
    setAttribute(this.element, "data-health", source.health);
    setIcon(this.#picture, picture);
    setText(this.#health, words);
    setText(this.#kind, source.kind);
    setText(this.#agents, count(source.agents));
    setText(this.#closed, source.closed_until ? moment(Date.parse(source.closed_until), now) : NONE);
    setText(
      this.#error,
      source.error ? `Since ${moment(Date.parse(source.error.at), now)}: ${source.error.message}` : "",
    );
    setText(this.#fallback, source.fallback ?? "");
    for (const [id, element] of this.#counts) setText(element, count(source.counts[id]));
    const failed = this.#counts.get("failed");
    failed.classList.toggle("bad", source.counts.failed > 0);
    const letters = `/repair?source=${encodeURIComponent(source.name)}`;
    setAttribute(failed, "href", source.counts.failed > 0 ? letters : null);
    this.#showRepairs(source.reconciler, now);
    this.#showGaps(source.gaps ?? [], now);
    this.#showNotices(source.notices ?? [], now);
    this.#showPartitions(source.partitions, now);
    this.tick(now);
  }

  /** What the platform's own snapshot came to, where the source has one. */
  #showRepairs(reconciler, now) {
    this.#repairs.hidden = !reconciler;
    if (!reconciler) return;
    const looked = reconciler.looked ? `, looked ${moment(Date.parse(reconciler.looked), now)}` : "";
    const waits = reconciler.waits ? ", waits until the stream is caught up with" : "";
    const disputed = reconciler.disputed > 0 ? `, ${count(reconciler.disputed)} disputed` : "";
    setText(this.#repaired, `${count(reconciler.repaired)}${disputed}${looked}${waits}`);
  }

  /** Stretches of the stream that nobody will ever read: time in them is unknown. */
  #showGaps(gaps, now) {
    const texts = gaps.map(({ partition, reason, from, to, at }) => {
      const stretch = [from, to].map((end) => (end ? moment(Date.parse(end), now) : "an unknown time")).join(" to ");
      return `${partition}, ${stretch}: ${reason} (noticed ${moment(Date.parse(at), now)})`;
    });
    list(this.#gapsTitle, this.#gaps, texts);
  }

  /** What a person should know of and nothing is lost by, such as a queue that has another name. */
  #showNotices(notices, now) {
    const texts = notices.map(({ at, message }) => `Since ${moment(Date.parse(at), now)}: ${message}`);
    list(this.#noticesTitle, this.#notices, texts);
  }

  /** Counts on: the watermark stands still while the clock does not. @param {number} now */
  tick(now) {
    const { behind_s: behind, watermark } = this.#source;
    setText(this.#lag, behind === null || behind === undefined ? NONE : duration(behind * 1000));
    setText(this.#watermark, watermark ? moment(Date.parse(watermark), now) : NONE);
  }

  #showPartitions(partitions, now) {
    const finished = partitions.filter((partition) => partition.finished).length;
    setText(
      this.#summary,
      `${many(partitions.length, "partition")}${finished > 0 ? `, ${count(finished)} finished` : ""}`,
    );
    const kept = new Map();
    for (const partition of partitions) {
      const row =
        this.#rows.get(partition.id) ??
        make(
          "tr",
          {},
          make("th", { scope: "row" }),
          make("td", { class: "number" }),
          make("td"),
          make("td", { class: "position" }),
        );
      const [name, lag, watermark, position] = row.children;
      setText(name, partition.id);
      setText(
        lag,
        partition.finished ? "finished" : partition.behind_s === null ? NONE : duration(partition.behind_s * 1000),
      );
      setText(watermark, partition.watermark ? moment(Date.parse(partition.watermark), now) : NONE);
      setText(position, String(partition.position ?? NONE));
      kept.set(partition.id, row);
    }
    this.#rows = kept;
    arrange(this.#partitions, [...kept.values()]);
  }
}

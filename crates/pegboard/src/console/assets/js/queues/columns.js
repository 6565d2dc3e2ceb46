// The columns of the tables of queues: what stands in a cell, and beside it, smaller, what stood there a week before.

import { make, setText } from "../lib/dom.js";
import { count, percent, seconds } from "../lib/format.js";
import { abandonRate, meanAcw, meanHandle, serviceLevel, speedOfAnswer } from "../reports/math.js";

/** The sums of a queue or an interval, and of the same a week before. @typedef {{ sum: import("../reports/math.js").QueueSum, before: import("../reports/math.js").QueueSum | null }} Entry */

export const NUMBERS = [
  compared("offered", "Offered", (sum) => sum.offered, count, "Entered the queue"),
  compared("answered", "Answered", (sum) => sum.answered, count, "Reached an agent"),
  compared("abandoned", "Abandoned", (sum) => sum.abandoned, count, "Left before an agent answered"),
  number("rate", "Aband. %", ({ sum }) => abandonRate(sum), percent, "Abandoned of offered"),
];
export const TIMES = [
  number("speed", "Answer", ({ sum }) => speedOfAnswer(sum), seconds, "Mean time in queue of those answered"),
  number("longest", "Longest", ({ sum }) => sum.longest_s, seconds, "Longest time in queue"),
  compared("handle", "Handle", meanHandle, seconds, "Mean talk and hold, without after-contact work"),
  number("acw", "ACW", ({ sum }) => meanAcw(sum), seconds, "Mean after-contact work"),
];
export const LEVEL = compared(
  "level",
  "Service level",
  serviceLevel,
  percent,
  "Answered within the threshold",
  (cell, { sum }) => {
    if (cell.childElementCount === 0)
      cell.append(make("span", { class: "meter", "aria-hidden": "true" }), make("span"));
    const level = serviceLevel(sum);
    cell.firstElementChild.style.setProperty("--level", String((level ?? 0) / 100));
    setText(cell.lastElementChild, percent(level));
  },
);

function number(id, label, value, text, title) {
  return { id, label, title, number: true, value, text: (entry) => text(value(entry)) };
}

/** A number with that of a week before beside it. `fill` fills what stands first; else it is the number's text. */
function compared(id, label, of, text, title, fill = (cell, { sum }) => setText(cell, text(of(sum)))) {
  return {
    ...number(id, label, ({ sum }) => of(sum), text, title),
    fill: (cell, entry) => {
      if (cell.childElementCount === 0)
        cell.append(
          make("span"),
          make("span", { class: "sr-only" }, ", a week before "),
          make("span", { class: "before" }),
        );
      const [present, words, before] = cell.children;
      fill(present, entry);
      words.hidden = entry.before === null;
      before.hidden = entry.before === null;
      setText(before, entry.before === null ? "" : text(of(entry.before)));
    },
  };
}

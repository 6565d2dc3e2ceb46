// The big numbers: how many agents are in each class. Each is a switch of the filter.

import { CLASSES } from "../lib/classes.js";
import { byId, icon, make, setAttribute, setText } from "../lib/dom.js";
import { count } from "../lib/format.js";

export class Counters {
  #root = byId("counters");
  /** @type {Map<string, { button: HTMLElement, number: HTMLElement, share: HTMLElement }>} */
  #parts = new Map();

  /** @param {(id: import("../lib/classes.js").Class) => void} toggle */
  constructor(toggle) {
    for (const { id, label, meaning } of CLASSES) {
      const number = make("span", { class: "counter-number" }, "–");
      const share = make("span", { class: "counter-share" });
      const button = make(
        "button",
        { type: "button", class: "counter", "data-class": id, "aria-pressed": "false", title: meaning },
        icon(id),
        make("span", { class: "counter-label" }, label),
        number,
        share,
      );
      button.addEventListener("click", () => toggle(id));
      this.#parts.set(id, { button, number, share });
      this.#root.append(button);
    }
  }

  /**
   * @param {Map<string, number>} counts
   * @param {Set<string>} pressed
   */
  show(counts, pressed) {
    let total = 0;
    for (const value of counts.values()) total += value;
    setAttribute(this.#root, "data-filtered", pressed.size > 0);
    for (const [id, { button, number, share }] of this.#parts) {
      const value = counts.get(id);
      setText(number, count(value));
      share.style.setProperty("--share", String(total === 0 ? 0 : value / total));
      setAttribute(button, "data-empty", value === 0);
      setAttribute(button, "aria-pressed", pressed.has(id) ? "true" : "false");
    }
  }
}

// A whole picture of who is in which state that a sink is not sent, and the button that has it sent all the same.

import { make, setText } from "../lib/dom.js";
import { moment } from "../lib/format.js";

export class Hold {
  element;
  #why = make("p", { class: "source-error" });
  #form;
  #comment = make("input", { maxlength: "500", required: "", autocomplete: "off", placeholder: "why it is right as it is" });
  #outcome = make("p", { class: "outcome", role: "status" });
  #decisions;

  /** @param {string} sink @param {import("./decisions.js").Decisions} decisions @param {() => void} changed something was decided */
  constructor(sink, decisions, changed) {
    this.#decisions = decisions;
    this.#comment.setAttribute("aria-label", `Send agents' states to ${sink} all the same, because`);
    this.#form = make("form", { class: "mending" }, this.#comment, make("button", {}, "Send all the same"));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#release(sink, changed);
    });
    this.element = make("div", { class: "hold", hidden: "" }, this.#why, this.#form, this.#outcome);
  }

  /** @param {{ since: string, reason: string, released: string | null } | null | undefined} hold @param {number} at ms */
  show(hold, at) {
    this.element.hidden = !hold;
    if (!hold) return;
    const { since, reason, released } = hold;
    const held = `Agents' states are held back since ${moment(Date.parse(since), at)}: ${reason}.`;
    setText(this.#why, released ? `${held} They are sent all the same.` : held);
    this.#form.hidden = Boolean(released) || !this.#decisions.may;
  }

  async #release(sink, changed) {
    setText(this.#outcome, "");
    try {
      await this.#decisions.make(sink, "release", { comment: this.#comment.value.trim() });
      this.#comment.value = "";
      changed();
    } catch (error) {
      setText(this.#outcome, error.message);
    }
  }
}

// What becomes of a dead letter: it is tried again, or given up for a reason that the audit log keeps.

import { request } from "../lib/api.js";
import { byId, setAttribute, setText } from "../lib/dom.js";
import { mayRepair, whoAmI } from "../lib/session.js";

export class Mending {
  #id = 0;
  #csrf = null;
  #may = false;
  #gone;

  /** @param {(id: number) => void} gone the letter is mended or dropped */
  constructor(gone) {
    this.#gone = gone;
    byId("retry").addEventListener("click", () => void this.#act("retry"));
    byId("drop").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#act("drop", { comment: byId("comment").value.trim() });
    });
    void this.#ask();
  }

  /** @param {number} id of the letter that is shown */
  offer(id) {
    this.#id = id;
    byId("comment").value = "";
    byId("mending").hidden = !this.#may;
  }

  async #ask() {
    try {
      const session = await whoAmI();
      this.#csrf = session.csrf;
      this.#may = mayRepair(session);
      byId("mending").hidden = !this.#may;
    } catch {
      // The views say what is wrong with the hub; nobody who is not known repairs anything.
    }
  }

  /** @param {"retry" | "drop"} what @param {object} [body] */
  async #act(what, body) {
    const id = this.#id;
    this.#busy(true);
    this.#tell("", what === "retry" ? "Trying again …" : "Dropping …");
    try {
      const answer = await request("POST", `dead-letters/${id}/${what}`, { body, csrf: this.#csrf });
      if (answer?.mended === false) {
        this.#tell("bad", `Still not: ${answer.reason}`);
      } else {
        this.#gone(id);
        this.#tell(
          "good",
          what === "retry" ? "The one before is mended: what it says is in the reports." : "The one before is dropped.",
        );
      }
    } catch (error) {
      if (error.status === 404) {
        this.#gone(id);
        this.#tell("good", "Somebody else was faster: the one before is gone.");
      } else {
        this.#tell("bad", error.message);
      }
    }
    this.#busy(false);
  }

  #busy(busy) {
    for (const button of byId("mending").querySelectorAll("button")) button.disabled = busy;
  }

  #tell(kind, words) {
    setAttribute(byId("outcome"), "data-kind", kind || null);
    setText(byId("outcome"), words);
  }
}

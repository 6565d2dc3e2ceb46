// Somebody takes notice of an alarm, or wants silence.

import { request } from "../lib/api.js";
import { byId, setAttribute, setText } from "../lib/dom.js";
import { mayRepair, whoAmI } from "../lib/session.js";

const HOUR = 3_600_000;

export class Attending {
  #alarm = null;
  #csrf = null;
  #may = false;
  #done;

  /** @param {() => Promise<void>} done something has changed */
  constructor(done) {
    this.#done = done;
    byId("acknowledge").addEventListener("submit", (event) => {
      event.preventDefault();
      const comment = byId("notice").value.trim();
      void this.#act("POST", "acknowledge", comment === "" ? {} : { comment }, "Acknowledged.");
    });
    byId("silence").addEventListener("submit", (event) => {
      event.preventDefault();
      const until = new Date(Date.now() + Number(byId("hours").value) * HOUR).toISOString();
      void this.#act("POST", "silence", { until, comment: byId("why").value.trim() }, "Silenced.");
    });
    byId("speak").addEventListener("click", () => void this.#act("DELETE", "silence", undefined, "No longer silent."));
    void this.#ask();
  }

  /** @param {object} alarm that is shown */
  offer(alarm) {
    if (this.#alarm?.id !== alarm.id) {
      byId("notice").value = "";
      byId("why").value = "";
      this.#tell("", "");
    }
    this.#alarm = alarm;
    byId("attending").hidden = !this.#may;
    byId("acknowledge").hidden = Boolean(alarm.ended) || Boolean(alarm.acknowledged);
    byId("speak").hidden = !alarm.silence;
  }

  async #ask() {
    try {
      const session = await whoAmI();
      this.#csrf = session.csrf;
      this.#may = mayRepair(session);
    } catch {
      // The view says what is wrong with the hub; nobody who is not known takes notice of anything.
    }
  }

  async #act(method, what, body, words) {
    const { id } = this.#alarm;
    this.#busy(true);
    try {
      await request(method, `alarms/${id}/${what}`, { body, csrf: this.#csrf });
      await this.#done();
      this.#tell("good", words);
    } catch (error) {
      this.#tell("bad", error.message);
    }
    this.#busy(false);
  }

  #busy(busy) {
    for (const button of byId("attending").querySelectorAll("button")) button.disabled = busy;
  }

  #tell(kind, words) {
    setAttribute(byId("outcome"), "data-kind", kind || null);
    setText(byId("outcome"), words);
  }
}

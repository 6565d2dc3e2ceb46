// What people decide about what a sink refuses, and about its mapping, for whoever may.

import { request } from "../lib/api.js";
import { mayRepair, whoAmI } from "../lib/session.js";

export class Decisions {
  #csrf = null;
  /** Whether the reader may decide anything. */
  may = false;

  async ask() {
    try {
      const session = await whoAmI();
      this.#csrf = session.csrf;
      this.may = mayRepair(session);
    } catch {
      // The views say what is wrong with the hub; nobody who is not known decides anything.
    }
  }

  /**
   * @param {string} sink
   * @param {string} what `retry`, `drop` or `refused-states/drop`
   * @param {object} [body]
   * @param {"POST" | "DELETE"} [method]
   */
  make(sink, what, body, method = "POST") {
    return request(method, `sinks/${encodeURIComponent(sink)}/${what}`, { body, csrf: this.#csrf });
  }
}

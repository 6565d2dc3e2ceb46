// Every change of every agent, once and in order: a snapshot, then the stream from its cursor (docs/api.md). When the stream
// breaks it goes on from the last cursor; when the hub no longer knows the cursor, from a new snapshot.

import { get, streamUrl } from "./api.js";
import { sync } from "./clock.js";

/** Two heartbeats and some: after this long without a word the connection is dead, whatever the browser believes. */
const SILENCE = 40_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** A page that nobody sees gives its connection back after this long: browsers allow six for each host. */
const HIDDEN = 60_000;

/**
 * @typedef {object} Link how the page hears from the hub
 * @property {"starting" | "live" | "lost" | "paused"} state
 * @property {number} heard when it last did, by the local clock
 * @property {string | null} problem
 */

/**
 * @typedef {object} Listener
 * @property {(snapshot: { cursor: string, at: string, agents: object[] }) => void} snapshot
 * @property {(agent: object) => void} state
 * @property {(link: Link) => void} link
 */

export class AgentFeed {
  #listener;
  #cursor = null;
  #stream = null;
  #heard = Date.now();
  #state = "starting";
  #failures = 0;
  #retry = null;
  #hiding = null;
  /** Counts attempts, so that the answer to one that was given up changes nothing. */
  #attempt = 0;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Connects, and stays connected. */
  start() {
    setInterval(() => this.#watch(), 5000);
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => this.#visibility());
    void this.#connect();
  }

  /** Does not wait for the next attempt. */
  retryNow() {
    if (this.#state !== "live") void this.#connect();
  }

  async #connect() {
    this.#close();
    const attempt = ++this.#attempt;
    if (this.#cursor === null) {
      try {
        const snapshot = await get("agents");
        if (attempt !== this.#attempt) return;
        sync(snapshot.at);
        this.#cursor = snapshot.cursor;
        this.#heard = Date.now();
        this.#listener.snapshot(snapshot);
      } catch (error) {
        if (attempt === this.#attempt) this.#lost(error.message, error.retryAfter);
        return;
      }
    }
    this.#open();
  }

  #open() {
    const stream = new EventSource(streamUrl("agents/stream", { after: this.#cursor }));
    this.#stream = stream;
    let opened = false;
    stream.addEventListener("open", () => {
      opened = true;
      this.#failures = 0;
      this.#hear();
    });
    stream.addEventListener("state", (event) => {
      this.#cursor = event.lastEventId;
      this.#hear();
      this.#listener.state(JSON.parse(event.data));
    });
    stream.addEventListener("heartbeat", (event) => {
      this.#cursor = event.lastEventId;
      this.#hear();
      sync(JSON.parse(event.data).at);
    });
    stream.addEventListener("gone", () => {
      this.#cursor = null;
      void this.#connect();
    });
    stream.addEventListener("error", () => {
      // A stream that was refused says no reason here. Asking for a snapshot does: signed out, cursor gone, or nobody there.
      if (!opened) this.#cursor = null;
      this.#lost(opened ? "the stream ended" : "the hub refused the stream");
    });
  }

  #hear() {
    this.#heard = Date.now();
    if (this.#state === "live") return;
    this.#show("live", null);
  }

  #lost(problem, retryAfter) {
    this.#close();
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures) * (0.8 + 0.4 * Math.random());
    this.#failures += 1;
    this.#show("lost", problem);
    this.#retry = setTimeout(() => void this.#connect(), Math.max(pause, (retryAfter ?? 0) * 1000));
  }

  #close() {
    clearTimeout(this.#retry);
    this.#stream?.close();
    this.#stream = null;
  }

  #watch() {
    if (this.#stream && Date.now() - this.#heard > SILENCE) this.#lost("the stream went silent");
  }

  #visibility() {
    clearTimeout(this.#hiding);
    if (document.visibilityState === "visible") {
      if (this.#state === "paused") void this.#connect();
      return;
    }
    this.#hiding = setTimeout(() => {
      if (this.#state !== "live") return;
      this.#close();
      this.#show("paused", null);
    }, HIDDEN);
  }

  #show(state, problem) {
    this.#state = state;
    this.#listener.link({ state, heard: this.#heard, problem });
  }
}

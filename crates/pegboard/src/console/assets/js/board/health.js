// Sources that are not well, for the banner: the board may be connected to the hub while the hub is not to the platform.

import { get } from "../lib/api.js";
import { moment, span } from "../lib/format.js";

const EVERY = 15_000;
const WORDS = { lagging: "is behind", failing: "is failing", stopped: "has stopped" };

/**
 * Watches the sources.
 * @param {(sentence: string | null) => void} tell the sentence for the banner, or null when all is well
 * @param {() => number} now
 */
export function watchHealth(tell, now) {
  const look = async () => {
    try {
      const { sources } = await get("sources");
      tell(sentence(sources, now()));
    } catch {
      // The feed of agents says that the hub does not answer.
    }
    setTimeout(look, EVERY);
  };
  void look();
}

/** @param {object[]} sources @param {number} now */
export function sentence(sources, now) {
  const ill = sources.filter(({ health }) => health in WORDS);
  if (ill.length === 0) return null;
  return ill.map((source) => {
    const what = `Source ${source.name} ${WORDS[source.health]}`;
    if (!source.watermark) return `${what}: nothing is known of it yet.`;
    const until = Date.parse(source.watermark);
    return `${what}: its states are as of ${moment(until, now)}, ${span(now - until)} ago.`;
  }).join(" ");
}

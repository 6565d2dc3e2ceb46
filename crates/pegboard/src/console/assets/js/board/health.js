// Sources that are not well, for the banner: the board may be connected to the hub while the hub is not to the platform.

import { get } from "../lib/api.js";
import { moment, span } from "../lib/format.js";

const EVERY = 15_000;
/** While a source is ill, its recovery should be on the board soon. */
const EVERY_WHILE_ILL = 3000;
const WORDS = { lagging: "is behind", failing: "is failing", stopped: "has stopped" };

/**
 * Watches the sources.
 * @param {(sentence: string | null, ill: Set<string>) => void} tell the sentence for the banner, or null when all is well, and
 * the names of the sources that are ill
 * @param {() => number} now
 */
export function watchHealth(tell, now) {
  let pause = EVERY;
  const look = async () => {
    try {
      const { sources } = await get("sources");
      const ill = sources.filter(isIll);
      pause = ill.length > 0 ? EVERY_WHILE_ILL : EVERY;
      tell(sentence(ill, now()), new Set(ill.map(({ name }) => name)));
    } catch {
      // The feed of agents says that the hub does not answer.
    }
    setTimeout(look, pause);
  };
  void look();
}

function isIll({ health }) {
  return Object.hasOwn(WORDS, health);
}

/** What to say of the sources that are ill. @param {object[]} sources @param {number} now */
export function sentence(sources, now) {
  const ill = sources.filter(isIll);
  if (ill.length === 0) return null;
  return ill
    .map((source) => {
      const what = `Source ${source.name} ${WORDS[source.health]}`;
      if (!source.watermark) return `${what}: nothing is known of it yet.`;
      const until = Date.parse(source.watermark);
      return `${what}: its states are as of ${moment(until, now)}, ${span(now - until)} ago.`;
    })
    .join(" ");
}

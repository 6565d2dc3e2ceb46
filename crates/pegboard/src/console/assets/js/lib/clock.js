// The hub's present, as far as the page can know it: the time in a state is counted by the hub's clock, not by that of a
// computer whose clock is off.

const JUMP = 2000;
let offset = null;

/**
 * Learns from a time that the hub just sent. Of several, the one that travelled fastest is nearest to the truth.
 * @param {string} at RFC 3339
 */
export function sync(at) {
  const candidate = Date.parse(at) - Date.now();
  if (Number.isNaN(candidate)) return;
  if (offset === null || candidate > offset || offset - candidate > JUMP) offset = candidate;
}

/** Now, by the hub's clock, in milliseconds since 1970. */
export function now() {
  return Date.now() + (offset ?? 0);
}

/**
 * Calls back at every full second of the local clock.
 * @param {() => void} tick
 */
export function everySecond(tick) {
  setTimeout(
    () => {
      tick();
      everySecond(tick);
    },
    1000 - (Date.now() % 1000) + 5,
  );
}

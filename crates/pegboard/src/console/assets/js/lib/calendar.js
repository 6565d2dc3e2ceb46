// Days of the local calendar, which are not all 24 hours long. Pure.

const HOUR = 3_600_000;

/**
 * The same local time so many days later, or earlier.
 * @param {number} ms since 1970
 * @param {number} days
 */
export function daysLater(ms, days) {
  const date = new Date(ms);
  date.setDate(date.getDate() + days);
  return date.getTime();
}

/** The first instant of the local day. @param {number} ms since 1970 */
export function midnight(ms) {
  return new Date(ms).setHours(0, 0, 0, 0);
}

/**
 * What a choice of a window of days means at an instant.
 * @param {string} range "today", "yesterday", "7d", or else the last 24 hours
 * @param {number} at ms since 1970
 * @returns {[number, number]} from when to when
 */
export function windowOf(range, at) {
  const today = midnight(at);
  switch (range) {
    case "today":
      return [today, at];
    case "yesterday":
      return [daysLater(today, -1), today];
    case "7d":
      return [daysLater(today, -6), at];
    default:
      return [Math.floor((at - 24 * HOUR) / HOUR) * HOUR, at];
  }
}

// Days of the local calendar, which are not all 24 hours long. Pure.

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

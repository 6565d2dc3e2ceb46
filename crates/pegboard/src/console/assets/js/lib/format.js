// Numbers and times as people read them. Pure.

const WHOLE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const ZONE = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });

/** What stands where there is no value. */
export const NONE = "–";

/**
 * `m:ss`, from an hour on `h:mm:ss`, from four days on `4 d 03 h`. Cut, not rounded: a state that began 59.9 s ago is 0:59 old.
 * @param {number | null | undefined} ms milliseconds; negative counts as 0
 */
export function duration(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return NONE;
  const s = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(s / 3600);
  if (hours >= 96) return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
  const rest = `${two(s % 60)}`;
  return hours > 0 ? `${hours}:${two(Math.floor(s / 60) % 60)}:${rest}` : `${Math.floor(s / 60)}:${rest}`;
}

/** Seconds as `m:ss`, rounded. @param {number | null | undefined} s */
export function seconds(s) {
  return s === null || s === undefined || Number.isNaN(s) ? NONE : duration(Math.round(s) * 1000);
}

/** In words for a sentence: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. @param {number} ms */
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s / 3600) % 24} h`;
}

/** A count. @param {number | null | undefined} value */
export function count(value) {
  return value === null || value === undefined || Number.isNaN(value) ? NONE : WHOLE.format(value);
}

/** So many of a thing: `1 row`, `2 rows`. @param {number} number @param {string} word for one of them */
export function many(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** One decimal. @param {number | null | undefined} value */
export function decimal(value) {
  return value === null || value === undefined || Number.isNaN(value) ? NONE : ONE.format(value);
}

/** A percentage 0 to 100. @param {number | null | undefined} value */
export function percent(value) {
  return value === null || value === undefined || Number.isNaN(value) ? NONE : `${ONE.format(value)} %`;
}

/** Local time with seconds. @param {number} ms since 1970 */
export function time(ms) {
  return TIME.format(ms);
}

/** Local time to the minute. @param {number} ms since 1970 */
export function minute(ms) {
  return HOUR.format(ms);
}

/** Local time to the second, with the day unless that is today. @param {number} ms @param {number} now */
export function moment(ms, now) {
  const today = new Date(ms).toDateString() === new Date(now).toDateString();
  return today ? TIME.format(ms) : `${DAY.format(ms)}, ${TIME.format(ms)}`;
}

/** Day and minute. @param {number} ms */
export function day(ms) {
  return DAY.format(ms);
}

/** `Sat 14 Nov`, as the reader writes it. @param {number} ms */
export function date(ms) {
  return DATE.format(ms);
}

/** `Sat`. @param {number} ms */
export function weekday(ms) {
  return WEEKDAY.format(ms);
}

/** How much more a number is than another: `+5 %`, `−12 %`; nothing where there is nothing to compare with. @param {number | null} value @param {number | null} than */
export function more(value, than) {
  if (value === null || than === null || than === 0) return "";
  const rate = Math.round((100 * (value - than)) / than);
  return `${rate < 0 ? "−" : rate > 0 ? "+" : "±"}${WHOLE.format(Math.abs(rate))} %`;
}

/** `09:15 – 09:30`. @param {number} start ms @param {number} length ms */
export function interval(start, length) {
  return `${HOUR.format(start)} – ${HOUR.format(start + length)}`;
}

/** The local zone's short name at an instant. @param {number} ms */
export function zone(ms) {
  return ZONE.formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? "";
}

function two(value) {
  return String(value).padStart(2, "0");
}

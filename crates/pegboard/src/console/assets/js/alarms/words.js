// What stands about an alarm beside its own words. Pure.

import { moment, span } from "../lib/format.js";

/** Whether somebody attends to it, or it is over. @param {object} alarm as the API gives it @param {number} now */
export function stateOf({ ended, since, acknowledged, silence }, now) {
  const parts = [];
  if (ended) parts.push(`over after ${span(Date.parse(ended) - Date.parse(since))}`);
  if (acknowledged) parts.push(`acknowledged by ${acknowledged.by}`);
  if (silence) parts.push(`silent until ${moment(Date.parse(silence.until), now)}`);
  return parts.length === 0 ? "open" : parts.join(", ");
}

/** All that is known, as pairs. @param {object} alarm @param {number} now @returns {[string, string][]} */
export function factsOf(alarm, now) {
  const { id, condition, severity, subject, since, seen, ended, acknowledged, silence } = alarm;
  const at = (text) => moment(Date.parse(text), now);
  const said = ({ by, at: when, comment }) => `${by}, ${at(when)}${comment ? `: ${comment}` : ""}`;
  return [
    ["Of", subject],
    ["Since", at(since)],
    ended ? ["Over", at(ended)] : ["Last seen", at(seen)],
    ["Condition", `${condition} (${severity}), number ${id}`],
    ...(acknowledged ? [["Acknowledged", said(acknowledged)]] : []),
    ...(silence ? [["Silent until", `${at(silence.until)}, by ${said(silence)}`]] : []),
  ];
}

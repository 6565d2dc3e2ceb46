// How many alarms need somebody, in the bar of every page.

import { request } from "./api.js";
import { byId, setAttribute, setText } from "./dom.js";

const EVERY = 15_000;

/**
 * Those that nobody has taken notice of, and that are not silenced. Pure.
 * @param {{ severity: string, acknowledged: object | null, silence: object | null }[]} alarms
 * @returns {{ number: number, severity: "none" | "warning" | "critical" }}
 */
export function unattended(alarms) {
  const left = alarms.filter(({ acknowledged, silence }) => !acknowledged && !silence);
  const critical = left.some(({ severity }) => severity === "critical");
  return { number: left.length, severity: left.length === 0 ? "none" : critical ? "critical" : "warning" };
}

/** Shows how many, again and again. */
export async function startAlarmCount() {
  try {
    const { alarms, next } = await request("GET", "alarms?open=true&limit=100");
    showAlarmCount(alarms, Boolean(next));
  } catch {
    // The view says what is wrong with the hub.
  }
  setTimeout(startAlarmCount, EVERY);
}

/** @param {object[]} alarms that are open @param {boolean} more there are */
export function showAlarmCount(alarms, more) {
  const { number, severity } = unattended(alarms);
  setAttribute(byId("alarm-link"), "data-severity", severity);
  setAttribute(byId("alarm-link"), "aria-label", number === 0 ? "Alarms: none" : `Alarms: ${number} need somebody`);
  setText(byId("alarm-count"), number === 0 ? "" : `${number}${more ? "+" : ""}`);
}

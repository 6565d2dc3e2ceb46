// The nine classes of agent time (docs/reports.md), in the order in which they are shown. Each has its own picture in the
// sprite and its own colour in tokens.css, both named after it.

/** @typedef {"talk"|"hold"|"acw"|"ringing"|"error"|"aux"|"available"|"signed_out"|"unknown"} Class */

/** @type {ReadonlyArray<{ id: Class, label: string, meaning: string }>} */
export const CLASSES = [
  { id: "talk", label: "Talk", meaning: "connected to a contact" },
  { id: "hold", label: "Hold", meaning: "on a contact that is on hold" },
  { id: "acw", label: "ACW", meaning: "in after-contact work" },
  { id: "ringing", label: "Ringing", meaning: "being offered a contact" },
  { id: "error", label: "Error", meaning: "left with a missed, rejected or failed contact that still blocks routing" },
  { id: "aux", label: "Aux", meaning: "signed in, in a status that does not route" },
  { id: "available", label: "Available", meaning: "signed in, routable, nothing to do" },
  { id: "signed_out", label: "Signed out", meaning: "not signed in" },
  { id: "unknown", label: "Unknown", meaning: "not known: before the first evidence, or silent for too long" },
];

const PLACE = new Map(CLASSES.map(({ id }, index) => [id, index]));

/**
 * The class of this name; one that the page does not know is unknown, as the hub itself would say.
 * @param {string} name
 * @returns {Class}
 */
export function classOf(name) {
  return PLACE.has(name) ? name : "unknown";
}

/** Its place in the order. @param {Class} id */
export function place(id) {
  return PLACE.get(id);
}

/** Its label. @param {Class} id */
export function label(id) {
  return CLASSES[PLACE.get(id)].label;
}

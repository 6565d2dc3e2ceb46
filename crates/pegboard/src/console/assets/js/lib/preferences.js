// What this browser remembers. It may refuse (private mode, full): then the page works and forgets.

/** @param {string} name @returns {string | null} */
export function recall(name) {
  try {
    return localStorage.getItem(`pegboard.${name}`);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string | null} value null forgets */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`pegboard.${name}`);
    else localStorage.setItem(`pegboard.${name}`, value);
  } catch {
    // Nothing depends on it.
  }
}

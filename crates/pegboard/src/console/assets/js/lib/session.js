// Who is signed in. Where no token is needed (a demonstration) nobody signed in, and nothing of it shows.

import { request, goToSignIn } from "./api.js";
import { byId, setText } from "./dom.js";

/**
 * @typedef {object} Session
 * @property {string} name of the token
 * @property {string} role
 * @property {string | null} csrf what writes must carry; null for whoever did not sign in on this page
 */

/** Who may mend things: the hub refuses everybody else. @param {Session} session */
export function mayRepair({ role }) {
  return role === "operator" || role === "admin";
}

/** @returns {Promise<Session>} */
export async function whoAmI() {
  return request("GET", "session");
}

/** Shows who is signed in and lets them leave; leads to the sign-in where it is needed. */
export async function startSession() {
  let session;
  try {
    session = await whoAmI();
  } catch (error) {
    if (error.status === 401) goToSignIn();
    return; // The views say what is wrong with the hub.
  }
  if (!session.csrf) return;
  setText(byId("who-name"), `${session.name} · ${session.role}`);
  byId("who").hidden = false;
  byId("sign-out").addEventListener("click", async () => {
    await request("DELETE", "session", { csrf: session.csrf }).catch(() => null);
    location.assign("/sign-in");
  });
}

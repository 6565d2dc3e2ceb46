// Signing in with a token. The hub answers with a session cookie that scripts cannot read.

import { request } from "../lib/api.js";
import { byId, setText } from "../lib/dom.js";
import { whoAmI } from "../lib/session.js";
import { startShell } from "../lib/shell.js";

/** Where to go afterwards: a place on this very page, whatever the address says. */
function next() {
  const wanted = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return wanted.origin === location.origin && wanted.pathname !== "/sign-in" ? wanted.pathname + wanted.search : "/";
}

async function signIn(event) {
  event.preventDefault();
  const token = byId("token");
  byId("submit").disabled = true;
  setText(byId("problem"), "");
  try {
    await request("POST", "session", { body: { token: token.value.trim() } });
    location.replace(next());
  } catch (error) {
    const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
    setText(byId("problem"), `Not signed in: ${error.message}.${wait}`);
    byId("submit").disabled = false;
    token.select();
  }
}

async function start() {
  startShell();
  byId("form").addEventListener("submit", signIn);
  // Whoever is signed in already, or needs no token, has nothing to do here.
  await whoAmI().then(
    () => location.replace(next()),
    () => null,
  );
}

void start();

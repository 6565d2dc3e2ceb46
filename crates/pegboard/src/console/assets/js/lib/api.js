// The hub's API, of the same origin: `docs/api.md`.

const BASE = "/api/v1/";

/** What the API, or the way to it, answered instead of data. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 if there was no answer
   * @param {string} code
   * @param {string} message
   * @param {number} [retryAfter] seconds
   */
  constructor(status, code, message, retryAfter) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/**
 * Reads. A missing sign-in leads to the page for it.
 * @param {string} path below `/api/v1/`
 * @param {Record<string, string | number | null | undefined>} [query]
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function get(path, query = {}) {
  try {
    return await request("GET", path + queryString(query));
  } catch (error) {
    if (error.status === 401) goToSignIn();
    throw error;
  }
}

/**
 * Asks and answers with the parsed body, or null for none. Does not leave the page.
 * @param {string} method
 * @param {string} path
 * @param {{ body?: unknown, csrf?: string | null }} [options]
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function request(method, path, { body, csrf } = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (csrf) headers["x-csrf-token"] = csrf;
  const response = await ask(method, path, { headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const data = await json(response);
  if (response.ok) return data;
  throw errorOf(response, data);
}

async function ask(method, path, options) {
  try {
    return await fetch(BASE + path, { method, cache: "no-store", ...options });
  } catch {
    throw new ApiError(0, "unreachable", "the hub does not answer");
  }
}

function errorOf(response, data) {
  const retryAfter = Number(response.headers.get("retry-after")) || undefined;
  const { code = "internal", message = `the hub answered with status ${response.status}` } = data?.error ?? {};
  return new ApiError(response.status, code, message, retryAfter);
}

/**
 * Reads what is no JSON.
 * @param {string} path below `/api/v1/`
 * @param {Record<string, string | number | null | undefined>} [query]
 * @returns {Promise<string>}
 * @throws {ApiError}
 */
export async function getText(path, query = {}) {
  const answer = await ask("GET", path + queryString(query), {});
  if (!answer.ok) throw errorOf(answer, await json(answer));
  return answer.text();
}

/** The address of a stream of the API.
 * @param {string} path
 * @param {Record<string, string | null | undefined>} query
 */
export function streamUrl(path, query) {
  return BASE + path + queryString(query);
}

/** Leaves for the sign-in, which leads back here. */
export function goToSignIn() {
  if (location.pathname === "/sign-in") return;
  const here = location.pathname + location.search;
  location.replace(`/sign-in?next=${encodeURIComponent(here)}`);
}

async function json(response) {
  const text = await response.text().catch(() => "");
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function queryString(query) {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

// Serves the page from its source folder and fakes the API of docs/api.md, with faults on demand. For the browser tests, and
// for working on the page by hand:
//
//   node crates/pegboard/tests/browser/mock-server.mjs [--port 8090] [--agents 1000] [--rate 50]

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MockDelivery } from "./mock-delivery.mjs";
import { MockMapping } from "./mock-mapping.mjs";
import { completeness, groupRows, queueHistory, queueRows, reconciliation } from "./mock-reports.mjs";
import { World, iso } from "./mock-world.mjs";

const CONSOLE = new URL("../../src/console/", import.meta.url);
const ASSETS = new URL("assets/", CONSOLE);
const TYPES = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
/** The same policy and the same views as the program's, read from its source. */
const POLICY = /CONTENT_SECURITY_POLICY: &str = "([^"]*)"/.exec(source("headers.rs"))[1].replace(/\\\n\s*/g, "");
const VIEWS = [...source("document.rs").matchAll(/View \{\s*path: "([^"]+)",\s*name: "([^"]+)",\s*title: "([^"]+)"/g)];
const KEPT = 5000;

export class MockServer {
  /** @param {{ agents?: number, rate?: number, token?: string | null, role?: string }} [options] */
  constructor({ agents = 1000, rate = 50, token = null, role = "operator" } = {}) {
    this.world = new World({ agents });
    this.rate = rate;
    this.token = token;
    this.role = role;
    this.health = "ok";
    this.down = false;
    this.store = 1;
    this.number = 0;
    this.requests = [];
    this.mended = [];
    this.reloads = [];
    /** Open alarms. */
    this.alarms = [];
    this.settled = new Set();
    this.delivery = new MockDelivery();
    this.mapping = new MockMapping(this.delivery);
    this.changes = [];
    this.streams = new Set();
    this.server = createServer((request, response) => this.#answer(request, response));
  }

  /** @returns {Promise<string>} the address */
  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.ticker = setInterval(() => this.#tick(), 50);
    this.heart = setInterval(
      () => this.#each((stream) => this.#send(stream, "heartbeat", { at: iso(Date.now()) })),
      5000,
    );
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  async stop() {
    clearInterval(this.ticker);
    clearInterval(this.heart);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** One agent changes now. @param {object} [fields] what to set, else somebody does what comes next */
  change(fields, index) {
    const agent = fields
      ? Object.assign(this.world.agents[index], { since: iso(Date.now()) }, fields)
      : this.world.change();
    this.number += 1;
    const { stale, ...state } = agent;
    const entry = { number: this.number, state: { ...state } };
    this.changes.push(entry);
    if (this.changes.length > KEPT) this.changes.shift();
    this.#each((stream) => this.#send(stream, "state", entry.state));
    return agent;
  }

  /** Breaks every stream. */
  drop() {
    this.#each((stream) => stream.destroy());
  }

  /** A new store: every cursor is gone. */
  forget() {
    this.store += 1;
    this.changes = [];
  }

  /** Tells open streams that their cursor is gone. */
  gone() {
    this.forget();
    this.#each((stream) => {
      this.#send(stream, "gone", { at: iso(Date.now()) });
      stream.end();
    });
  }

  #tick() {
    if (this.world.agents.length === 0) return;
    this.due = (this.due ?? 0) + this.rate / 20;
    for (; this.due >= 1; this.due -= 1) this.change();
  }

  #each(act) {
    for (const stream of this.streams) act(stream);
  }

  #cursor() {
    return `${this.store}.${this.number}`;
  }

  #send(stream, event, data, cursor = this.#cursor()) {
    stream.write(`event: ${event}\nid: ${cursor}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #answer(request, response) {
    const url = new URL(request.url, "http://mock");
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (url.pathname.startsWith("/assets/"))
      return this.#asset(url.pathname.replace(/^\/assets\/[^/]+\//, ""), response);
    const view = VIEWS.find(([, path]) => path === url.pathname);
    if (view) return this.#document(view, response);
    if (this.down) return request.socket.destroy();
    if (url.pathname === "/api/v1/session") return this.#session(request, response);
    if (this.token && !this.#signedIn(request))
      return this.#error(response, 401, "unauthenticated", "a token is needed");
    return this.#api(url, request, response);
  }

  #document([, , name, title], response) {
    const html = source("assets/shell.html")
      .replaceAll("{view}", () => source(`assets/views/${name}.html`))
      .replaceAll("{name}", name)
      .replaceAll("{title}", title)
      .replaceAll("{assets}", "/assets/dev");
    response
      .writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY })
      .end(html);
  }

  #asset(path, response) {
    const url = new URL(path, ASSETS);
    if (!url.href.startsWith(ASSETS.href)) return response.writeHead(404).end();
    try {
      const bytes = readFileSync(url);
      return response
        .writeHead(200, { "content-type": TYPES[path.split(".").pop()] ?? "text/plain", "cache-control": "no-store" })
        .end(bytes);
    } catch {
      return response.writeHead(404).end();
    }
  }

  #session(request, response) {
    const who = { name: "planner", role: this.role, sources: [], csrf: this.token ? "proof" : null };
    if (request.method === "GET") {
      return this.token && !this.#signedIn(request)
        ? this.#error(response, 401, "unauthenticated", "a token is needed")
        : this.#json(response, who);
    }
    if (request.method === "DELETE") {
      if (request.headers["x-csrf-token"] !== "proof") return this.#error(response, 403, "forbidden", "no proof");
      return response.writeHead(204, { "set-cookie": "pegboard_session=; Path=/; Max-Age=0" }).end();
    }
    let body = "";
    request
      .on("data", (chunk) => {
        body += chunk;
      })
      .on("end", () => {
        if (JSON.parse(body).token !== this.token)
          return this.#error(
            response,
            401,
            "unauthenticated",
            "this token is not valid: it is mistyped, expired or revoked",
          );
        response.setHeader("set-cookie", "pegboard_session=yes; Path=/; HttpOnly; SameSite=Strict");
        return this.#json(response, who);
      });
  }

  #signedIn(request) {
    return /pegboard_session=yes/.test(request.headers.cookie ?? "");
  }

  #api(url, request, response) {
    const query = url.searchParams;
    const now = Date.now();
    const from = query.has("from") ? Date.parse(query.get("from")) : now - 86_400_000;
    const to = query.has("to") ? Date.parse(query.get("to")) : now;
    const timeline = /^\/api\/v1\/agents\/([^/]+)\/timeline$/.exec(url.pathname);
    if (timeline) {
      const agent = this.world.agents.find(({ agent_id: id }) => id === timeline[1]);
      return agent
        ? this.#json(response, { rows: this.world.timeline(agent, from, to) })
        : this.#error(response, 404, "not_found", "no such agent");
    }
    const mending = /^\/api\/v1\/dead-letters\/(\d+)\/(retry|drop)$/.exec(url.pathname);
    if (mending && request.method === "POST") return this.#mend(Number(mending[1]), mending[2], request, response);
    const sink = /^\/api\/v1\/sinks\/wfm\/(.+)$/.exec(url.pathname);
    if (sink) return this.#sink(sink[1], query, request, response, now);
    const alarm = /^\/api\/v1\/alarms\/(\d+)\/(acknowledge|silence)$/.exec(url.pathname);
    if (alarm) return this.#attend(Number(alarm[1]), alarm[2], request, response);
    if (/^\/api\/v1\/reloads/.test(url.pathname)) return this.#reloads(url, request, response);
    switch (url.pathname) {
      case "/api/v1/agents":
        return this.#json(response, {
          cursor: this.#cursor(),
          at: iso(now),
          agents: this.world.agents.map((agent) => ({ ...agent, stale: agent.stale || this.health !== "ok" })),
        });
      case "/api/v1/agents/stream":
        return this.#stream(request.headers["last-event-id"] ?? query.get("after"), request, response);
      case "/api/v1/reports/queue_interval":
        return this.#json(response, {
          report: "queue_interval",
          from: iso(from),
          to: iso(to),
          rows: this.world.agents.length ? queueRows(this.world, from, to) : [],
        });
      case "/api/v1/reports/queue_interval/history":
        return this.#json(response, { report: "queue_interval", rows: queueHistory(this.world, from, to) });
      case "/api/v1/reports/completeness":
        return this.#json(response, { report: "completeness", rows: completeness(from, to) });
      case "/api/v1/reports/reconciliation":
        return to - from > 5 * 86_400_000
          ? this.#error(response, 413, "too_large", "more rows than one answer may have: ask for a shorter window")
          : this.#json(response, {
              report: "reconciliation",
              rows: reconciliation(this.world, from, to, query.get("agreeing") === "true"),
            });
      case "/api/v1/reports/group_interval":
        return this.#json(response, {
          report: "group_interval",
          from: iso(from),
          to: iso(to),
          rows: groupRows(this.world, from, to),
        });
      case "/api/v1/sinks":
        return this.#json(response, this.delivery.sinks(now));
      case "/api/v1/sources":
        return this.#json(response, { sources: this.#sources(now) });
      case "/api/v1/alarms":
        return this.#json(response, { alarms: this.alarms, next: null });
      case "/api/v1/dead-letters":
        return this.#json(response, this.#letters(Number(query.get("before") ?? 141), now));
      default:
        return this.#error(response, 404, "not_found", "there is no such route");
    }
  }

  #stream(after, request, response) {
    const [store, number] = (after ?? this.#cursor()).split(".").map(Number);
    const oldest = this.changes[0]?.number ?? this.number + 1;
    if (store !== this.store || number + 1 < oldest)
      return this.#error(response, 410, "cursor_gone", "take a new snapshot");
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    this.#send(response, "heartbeat", { at: iso(Date.now()) }, after ?? this.#cursor());
    for (const change of this.changes)
      if (change.number > number) this.#send(response, "state", change.state, `${this.store}.${change.number}`);
    this.streams.add(response);
    request.on("close", () => this.streams.delete(response));
    return undefined;
  }

  #sink(path, query, request, response, now) {
    if (path === "mapping" || path.startsWith("mapping/")) return this.#mapping(path, query, request, response);
    if (request.method === "POST") return this.#decide(path, request, response);
    const [, unit] = /^ledger\/(.+)$/.exec(path) ?? [];
    if (unit) return this.#json(response, this.delivery.delivery(decodeURIComponent(unit), now));
    if (path === "ledger") return this.#json(response, this.delivery.ledger(query, now));
    if (path === "parked") return this.#json(response, this.delivery.reasons(now));
    if (path === "unmapped") return this.#json(response, this.delivery.unmapped(now));
    return this.#json(response, this.delivery.states(now));
  }

  async #decide(path, request, response) {
    const body = JSON.parse((await bodyOf(request)) || "null");
    const answer = this.delivery.decide(path, body, request.headers["x-csrf-token"] ?? null);
    return answer === null ? response.writeHead(204).end() : this.#json(response, answer);
  }

  async #mapping(path, query, request, response) {
    const body = JSON.parse((await bodyOf(request)) || "null");
    const csrf = request.headers["x-csrf-token"] ?? null;
    const [status, answer] = this.mapping.answer(request.method, path, query, body, csrf);
    if (typeof answer === "string") return response.writeHead(status, { "content-type": "text/csv" }).end(answer);
    if (answer === null) return response.writeHead(status).end();
    return response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  /** Somebody takes notice of an alarm, or wants silence. */
  async #attend(id, what, request, response) {
    const body = await bodyOf(request);
    const alarm = this.alarms.find((known) => known.id === id);
    const said = request.method === "DELETE" ? null : JSON.parse(body);
    const mark = said && { by: "ops", at: iso(Date.now()), comment: said.comment ?? null };
    if (what === "acknowledge") alarm.acknowledged = mark;
    else alarm.silence = mark && { ...mark, until: said.until };
    response.writeHead(204).end();
  }

  /** Of what is retried only what came from the future can be used by now. */
  async #mend(id, what, request, response) {
    const body = await bodyOf(request);
    this.mended.push({ id, what, body, csrf: request.headers["x-csrf-token"] ?? null });
    if (this.settled.has(id)) return this.#error(response, 404, "not_found", "there is no dead letter with this id");
    if (what === "retry" && id % 4 !== 3) return this.#json(response, { mended: false, reason: "not a count, as before" });
    this.settled.add(id);
    if (what === "retry") return this.#json(response, { mended: true, reason: null });
    return response.writeHead(204).end();
  }

  /** What is asked for runs until it is cancelled. */
  #reloads(url, request, response) {
    if (request.method === "GET") return this.#json(response, { reloads: this.reloads, next: null });
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      if (request.method === "DELETE") {
        const found = this.reloads.find(({ id }) => String(id) === url.pathname.split("/").at(-1));
        Object.assign(found, { state: "cancelled", ended: iso(Date.now()) });
        return response.writeHead(204).end();
      }
      const body = JSON.parse(Buffer.concat(parts).toString());
      if (url.pathname.endsWith("/preview"))
        return this.#json(response, {
          report: "reload",
          columns: ["report", "interval_start", "key", "column", "old", "new"],
          rows: [
            {
              report: "queue_interval",
              interval_start: `${body.from}T09:15:00Z`,
              key: "VIP",
              column: "answered",
              old: "3",
              new: "4",
            },
          ],
        });
      const reload = {
        id: this.reloads.length + 1,
        state: "running",
        queues: [],
        agents: [],
        to: body.from,
        ...body,
        at: iso(Date.now()),
        by: "planner",
        days: 4,
        days_done: 1,
        facts: 9000,
        rows: 1200,
        differ: 3,
        began: iso(Date.now()),
        ended: null,
        notes: ["2026-03-01: nothing is kept of it any more"],
        more_notes: 0,
        error: null,
        left_s: 42,
      };
      this.reloads.unshift(reload);
      return response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(reload));
    });
    return undefined;
  }

  #sources(now) {
    const behind = this.health === "ok" ? 1.4 : 754;
    const watermark = iso(now - behind * 1000);
    const main = {
      name: "connect-production",
      kind: "amazon-connect",
      health: this.health,
      watermark,
      behind_s: behind,
      closed_until: iso(Math.floor((now - behind * 1000) / 900_000) * 900_000),
      missing_files: [
        {
          report: "QR-intraday",
          name: "connect/centre/Reports/QR-intraday-2026-03-01T09:15*.csv",
          run: iso(now - 4_000_000),
          from: iso(now - 4_900_000),
          is_late: true,
        },
      ],
      agents: this.world.agents.length,
      counts: {
        records: 4_812_331 + this.number,
        events: 4_790_112 + this.number,
        contacts: 21_882,
        duplicates: 337,
        foreign: 0,
        failed: 141,
      },
      partitions: ["agent-events/0000", "agent-events/0001", "contact-records/0000"].map((id, index) => ({
        id,
        position: `4964${index}8713370937413981284093748912784901827349817234`,
        watermark,
        behind_s: behind,
        finished: false,
      })),
      error:
        this.health === "ok"
          ? null
          : {
              at: iso(now - 754_000),
              message:
                "cannot read shard 0001 of stream agent-events: ProvisionedThroughputExceededException; it tries again, if it lasts look at who else reads the stream",
            },
    };
    const file = {
      name: "archive",
      kind: "file",
      health: "starting",
      watermark: null,
      behind_s: null,
      closed_until: null,
      agents: 0,
      counts: { records: 0, events: 0, contacts: 0, duplicates: 0, foreign: 0, failed: 0 },
      partitions: [{ id: "2026", position: null, watermark: null, behind_s: null, finished: false }],
      error: null,
    };
    return [main, file];
  }

  #letters(before, now) {
    const reasons = [
      [
        "agent-events/0001",
        "CurrentAgentSnapshot.Configuration: missing field `Username`",
        '{"AWSAccountId":"<b>0</b>", …',
      ],
      ["agent-events/0001", "not JSON: expected value at line 1 column 1", "hello"],
      [
        "reports/connect",
        "report `connect/centre/Reports/QR-2026-03-01T09:15:00Z.csv`, line 3, column 2 (`Contacts handled`): not a count; mend the cell and retry it, or say in the source's table of labels what the column means",
        "Queue,Contacts handled\nService voice,12\nSales voice,twelve\nVIP,3\n",
      ],
      ["agent-events/0001", "newer than the hub's clock by 31 min", ""],
    ];
    const ids = Array.from({ length: 100 }, (_, index) => before - 1 - index).filter(
      (id) => id > 0 && !this.settled.has(id),
    );
    const letters = ids.map((id) => ({
      id,
      source: "connect-production",
      partition: reasons[id % reasons.length][0],
      position: `4964187133709374139812840937489127849${id}`,
      reason: reasons[id % reasons.length][1],
      at: iso(now - (141 - id) * 311_000),
      tries: 1,
      tried: null,
      ...(this.role === "viewer" ? {} : { payload: reasons[id % reasons.length][2], encoding: "text" }),
    }));
    return { dead_letters: letters, next: ids.at(-1) > 1 ? ids.at(-1) : null };
  }

  #json(response, data) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(data));
  }

  #error(response, status, code, message) {
    response
      .writeHead(status, { "content-type": "application/json" })
      .end(JSON.stringify({ error: { code, message } }));
  }
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

function source(path) {
  return readFileSync(new URL(path, CONSOLE), "utf8");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8090" },
      agents: { type: "string", default: "1000" },
      rate: { type: "string", default: "50" },
      token: { type: "string" },
    },
  });
  const server = new MockServer({
    agents: Number(values.agents),
    rate: Number(values.rate),
    token: values.token ?? null,
  });
  console.log(await server.start(Number(values.port)));
}

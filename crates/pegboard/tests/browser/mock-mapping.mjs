// The mapping of a sink of the mock: three tables with versions.

import { iso } from "./mock-world.mjs";

const COLUMNS = {
  states: ["event_id", "activity_code", "status", "reason", "class", "send_as", "source", "from"],
  queues: ["queue", "wfm_queue_id", "wfm_queue_name", "channel", "direction", "source", "from"],
  agents: ["agent", "wfm_agent_id", "wfm_agent_value", "source", "from"],
};
const KEYS = { states: [0, 3, 4, 6, 7], queues: [0, 3, 4, 5, 6], agents: [0, 3, 4] };
const KINDS = { state: "states", queue: "queues", agent: "agents" };

export class MockMapping {
  /** What was written. @type {{ method: string, path: string, body: object | null, csrf: string | null }[]} */
  asked = [];
  /** Somebody else edits the table before the next edit is heard. */
  faster = false;
  tables = {
    states: version([row("states", { event_id: "Break <b>x</b>", activity_code: "Break", status: "closed" })]),
    queues: { versions: [], rows: [], holds: "nothing" },
    agents: version(["ann", "bob", "cid"].map((agent, index) => row("agents", { agent, wfm_agent_id: `P${index}` }))),
  };

  /** @param {{ names: [string, string, string, string, string[]][] }} list of what no row names, which gets shorter */
  constructor(list) {
    this.list = list;
  }

  /**
   * What a request below `/sinks/wfm/mapping` is answered with.
   * @returns {[number, object | string | null]} status and body
   */
  answer(method, path, query, body, csrf) {
    const [name, rows] = path.split("/").slice(1);
    if (method !== "GET") this.asked.push({ method, path, body, csrf });
    if (!name) return [200, { tables: Object.keys(COLUMNS).map((table) => this.#about(table)) }];
    const table = this.tables[name];
    if (method === "GET") return [200, this.#export(name, query)];
    if (method === "DELETE") {
      Object.assign(table, { holds: "nothing", rows: [] });
      table.versions.unshift({ version: this.#next(table), at: iso(Date.now()), by: "planner", rows: null });
      return [204, null];
    }
    if (this.faster) {
      this.faster = false;
      this.#write(table, [...table.rows, row(name, name === "agents" ? { agent: "zoe", wfm_agent_id: "P9" } : { event_id: "Zzz" })]);
    }
    if (body.version !== undefined && body.version !== (table.versions[0]?.version ?? 0))
      return [409, { error: { code: "conflict", message: "the table was edited meanwhile" } }];
    const wanted = rows ? this.#edited(name, body) : parsed(name, body.csv);
    return [200, this.#change(name, wanted, body.dry_run === true)];
  }

  #about(name) {
    const { versions, rows, holds } = this.tables[name];
    return { table: name, holds, version: versions[0]?.version ?? 0, rows: rows.length, folder_rows: null, versions };
  }

  #export(name, query) {
    const table = this.tables[name];
    const version = Number(query.get("version") ?? 0);
    const rows = table.versions.find((known) => known.version === version)?.content ?? table.rows;
    if (query.get("format") === "csv") return [COLUMNS[name], ...rows].map((cells) => `${cells.join(",")}\n`).join("");
    return { table: name, version, columns: COLUMNS[name], rows };
  }

  #edited(name, { set, remove }) {
    const edited = row(name, set ?? remove);
    const rows = this.tables[name].rows.filter((known) => keyOf(name, known) !== keyOf(name, edited));
    return set ? [...rows, edited] : rows;
  }

  #change(name, wanted, isDryRun) {
    const table = this.tables[name];
    const faults = wanted.flatMap((cells, index) =>
      cells[1] === "" ? [{ line: index + 2, column: 7, message: "it must say something <i>", help: ["such as X"] }] : [],
    );
    const rows = faults.length > 0 ? [] : difference(name, table.rows, wanted);
    const number = (kind) => rows.filter(({ change }) => change === kind).length;
    const maps = this.list.names.filter(([what, id]) => KINDS[what] === name && wanted.some(([first]) => first === id));
    const isWritten = !isDryRun && rows.length > 0;
    if (isWritten) {
      this.#write(table, wanted);
      this.list.names = this.list.names.filter((seen) => !maps.includes(seen));
    }
    return {
      table: name,
      version: table.versions[0]?.version ?? 0,
      applied: isWritten,
      added: number("added"),
      changed: number("changed"),
      removed: number("removed"),
      columns: COLUMNS[name],
      rows,
      names: maps.length,
      maps: maps.map(([what, id, detail]) => ({ what, source: "connect-production", id, detail, count: 1 })),
      faults,
    };
  }

  #write(table, rows) {
    const made = { version: this.#next(table), at: iso(Date.now()), by: "planner", rows: rows.length, content: rows };
    table.versions.unshift(made);
    Object.assign(table, { rows, holds: "edited" });
  }

  #next(table) {
    return (table.versions[0]?.version ?? 0) + 1;
  }
}

function version(rows) {
  return { versions: [{ version: 1, at: iso(Date.now() - 60_000), by: "ann", rows: rows.length, content: rows }], rows, holds: "edited" };
}

function row(name, cells) {
  return COLUMNS[name].map((column) => cells[column] ?? "");
}

function keyOf(name, cells) {
  return JSON.stringify(KEYS[name].map((index) => cells[index].toLowerCase()));
}

/** CSV without quotes, of all columns or some. */
function parsed(name, csv) {
  const [head, ...lines] = csv.trim().split(/\r?\n/).map((line) => line.split(","));
  return lines.map((cells) => row(name, Object.fromEntries(head.map((column, index) => [column, cells[index]]))));
}

function difference(name, before, after) {
  const find = (rows, cells) => rows.find((known) => keyOf(name, known) === keyOf(name, cells));
  const differs = after.flatMap((cells, index) => {
    const was = find(before, cells);
    if (was && was.join() === cells.join()) return [];
    return [{ change: was ? "changed" : "added", line: index + 2, before: was ?? null, after: cells }];
  });
  const gone = before.flatMap((cells, index) =>
    find(after, cells) ? [] : [{ change: "removed", line: index + 2, before: cells, after: null }],
  );
  return [...differs, ...gone];
}

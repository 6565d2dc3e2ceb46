// Report rows for the mock server: plausible shapes of a day, the same for the same interval each time they are asked for.

import { iso, randomFrom } from "./mock-world.mjs";

const STEP = 900_000;

/** @param {import("./mock-world.mjs").World} world */
export function queueRows(world, from, to) {
  return intervals(from, to).flatMap(([start, share]) =>
    world.queues.map(([name, channel, weight], index) => {
      const random = randomFrom(start / 1000 + index * 7919);
      const offered = Math.round(42 * weight * busyness(start) * (0.8 + 0.4 * random()) * share);
      const abandoned = Math.round(offered * 0.12 * random() * busyness(start));
      const out = random() < 0.1 ? Math.min(offered - abandoned, 1) : 0;
      const answered = offered - abandoned - out;
      const inTime = Math.round(answered * (0.98 - 0.35 * random() * busyness(start)));
      const abandonedInTime = Math.round(abandoned * 0.3);
      const denominator = answered + abandoned - abandonedInTime;
      const talk = Math.round(answered * (220 + 60 * random()));
      const hold = Math.round(answered * 22 * random());
      return {
        ...head(start),
        queue_id: `queue-${index}`,
        queue_name: name,
        channel,
        direction: "inbound",
        offered,
        answered,
        answered_in_sl: inTime,
        abandoned,
        abandoned_in_sl: abandonedInTime,
        abandoned_short: Math.round(abandoned * 0.1),
        transferred_out: out,
        transferred_in: 0,
        queue_answered_s: Math.round(answered * (8 + 25 * random() * busyness(start))),
        queue_answered_max_s: answered ? Math.round(30 + 200 * random()) : 0,
        queue_abandoned_s: abandoned * 35,
        queue_abandoned_max_s: abandoned ? 90 : 0,
        talk_s: talk,
        hold_s: hold,
        acw_s: Math.round(answered * 45),
        handle_s: talk + hold,
        service_level_s: 20,
        service_level_pct: denominator ? Math.round((10_000 * inTime) / denominator) / 100 : null,
        service_level_formula: "answered_abandoned_late",
        pegging: "disconnect",
        origin: "computed",
        revision: share < 1 ? 0 : isLate(start, index) ? 2 : 1,
        reason: isLate(start, index) ? "late" : "first",
        provisional: share < 1,
      };
    }),
  );
}

/** @param {import("./mock-world.mjs").World} world */
export function groupRows(world, from, to) {
  const teams = world.teams();
  return intervals(from, to).flatMap(([start, share]) =>
    teams.map(([group, members], index) => {
      const random = randomFrom(start / 1000 + index * 104_729);
      const aps = members.length * 0.85 * busyness(start - index * 1_800_000) * (0.93 + 0.14 * random());
      const staffed = Math.round(aps * 900 * share);
      return {
        ...head(start),
        group,
        aps: Math.round(aps * 1e4) / 1e4,
        staffed_s: staffed,
        status_available_s: Math.round(staffed * 0.82),
        status_unavailable_s: Math.round(staffed * 0.18),
        agents: Math.ceil(aps * 1.08),
        origin: "computed",
        revision: 1,
        reason: "first",
        provisional: share < 1,
      };
    }),
  );
}

const LINES = [
  ["agent_interval", null],
  ["queue_interval", null],
  ["agent_queue_interval", null],
  ["queue_interval", "QR-intraday"],
  ["agent_interval", "ASPR (agents, 15 min)"],
];

/** A hole in one report of the ACD, a gap in a computed one, a queue that is silent at night. */
export function completeness(from, to) {
  const starts = intervals(from, to);
  return LINES.flatMap(([report, acdReport], line) =>
    starts.map(([start, share], index) => {
      const hour = new Date(start).getUTCHours();
      const fromEnd = starts.length - index;
      const isMissing = acdReport !== null && line === 3 && index >= 30 && index < 33;
      const isGap = acdReport === null && line === 1 && index >= 50 && index < 52;
      const isOpen = share < 1 || (acdReport === null ? fromEnd <= 2 : fromEnd <= 4);
      const [state, reason] = isOpen
        ? ["open", acdReport === null ? "not closed yet" : "the ACD may still tell"]
        : isMissing
          ? ["missing", "no file told of it"]
          : isGap
            ? ["gap", "partition agent-events/0001: older than the stream keeps"]
            : ["complete", ""];
      const rows = state !== "complete" || (report !== "agent_interval" && hour < 4) ? 0 : 10 + line;
      const origin = acdReport === null ? "computed" : "acd";
      return { ...head(start), origin, report, acd_report: acdReport, state, rows, reason };
    }),
  );
}

/** Differences of a few queues, some of them for a known reason. @param {import("./mock-world.mjs").World} world */
export function reconciliation(world, from, to, agreeing) {
  return intervals(from, to).flatMap(([start, share]) =>
    world.queues.flatMap(([name, channel], index) => {
      const kind = (start / STEP + index * 3) % 11;
      if (share < 1 || (kind > 2 && !agreeing)) return [];
      const difference = kind === 0 ? 1 : kind === 1 ? -1 : kind === 2 ? 12.5 : 0;
      const measure = kind === 2 ? "handle_s" : "answered";
      const reasons = ["pegging: the day agrees, so contacts are counted in another interval", "", ""];
      return [
        {
          ...head(start),
          report: "queue_interval",
          acd_report: "QR-intraday",
          queue_id: `queue-${index}`,
          queue_name: name,
          agent_id: null,
          agent_login: null,
          channel,
          direction: null,
          measure,
          acd: 20 + difference,
          computed: 20,
          difference,
          agrees: difference === 0,
          reason: reasons[kind] ?? "",
        },
      ];
    }),
  );
}

/** Starts of the intervals in a window, each with how much of it has passed. */
function intervals(from, to) {
  const found = [];
  for (let start = Math.floor(from / STEP) * STEP; start < to; start += STEP)
    found.push([start, Math.min(1, (to - start) / STEP)]);
  return found;
}

function head(start) {
  return { interval_start: iso(start), interval_s: 900, source: "connect-production" };
}

/** Between 0.03 at night and 1 at noon. */
function busyness(ms) {
  const hour = (ms / 3_600_000) % 24;
  return 0.03 + 0.97 * Math.max(0, Math.sin(((hour - 5) / 17) * Math.PI)) ** 0.8;
}

/** Which rows were corrected: some in every day, the same each time. */
function isLate(start, index) {
  return (start / STEP + index * 5) % 23 === 0;
}

/** The history of the rows of an interval. @param {import("./mock-world.mjs").World} world */
export function queueHistory(world, from, to) {
  return queueRows(world, from, to).flatMap((row) =>
    Array.from({ length: row.revision }, (_, index) => {
      const before = { ...row, offered: row.offered + 1, handle_s: row.handle_s + 244.5 };
      return {
        interval_start: row.interval_start,
        source: row.source,
        queue_id: row.queue_id,
        queue_name: row.queue_name,
        channel: row.channel,
        direction: row.direction,
        origin: "computed",
        revision: index + 1,
        at: iso(Date.parse(row.interval_start) + STEP + 300_000 + index * 400_000),
        reason: index === 0 ? "first" : "late",
        file: null,
        changed:
          index === 0 ? null : { handle_s: [before.handle_s, row.handle_s], offered: [before.offered, row.offered] },
        row: index + 1 < row.revision ? before : row,
      };
    }),
  );
}

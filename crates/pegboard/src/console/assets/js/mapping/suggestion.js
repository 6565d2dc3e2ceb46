// From a name that nobody has mapped to the row that it could have. Pure.

const CHANNELS = ["VOICE", "CHAT", "TASK", "EMAIL"];
const DIRECTIONS = ["inbound", "outbound"];
const MAPPED = { state: "states", queue: "queues", agent: "agents" };

/**
 * @param {{ what: string, source: string, id: string, detail: string, suggestion: string }} seen as the API gives it
 * @returns {{ table: string, row: Record<string, string>, complete: boolean } | null} the row, and whether it can be taken as it
 *   is; nothing for a note, which is about no name
 */
export function rowFor({ what, source, id, detail, suggestion }) {
  const table = MAPPED[what];
  if (!table) return null;
  const row = { states: state, queues: queue, agents: agent }[table]({ source, id, detail, suggestion });
  return { table, row, complete: id !== "" && suggestion !== "" };
}

/** A status means the same in every ACD, and with every reason, until somebody says otherwise. */
function state({ id, suggestion }) {
  const comma = suggestion.lastIndexOf(",");
  const [code, status] = comma < 0 ? [suggestion, ""] : [suggestion.slice(0, comma), suggestion.slice(comma + 1)];
  return { event_id: id, activity_code: code, status };
}

/** A WFM's queue has one channel and one direction: those of the contacts that were seen. */
function queue({ source, id, detail, suggestion }) {
  const words = detail.split(" ");
  const direction = DIRECTIONS.includes(words.at(-1)) ? words.pop() : "";
  const channel = CHANNELS.includes(words.at(-1)) ? words.pop() : "";
  return { queue: id, wfm_queue_id: suggestion, wfm_queue_name: words.join(" "), channel, direction, source };
}

function agent({ source, id, detail, suggestion }) {
  return { agent: id, wfm_agent_id: suggestion, wfm_agent_value: detail, source };
}

/** What the row says, in a few words. @param {{ table: string, row: Record<string, string> } | null} suggested */
export function wordsOf(suggested) {
  if (suggested === null) return "";
  const { table, row } = suggested;
  if (table === "states") return [row.activity_code, row.status].filter(Boolean).join(", ");
  if (table === "queues") return [row.wfm_queue_id, row.wfm_queue_name].filter(Boolean).join(", ");
  return [row.wfm_agent_id, row.wfm_agent_value].filter(Boolean).join(", ");
}

// The row that a name could have, in words. Pure.

/** What the row says, in a few words. @param {{ table: string, cells: Record<string, string> } | null} row as the API gives it */
export function wordsOf(row) {
  if (row === null) return "";
  const { table, cells } = row;
  if (table === "states") return [cells.activity_code, cells.status].filter(Boolean).join(", ");
  if (table === "queues") return [cells.wfm_queue_id, cells.wfm_queue_name].filter(Boolean).join(", ");
  return [cells.wfm_agent_id, cells.wfm_agent_value].filter(Boolean).join(", ");
}
